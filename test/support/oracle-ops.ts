/** Single operations of the reference implementation: `oracle-ops`, and `oracle-transforms` beside it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { literal, type Tensor } from '../../src/ir/index.js'
import { type OracleTensor, oracleFolder, readTensors } from './oracle.js'

export const sharedPath = (...path: readonly string[]): string => join(oracleFolder(), '..', ...path)

const file = sharedPath('oracle-ops', 'expected.safetensors')
export const hasOracleOps = existsSync(file)
if (!hasOracleOps) console.warn(`SKIPPED: no ${file} (THETAGRAD_ORACLE); single operations are NOT compared`)

const tensors = hasOracleOps ? readTensors(file) : {}

export const oracleOp = (name: string): OracleTensor => {
  const found = tensors[name]
  if (found === undefined) throw new Error(`oracle-ops has no ${name}`)
  return found
}

/** A fixture as a graph node. */
export const fixture = (name: string): Tensor => {
  const { data, shape } = oracleOp(name)
  return literal(data instanceof Float32Array ? data : new Int32Array(data), shape)
}
