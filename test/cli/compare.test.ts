/** `thetagrad compare` on tiny models and the reference interpreter: the same compute for each, and going on where it was. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type CompareOptions, compareCommand } from '../../src/cli/compare.js'
import { buildSudoku } from '../../src/cli/data.js'
import { budget } from '../../src/cli/options.js'

let folder = ''
const at = (...path: readonly string[]) => join(folder, ...path)
const set = {
  sizes: { hidden: '8', heads: '2', expansion: '1', puzzleEmbedding: '8', layers: '1' },
  changes: { batch: 2, logEvery: 1, warmup: 0 },
}

interface Answer {
  readonly models: readonly {
    readonly name: string
    readonly steps: number
    readonly flops: number
    readonly exact: number
    readonly exactDeviation?: number
    readonly token: number
    readonly seeds: readonly { readonly seed: number; readonly exact: number; readonly token: number }[]
    readonly curve: readonly { readonly step: number; readonly flops: number }[]
  }[]
}
const compared = async (options: Partial<CompareOptions>): Promise<Answer> => {
  const outcome = await compareCommand({
    models: ['transformer', 'recurrent'],
    preset: 'sudoku-4x4',
    set,
    data: at('data'),
    out: at('out'),
    budget: { kind: 'flops', flops: 1.2e7 },
    seed: 0,
    seeds: 1,
    evaluations: 10,
    backend: 'reference',
    ...options,
  })
  if (E.isLeft(outcome)) throw new Error(outcome.left.map(({ what }) => what).join())
  return outcome.right.json as Answer
}

const refused = (outcome: Awaited<ReturnType<typeof compareCommand>>) =>
  E.isLeft(outcome) ? outcome.left[0]!.what : 'nothing was refused'

beforeAll(async () => {
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  folder = mkdtempSync(join(tmpdir(), 'thetagrad-compare-'))
  const grids = { generate: 4, trainGrids: 4, testGrids: 2, puzzlesPerGrid: 1, seed: 0 }
  expect(E.isRight(await buildSudoku({ ...grids, out: at('data') }, () => {})())).toBe(true)
}, 120_000)
afterAll(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

describe('thetagrad compare', () => {
  test('trains each for the same FLOPs, and does nothing twice', async () => {
    const { models } = await compared({})
    expect(models.map(({ name }) => name)).toEqual(['transformer', 'recurrent'])
    // The stack runs three times in a step of the second.
    const [once, looped] = models
    for (const { flops, steps, curve } of models) {
      expect(flops).toBeLessThanOrEqual(1.2e7)
      expect(flops * (1 + 1 / steps)).toBeGreaterThan(1.2e7)
      expect(curve.at(-1)).toMatchObject({ step: steps, flops })
    }
    expect(once!.steps).toBeGreaterThan(2 * looped!.steps)
    expect(readFileSync(at('out', 'comparison.svg'), 'utf8')).toContain('recurrent')
    expect(existsSync(at('out', 'recurrent', 'seed-0.pilot'))).toBe(false)

    const before = statSync(at('out', 'recurrent', 'seed-0', 'checkpoints', 'latest')).mtimeMs
    expect(await compared({})).toMatchObject({
      models: models.map(({ name, steps, flops }) => ({ name, steps, flops })),
    })
    expect(statSync(at('out', 'recurrent', 'seed-0', 'checkpoints', 'latest')).mtimeMs).toBe(before)
    for (const other of [{ budget: { kind: 'seconds', seconds: 1 } }, { evaluations: 3 }, { limit: 1 }] as const)
      await expect(compared(other)).rejects.toThrow('a comparison with another budget')
  }, 240_000)

  test('gives a variant another gradient rule, trains from several seeds, and tells their mean and deviation', async () => {
    const { models } = await compared({ models: ['recurrent', 'recurrent:last1'], seeds: 2, out: at('rules') })
    const [whole, last] = models
    expect(last!.name).toBe('recurrent:last1')
    // Fewer calls with a gradient are cheaper: the budget buys more steps.
    expect(last!.steps).toBeGreaterThan(whole!.steps)
    for (const { seeds, exact, token, exactDeviation } of models) {
      expect(seeds.map(({ seed }) => seed)).toEqual([0, 1])
      const [a, b] = seeds.map((one) => one.exact) as [number, number]
      expect(exact).toBeCloseTo((a + b) / 2)
      expect(exactDeviation).toBeCloseTo(Math.abs(a - b) / Math.SQRT2)
      expect(token).toBeCloseTo((seeds[0]!.token + seeds[1]!.token) / 2)
      expect(seeds[0]!.token).not.toBe(seeds[1]!.token)
    }
    for (const [wrong, why] of [
      ['transformer:full', 'no size "gradient"'],
      ['recurrent:none', 'there is no gradient rule "none"'],
    ] as const)
      await expect(compared({ models: ['recurrent', wrong], out: at('wrong') })).rejects.toThrow(why)
    // Nothing is left behind that the command as it was meant would meet.
    expect(existsSync(at('wrong'))).toBe(false)
  }, 240_000)

  test('changes the sizes of those variants that have them, and evaluates as often as it is told', async () => {
    const sizes = { ...set.sizes, loops: '1' }
    const models = ['transformer', 'recurrent']
    const [, looped] = (await compared({ models, set: { ...set, sizes }, evaluations: 3, out: at('sizes') })).models
    const [, alone] = (await compared({ models, evaluations: 3, out: at('no-sizes') })).models
    expect(looped!.steps).toBeGreaterThan(2 * alone!.steps)
    expect(looped!.curve).toHaveLength(3)
    await expect(
      compared({ models, set: { ...set, sizes: { ...sizes, rounds: '1' } }, out: at('nobody') }),
    ).rejects.toThrow('no size "rounds"')
  }, 240_000)

  test('says what does not go together before any work', async () => {
    const out = at('none')
    await expect(
      compareCommand({
        models: ['hrm'],
        data: at('data'),
        out,
        budget: { kind: 'seconds', seconds: 1 },
        seed: 0,
        seeds: 1,
        evaluations: 10,
        backend: 'reference',
      }).then(refused),
    ).resolves.toContain('hrm is a variant without sizes')
    await expect(compared({ out, models: ['a/x.ts', 'b/x.ts'] })).rejects.toThrow('two models are called x')
    // Their runs would lie in one folder.
    await expect(compared({ out, models: ['recurrent:full', 'recurrent-full.ts'] })).rejects.toThrow('two models')
    await expect(compared({ out: at('colons'), models: ['recurrent:full:2'] })).rejects.toThrow('"full:2"')
    expect(existsSync(out)).toBe(false)
  })
})

test('a budget is seconds or FLOPs', () => {
  expect(['90s', '5m', '1.5h'].map(budget)).toEqual([90, 300, 5400].map((seconds) => ({ kind: 'seconds', seconds })))
  expect(['3e15', '3P', '20G'].map(budget)).toEqual([3e15, 3e15, 2e10].map((flops) => ({ kind: 'flops', flops })))
  for (const wrong of ['', '5 m', '0s', '-1m', '5d']) expect(() => budget(wrong)).toThrow('seconds')
})
