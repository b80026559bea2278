/** `import` and `export`: published checkpoints in, weights out, nothing lost on the way. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, describe, expect, it } from 'vitest'
import { exportCommand, importCommand } from '../../src/cli/exchange.js'
import { openRun } from '../../src/cli/run-folder.js'
import { flattenParameters, hrm, init } from '../../src/index.js'
import { decodeSafetensors, encodeSafetensors, readModelAt, type StoredTensors } from '../../src/train/index.js'
import { type OracleCase, oracleCases, oracleFolder } from '../support/oracle.js'
import { modelOfCase } from '../support/oracle-hrm.js'
import { right } from '../support/outcomes.js'

const folder = mkdtempSync(join(tmpdir(), 'exchange-'))
afterAll(() => rmSync(folder, { recursive: true }))
let made = 0
const fresh = (name: string): string => join(folder, `${made++}-${name}`)

const problemsOf = async (work: ReturnType<typeof importCommand>): Promise<readonly string[]> => {
  const result = await work
  return E.isLeft(result) ? result.left.map(({ what }) => what) : []
}

const told = { sequence: 6, heads: 2, cycles: 1, steps: 1 }
const tiny = hrm({ vocabulary: 5, sequence: 6, hidden: 16, heads: 2, layers: { high: 1, low: 2 }, puzzleEmbedding: 20 })
const values = init(tiny.parameters, 3)
const weights: StoredTensors = Object.fromEntries(
  flattenParameters(tiny.parameters).map(({ path, spec }) => [
    path,
    { shape: spec.shape as readonly number[], data: values[path]! },
  ]),
)
const written = (tensors: StoredTensors): string => {
  const path = fresh('weights.safetensors')
  writeFileSync(path, encodeSafetensors(tensors))
  return path
}
const renamed = (name: (old: string) => string): StoredTensors =>
  Object.fromEntries(Object.entries(weights).map(([old, tensor]) => [name(old), tensor]))

describe('import', () => {
  it.each(['', '_orig_mod.', '_orig_mod.model.inner.', 'model.inner.', 'module.model.inner.'])(
    'takes names behind the prefix "%s"',
    async (prefix) => {
      const run = fresh('run')
      const file = written({
        ...renamed((name) => `${prefix}${name}`),
        [`${prefix}puzzle_emb.local_weights`]: { shape: [2, 20], data: new Float32Array(40) },
      })
      right(await importCommand({ file, out: run, told }))
      expect(right(readModelAt(run))).toEqual(weights)
      const { model } = right(await openRun(run))
      expect(flattenParameters(model.parameters)).toEqual(flattenParameters(tiny.parameters))
    },
  )

  const cases = (['hrm', 'trm'] as const).flatMap((model) => oracleCases({ kind: 'segment', model }))
  if (cases.length === 0) console.warn(`SKIPPED: no cases in ${oracleFolder()}; published checkpoints are NOT imported`)
  it.skipIf(cases.length === 0).each(cases.map((c) => [c.name, c] as const))(
    'reads the sizes of %s off its shapes',
    async (_, c: OracleCase) => {
      const run = fresh('run')
      const file = written(c.weights as StoredTensors)
      const { seq_len, num_heads, H_cycles, L_cycles, puzzle_emb_len, pos_encodings } = c.config
      const sizes = {
        sequence: Number(seq_len),
        heads: Number(num_heads),
        cycles: Number(H_cycles),
        steps: Number(L_cycles),
        ...(puzzle_emb_len !== undefined && { puzzleTokens: Number(puzzle_emb_len) }),
        ...(pos_encodings === 'none' && { positions: 'none' as const }),
      }
      right(await importCommand({ file, out: run, told: sizes }))
      const { model } = right(await openRun(run))
      const expected = modelOfCase(c)
      // How many rows a puzzle embedding of no width has, no tensor tells.
      expect({ ...model.sizes, puzzles: 0 }).toEqual({ ...expected.sizes, puzzles: 0 })
      expect(flattenParameters(model.parameters)).toEqual(flattenParameters(expected.parameters))
      expect(right(readModelAt(run))).toEqual(c.weights)
    },
  )

  it('says how to convert a PyTorch file, and does not read it', async () => {
    const file = fresh('model.pt')
    writeFileSync(file, Buffer.from('PK\u0003\u0004whatever'))
    const result = await importCommand({ file, out: fresh('run'), told })
    expect(E.isLeft(result) && result.left[0]).toMatchObject({
      what: 'this is a PyTorch file',
      fix: expect.stringContaining('weights_only=True'),
    })
  })

  it('says what does not fit, and leaves nothing behind', async () => {
    const run = fresh('run')
    const { 'q_head.bias': _, ...others } = weights
    const all = { ...others, 'q_head.weight': { shape: [3, 16], data: new Float32Array(48) } }
    expect(await problemsOf(importCommand({ file: written(all), out: run, told }))).toEqual([
      "the checkpoint's q_head.weight is [3, 16], expected [2, 16]",
      'the checkpoint has no q_head.bias, expected [2]',
      'the checkpoint is not of this model',
    ])
    expect(existsSync(run)).toBe(false)
    const { 'lm_head.weight': __, ...headless } = weights
    expect(await problemsOf(importCommand({ file: written(headless), out: run, told }))).toEqual([
      'it has no lm_head.weight: no HRM or TRM checkpoint',
    ])
    const file = written(weights)
    expect(await problemsOf(importCommand({ file, out: run, told: { heads: 2 } }))).toEqual([
      'no tensor tells the length of a sequence',
    ])
    expect(await problemsOf(importCommand({ file, out: run, told: { ...told, heads: 3 } }))).toEqual([
      'attention: hidden 16 does not split into 3 heads: the remainder is 1',
    ])
    expect(await problemsOf(importCommand({ file: join(folder, 'none'), out: run, told }))).toEqual([
      `there is no file ${join(folder, 'none')}`,
    ])
  })
})

describe('export', () => {
  it('writes what was imported, under a prefix if wished, and replaces a file only by force', async () => {
    const run = fresh('run')
    right(await importCommand({ file: written(weights), out: run, told }))
    const out = fresh('out.safetensors')
    right(await exportCommand({ run, out, prefix: '', force: false }))
    expect(right(decodeSafetensors(readFileSync(out), out)).tensors).toEqual(weights)
    expect(await problemsOf(exportCommand({ run, out, prefix: '', force: false }))).toEqual([
      'the file is there already',
    ])
    right(await exportCommand({ run, out, prefix: 'model.inner.', force: true }))
    expect(Object.keys(right(decodeSafetensors(readFileSync(out), out)).tensors)).toEqual(
      Object.keys(weights).map((name) => `model.inner.${name}`),
    )
    expect(await problemsOf(exportCommand({ run: join(folder, 'none'), out, prefix: '', force: true }))).toEqual([
      'the run has no checkpoint',
    ])
    const taken = fresh('taken')
    mkdirSync(join(taken, 'folder'), { recursive: true })
    expect(await problemsOf(exportCommand({ run, out: taken, prefix: '', force: true }))).toEqual([
      'the file cannot be written',
    ])
    // Half a file would lie beside it.
    expect(readdirSync(folder).filter((name) => name.includes('-taken'))).toEqual([basename(taken)])
  })
})
