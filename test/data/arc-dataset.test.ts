/** ARC datasets: what is trained on and what is held out, augmentations, files good and bad. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, describe, expect, it } from 'vitest'
import { buildArc } from '../../src/cli/data-arc.js'
import {
  type ArcTask,
  arcHash,
  arcSource,
  collect,
  copiesOf,
  cropArc,
  exampleCount,
  parseAugmentedName,
  randomOf,
  readArcTasks,
  readSplit,
  undoArc,
} from '../../src/data/index.js'
import { right } from '../support/outcomes.js'
import { hasShared, sharedFile } from '../support/shared-data.js'

const folder = mkdtempSync(join(tmpdir(), 'arc-'))
afterAll(() => rmSync(folder, { recursive: true }))
let made = 0
const fresh = (): string => join(folder, `${made++}`)

const pair = (input: number[][], output: number[][]) => ({ input, output })
const training: ArcTask = {
  name: 'colours',
  train: [pair([[1, 2]], [[2, 1]]), pair([[3, 4, 0]], [[4, 3]])],
  test: [pair([[5, 6]], [[6, 5]])],
}
const evaluation: ArcTask = {
  name: 'turn',
  train: [
    pair(
      [
        [1, 0],
        [0, 0],
      ],
      [
        [0, 1],
        [0, 0],
      ],
    ),
    pair([[2]], [[2]]),
  ],
  test: [pair([[0, 7]], [[7], [0]]), pair([[8, 8]], [[8], [8]])],
}
const arcDataset = (...args: Parameters<typeof arcSource>) => collect(arcSource(...args))
const settings = { size: 5, augmentations: 20, seed: 1 }

describe('an ARC dataset', () => {
  const { splits, identifiers } = arcDataset([training], [evaluation], settings)
  const { train, test } = { train: splits.train!, test: splits.test! }

  it('trains on all pairs of training tasks and on the demonstrations of evaluation tasks, and holds their tests out', () => {
    expect(train.info.total_groups).toBe(2)
    expect(test.info.total_groups).toBe(1)
    expect(exampleCount(train)).toBe(21 * 3 + 21 * 2)
    expect(exampleCount(test)).toBe(21 * 2)
    expect(identifiers.length).toBe(1 + 42)
    expect([train.info.num_puzzle_identifiers, train.info.vocab_size, train.info.seq_len]).toEqual([43, 12, 25])
  })

  it('has every test example at the top left, and undone it is the task’s own', () => {
    const names = [...test.puzzleIdentifiers].map((id) => identifiers[id]!)
    names.forEach((name, p) => {
      const { task, augmentation } = parseAugmentedName(name)
      expect(task).toBe('turn')
      for (let i = 0; i < 2; i++) {
        const example = test.puzzleIndices[p]! + i
        const of = (tokens: ArrayLike<number>) => Array.from(tokens).slice(example * 25, (example + 1) * 25)
        const back = (tokens: ArrayLike<number>) => {
          const grid = cropArc(of(tokens), 5)
          return augmentation === undefined ? grid : undoArc(grid, augmentation)
        }
        expect([back(test.inputs), back(test.labels)]).toEqual([evaluation.test[i]!.input, evaluation.test[i]!.output])
      }
    })
  })

  it('is the same when built again, and another with another seed', () => {
    expect(arcDataset([training], [evaluation], settings)).toEqual({ splits, identifiers })
    expect(arcDataset([training], [evaluation], { ...settings, seed: 2 }).identifiers).not.toEqual(identifiers)
  })

  it('has no two copies of a task alike, and fewer where a task has no more', () => {
    const copies = [...copiesOf(evaluation, 200, randomOf(3))]
    expect(new Set(copies.map((c) => arcHash([...c.train, ...c.test]))).size).toBe(copies.length)
    const black = { name: 'black', train: [pair([[0]], [[0]])], test: [pair([[0]], [[0]])] }
    expect([...copiesOf(black, 50, randomOf(3))].length).toBe(1)
  })
})

describe('task files', () => {
  const written = (files: Readonly<Record<string, unknown>>): string => {
    const path = fresh()
    mkdirSync(path)
    for (const [name, value] of Object.entries(files))
      writeFileSync(join(path, name), typeof value === 'string' ? value : JSON.stringify(value))
    return path
  }
  const { name: _, ...task } = evaluation

  it('are read from a folder, or from challenges with their solutions', () => {
    expect(right(readArcTasks(written({ 'turn.json': task })))).toEqual([evaluation])
    const combined = written({
      'x_challenges.json': { turn: { ...task, test: task.test.map(({ input }) => ({ input })) } },
      'x_solutions.json': { turn: task.test.map(({ output }) => output) },
    })
    expect(right(readArcTasks(join(combined, 'x_challenges.json')))).toEqual([evaluation])
    expect(right(readArcTasks(written({ 'turn.json': `\ufeff${JSON.stringify(task)}\r\n` })))).toEqual([evaluation])
  })

  it.each([
    ['no JSON', '{"train": [', /this is no JSON/],
    ['no demonstrations', { test: task.test }, /it has no train examples/],
    [
      'ragged grids',
      { ...task, train: [pair([[1, 2], [3]], [[1]])] },
      /^train\[0\].input has 1 cells in row 2, 2 in the first/,
    ],
    [
      'a strange colour',
      { ...task, test: [pair([[1]], [[10]])] },
      /^test\[0\].output has 10 in row 1, cell 1; colours are 0 to 9/,
    ],
    ['a colour of another type', { ...task, test: [{ input: [['1']], output: [[1]] }] }, /has "1" in row 1, cell 1/],
    ['no grid', { ...task, test: [{ input: [], output: [[1]] }] }, /^test\[0\].input is no grid/],
    ['too large a grid', { ...task, test: [pair([Array(31).fill(0)], [[1]])] }, /has 31 columns; 30 is the most/],
  ])('are refused with file and grid: %s', (_name, content, what) => {
    const path = written({ 'bad.json': content })
    const result = readArcTasks(path)
    expect(E.isLeft(result) && [result.left.what.match(what) !== null, result.left.where]).toEqual([
      true,
      join(path, 'bad.json'),
    ])
  })

  it('are refused when they are not there, or without their solutions', () => {
    for (const [path, what] of [
      [join(folder, 'none'), 'there is no such file or folder'],
      [written({}), 'there is no ARC task'],
      [join(written({ 'x_challenges.json': {} }), 'x_challenges.json'), 'the solutions of the tasks are missing'],
    ] as const) {
      const result = readArcTasks(path)
      expect(E.isLeft(result) && result.left.what).toBe(what)
    }
  })
})

const subset = (part: string): string => sharedFile(`data/arc/subset/${part}`)
if (!hasShared('data/arc/subset')) console.warn('SKIPPED: no shared ARC tasks here; the command is NOT run on them')
describe.skipIf(!hasShared('data/arc/subset'))('the command', () => {
  const build = (more: object) =>
    buildArc({ out: fresh(), seed: 0, train: [subset('training')], test: [subset('evaluation')], ...more }, () => {})()

  it('builds the shared tasks with small grids, twice the same bytes, and reads them back', async () => {
    const [a, b] = [right(await build({ maxSide: 12, augment: 10 })), right(await build({ maxSide: 12, augment: 10 }))]
    expect([a.tasks, a.leftOut]).toEqual([40, 0])
    for (const file of ['train/all__inputs.npy', 'test/all__labels.npy', 'identifiers.json', 'test_puzzles.json'])
      expect(readFileSync(join(a.out, file))).toEqual(readFileSync(join(b.out, file)))
    expect(exampleCount(right(await readSplit(a.out, 'train')()))).toBe(a.trainExamples)
    expect(Object.keys(JSON.parse(readFileSync(join(a.out, 'test_puzzles.json'), 'utf8')))).toHaveLength(20)
  })

  it('leaves out tasks with larger grids, and refuses what cannot be', async () => {
    const small = right(await build({ maxSide: 6 }))
    expect(small.tasks + small.leftOut).toBe(40)
    expect(small.leftOut).toBeGreaterThan(0)
    const copied = fresh()
    cpSync(subset('evaluation'), copied, { recursive: true })
    for (const [options, what] of [
      [{ train: [copied] }, /^the task \w+ is given twice/],
      [{ maxSide: 1 }, /^no task has grids of at most 1×1/],
      [{ test: [] }, /^no tasks to test on are given/],
    ] as const) {
      const result = await build(options)
      expect(E.isLeft(result) && result.left.what).toMatch(what)
    }
    expect(existsSync(join(folder, 'nothing'))).toBe(false)
  })
})
