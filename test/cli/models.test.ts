/** `train --preset X --model Y`: another variant by its name, in a run folder that says so. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { buildSudoku } from '../../src/cli/data.js'
import { loadModel, openRun } from '../../src/cli/run-folder.js'
import { type TrainOptions, trainCommand } from '../../src/cli/train.js'
import { variantNames } from '../../src/hrm/index.js'

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

  test('is refused in a sentence that says what would do where a size is zero or negative', async () => {
    const set = async (variant: string, sizes: Readonly<Record<string, string>>) => refusal({ variant, sizes })
    expect(await set('hrm', { 'layers.high': '0' })).toBe('model.layers.high is "0"; give a whole number ≥ 1')
    for (const size of ['heads', 'hidden', 'cycles', 'steps', 'maxSegments', 'layers'])
      for (const value of ['0', '-2', '1.5', ''])
        expect(await set('trm', { [size]: value })).toBe(`model.${size} is "${value}"; give a whole number ≥ 1`)
    for (const value of ['0', '-1', 'wide'])
      expect(await set('universal', { expansion: value })).toBe(`model.expansion is "${value}"; give a number > 0`)
    expect(await set('eqr', { step: '1.5' })).toBe('model.step is "1.5"; give a number > 0 and ≤ 1')
    expect(await set('eqr', { noise: '-0.1' })).toBe('model.noise is "-0.1"; give a number ≥ 0')
    expect(await set('urm', { exploration: '2' })).toBe('model.exploration is "2"; give a number from 0 to 1')
    expect(await set('se-rrm', { rotary: 'learned' })).toBe('model.rotary is "learned"; give grid or line or none')
    expect(await set('se-rrm', { specials: '7' })).toContain('7 special tokens do not fit into a vocabulary of 6')
  })

  test('is refused in a sentence where a recipe that was written by hand has such sizes', async () => {
    const named = { vocabulary: 6, sequence: 16, hidden: 8, heads: 2 }
    const refused = async (name: string, sizes: object) => {
      const source = { kind: 'variant', name, preset: 'mine', sizes: { ...named, ...sizes } } as const
      const loaded = await loadModel(source, { typeCheck: false })
      return E.isLeft(loaded) ? `${loaded.left[0]!.what}; ${loaded.left[0]!.fix}` : 'nothing was refused'
    }
    const fix = 'change the sizes of the model'
    for (const name of variantNames.map((v) => v.name)) {
      expect(await refused(name, { expansion: -1 })).toMatch(/wiglu: the expansion -1 is not above 0; change the sizes/)
      expect(await refused(name, { expansion: 0 })).toMatch(/wiglu: the expansion 0 is not above 0; change the sizes/)
      expect(await refused(name, { heads: -2 })).toBe(`attention: hidden 8 does not split into -2 heads; ${fix}`)
      expect(await refused(name, { heads: 0 })).toBe(`attention: hidden 8 does not split into 0 heads; ${fix}`)
      const layers = name === 'hrm' || name === 'rins' ? { high: 1, low: -1 } : -1
      expect(await refused(name, { layers })).toBe(`layers: -1 is not a whole number from 1 on; ${fix}`)
    }
    expect(await refused('trm', { steps: 0 })).toContain('hierarchicalConvergence: steps: 0 is not a whole number')
    expect(await refused('recurrent', { loops: -1 })).toContain('the period of level 1: -1 is not a whole number')
    expect(await refused('hrm', { maxSegments: 0 })).toContain('halting: segments: 0 is not a whole number')
    expect(await refused('hrm', { exploration: -1 })).toContain('halting: -1 is no probability')
    expect(await refused('hrm', { puzzles: 0 })).toContain('inputNet: puzzles: 0 is not a whole number')
    expect(await refused('eqr', { step: 0 })).toContain('damped: the step is 0')
    expect(await refused('se-rrm', { symbolWidth: 0 })).toContain('attention: width: 0 is not a whole number')
  })

  test('reads the runs that named no variant', async () => {
    const sizes = { vocabulary: 6, sequence: 16, hidden: 8, heads: 2 }
    const loaded = await loadModel({ kind: 'hrm', preset: 'sudoku-4x4', sizes }, { typeCheck: false })
    expect(E.isRight(loaded) && loaded.right.model.name).toBe('hrm')
    const unknown = await loadModel({ kind: 'variant', name: 'x', preset: 'mine', sizes }, { typeCheck: false })
    expect(E.isLeft(unknown) && unknown.left[0]!.what).toContain('there is no variant "x"')
  })
})
