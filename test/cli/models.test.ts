/** `train --preset X --model Y`: another variant by its name, in a run folder that says so. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { buildSudoku } from '../../src/cli/data.js'
import { loadModel, openRun } from '../../src/cli/run-folder.js'
import { type TrainOptions, trainCommand } from '../../src/cli/train.js'

let folder = ''
const at = (...path: readonly string[]) => join(folder, ...path)
const trained = (out: string, options: Partial<TrainOptions>) =>
  trainCommand({
    preset: 'sudoku-4x4',
    data: at('data'),
    out: at(out),
    resume: false,
    backend: 'reference',
    changes: { steps: 1, batch: 2, logEvery: 1 },
    ...options,
  })
const refusal = async (options: Partial<TrainOptions>) => {
  const outcome = await trained('none', options)
  return E.isLeft(outcome) ? `${outcome.left[0]!.what}; ${outcome.left[0]!.fix}` : 'nothing was refused'
}

beforeAll(async () => {
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  folder = mkdtempSync(join(tmpdir(), 'thetagrad-models-'))
  const grids = { generate: 4, trainGrids: 4, testGrids: 2, puzzlesPerGrid: 1, seed: 0 }
  expect(E.isRight(await buildSudoku({ ...grids, out: at('data') }, () => {})())).toBe(true)
}, 60_000)
afterAll(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

describe('a preset with another model', () => {
  test('trains it at the width of the preset, with sizes of its own from the command line', async () => {
    const sizes = { hidden: '8', heads: '2', puzzleEmbedding: '8', expansion: '1', loops: '2', gradient: 'last1' }
    const outcome = await trained('run', { variant: 'recurrent', sizes })
    expect(E.isRight(outcome)).toBe(true)
    const { model } = JSON.parse(readFileSync(at('run', 'config.json'), 'utf8'))
    expect(model).toMatchObject({
      kind: 'variant',
      name: 'recurrent',
      sizes: { layers: 2, loops: 2, gradient: 'last1' },
    })
    const run = await openRun(at('run'))
    expect(E.isRight(run) && run.right.model.name).toBe('recurrent')
  }, 60_000)

  test('is refused in a sentence where there is no such model, size or gradient rule', async () => {
    expect(await refusal({ variant: 'hmr' })).toMatch(/^there is no model "hmr"; the models are hrm, trm, /)
    expect(await refusal({ variant: 'transformer', sizes: { cycles: '2' } })).toMatch(/^the model has no size "cycles"/)
    expect(await refusal({ sizes: { gradient: 'half' } })).toContain('give oneStep, wholeCycle, full')
    expect(await refusal({ variant: 'recurrent', sizes: { heads: '7' } })).toContain('does not split into 7 heads')
  })

  test('reads the runs that named no variant', async () => {
    const sizes = { vocabulary: 6, sequence: 16, hidden: 8, heads: 2 }
    const loaded = await loadModel({ kind: 'hrm', preset: 'sudoku-4x4', sizes }, { typeCheck: false })
    expect(E.isRight(loaded) && loaded.right.model.name).toBe('hrm')
    const unknown = await loadModel({ kind: 'variant', name: 'x', preset: 'mine', sizes }, { typeCheck: false })
    expect(E.isLeft(unknown) && unknown.left[0]!.what).toContain('there is no variant "x"')
  })
})
