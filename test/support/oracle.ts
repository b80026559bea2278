/** Reads the numbers of the reference implementation: `THETAGRAD_ORACLE`, default `../shared/oracle`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { HostArray } from '../../src/ir/index.js'

export interface OracleTensor {
  readonly shape: readonly number[]
  readonly data: HostArray
}
export type OracleTensors = Readonly<Record<string, OracleTensor>>

export interface OracleCase {
  readonly name: string
  readonly kind: string
  readonly model: string
  /** `config.json` as it stands. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly config: Readonly<Record<string, number | string | boolean>>
  readonly weights: OracleTensors
  readonly inputs: OracleTensors
  readonly expected: OracleTensors
}

export const oracleFolder = (): string => resolve(process.env.THETAGRAD_ORACLE ?? '../shared/oracle')

/** F32, I32 and BOOL (as 0/1) of a safetensors file. */
export const readTensors = (path: string): OracleTensors => {
  const file = readFileSync(path)
  const headerBytes = Number(file.readBigUInt64LE(0))
  const header = JSON.parse(file.subarray(8, 8 + headerBytes).toString('utf8')) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >
  return Object.fromEntries(
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(([name, { dtype, shape, data_offsets }]) => {
        const bytes = new Uint8Array(
          file.subarray(8 + headerBytes + data_offsets[0], 8 + headerBytes + data_offsets[1]),
        )
        return [name, { shape, data: decode(dtype, bytes, `${path}: ${name}`) }]
      }),
  )
}

const decode = (dtype: string, bytes: Uint8Array, where: string): HostArray => {
  switch (dtype) {
    case 'F32':
      return new Float32Array(bytes.buffer)
    case 'I32':
      return new Int32Array(bytes.buffer)
    case 'BOOL':
    case 'U8':
      return Uint32Array.from(bytes)
    default:
      throw new Error(`${where} has element type ${dtype}`)
  }
}

/** All cases of a kind and model, whatever their names; none when the folder is missing. */
export const oracleCases = (wanted: { readonly kind: string; readonly model: string }): readonly OracleCase[] => {
  const folder = oracleFolder()
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'config.json')))
    .map((entry) => {
      const at = (file: string) => join(folder, entry.name, file)
      return { name: entry.name, at, settings: JSON.parse(readFileSync(at('config.json'), 'utf8')) }
    })
    .filter(({ settings }) => settings.kind === wanted.kind && settings.model === wanted.model)
    .map(({ name, at, settings }) => ({
      name,
      kind: settings.kind,
      model: settings.model,
      settings,
      config: settings.config,
      weights: readTensors(at('weights.safetensors')),
      inputs: readTensors(at('inputs.safetensors')),
      expected: readTensors(at('expected.safetensors')),
    }))
}
