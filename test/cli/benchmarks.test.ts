/**
 * The three benchmarks end to end in small, on real puzzles: build the dataset, train some steps of the recipe at
 * toy size, evaluate, vote. That they learn at all is seen against an answer nobody needs to learn for: the commonest token.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildSudoku } from '../../src/cli/data.js'
import { buildArc } from '../../src/cli/data-arc.js'
import { buildMaze } from '../../src/cli/data-maze.js'
import { type Evaluated, evaluateRun } from '../../src/cli/eval.js'
import { trainRun } from '../../src/cli/train.js'
import { readSplit } from '../../src/data/index.js'
import { type Problem, showProblem } from '../../src/problem.js'
import { readMetrics } from '../../src/train/index.js'
import { hasShared, sharedFile } from '../support/shared-data.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'benchmarks-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const right = <A>(result: E.Either<Problem | readonly Problem[], A>): A => {
  if (E.isRight(result)) return result.right
  throw new Error([result.left].flat().map(showProblem).join('\n'))
}
const quiet = () => {}

/** The recipe of a preset at toy size; what it is worth on the first test examples (of ARC: tasks). */
const trained = async (preset: string, data: string, steps: number, batch: number, limit: number) => {
  const run = `${data}-run`
  const { info } = right(await readSplit(data, 'train')())
  const layers = { 'layers.high': '1', 'layers.low': '1' }
  const small = { hidden: '16', heads: '1', ...layers, puzzleEmbedding: '16', expansion: '1', maxSegments: '2' }
  const sizes = { ...small, sequence: `${info.seq_len}` }
  const changes = { steps, batch, lr: 3e-3, puzzleLr: 1e-2, warmup: 20, weightDecay: 0.1 }
  right(await trainRun({ preset, data, out: run, resume: false, backend: 'auto', sizes, changes }))
  const evaluated = right(await evaluateRun({ run, split: 'test', limit, backend: 'auto' }))
  const losses = readMetrics(run).map((line) => line.lm_loss)
  return { evaluated, first: losses[0]!, last: losses.at(-1)! }
}

/** The share of the commonest token among the labels. */
const commonest = async (data: string): Promise<number> => {
  const { labels, info } = right(await readSplit(data, 'test')())
  const counts = new Map<number, number>()
  for (const label of labels) if (label !== info.ignore_label_id) counts.set(label, (counts.get(label) ?? 0) + 1)
  return Math.max(...counts.values()) / [...counts.values()].reduce((sum, n) => sum + n)
}

const token = ({ measured }: Evaluated): number => measured.token.at(-1)!

describe.skipIf(!hasShared('data/README.md'))('the benchmarks on real puzzles', () => {
  it('Sudoku: files, disguises, training, evaluation', { timeout: 300_000 }, async () => {
    const data = join(folder, 'sudoku')
    const [train, test] = ['train', 'test_rating0'].map((name) => [sharedFile(`data/sudoku/${name}.csv`)])
    const options = { out: data, seed: 1, subsample: 100, augment: 10, checkUnique: false }
    right(await buildSudoku({ ...options, train: train!, test: test! }, quiet)())
    const { evaluated, first, last } = await trained('sudoku-extreme', data, 200, 8, 16)
    expect(last).toBeLessThan(first * 0.8)
    expect(token(evaluated)).toBeGreaterThan(2 * (await commonest(data)))
    expect(evaluated.measured.examples).toBe(16)
  })

  it('Maze: files, training, exact answers and shortest paths', { timeout: 300_000 }, async () => {
    const data = join(folder, 'maze')
    const [train, test] = ['gen_train', 'gen_test'].map((name) => [sharedFile(`data/maze/${name}.csv`)])
    right(await buildMaze({ out: data, seed: 1, train: train!, test: test! }, quiet)())
    const { evaluated, first, last } = await trained('maze-hard', data, 60, 1, 4)
    expect(last).toBeLessThan(first * 0.6)
    expect(token(evaluated)).toBeGreaterThan(await commonest(data))
    const { exact, optimal } = evaluated.measured
    expect(optimal?.at(-1)).toBeGreaterThanOrEqual(exact.at(-1)!)
  })

  it('ARC: tasks, augmentation, training, votes of all copies', { timeout: 300_000 }, async () => {
    const data = join(folder, 'arc')
    const [train, test] = ['training', 'evaluation'].map((name) => [sharedFile(`data/arc/subset/${name}`)])
    right(await buildArc({ out: data, seed: 1, train: train!, test: test!, augment: 4, maxSide: 12 }, quiet)())
    const { evaluated, first, last } = await trained('arc-agi', data, 200, 8, 5)
    expect(last).toBeLessThan(first * 0.8)
    const { report } = evaluated.votes!
    expect(report.tasks).toHaveLength(5)
    for (const { tests } of report.tasks)
      for (const { copies, candidates } of tests) {
        expect(copies).toBe(5)
        expect(candidates.reduce((sum, { votes }) => sum + votes, 0)).toBe(copies)
      }
    expect(token(evaluated)).toBeGreaterThan(await commonest(data))
  })
})
