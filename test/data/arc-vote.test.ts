/** ARC's votes on whole datasets: constructed predictions, the published cases, and what a folder must have for it. */
import { existsSync, readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import {
  type ArcDataset,
  type ArcGrid,
  type ArcReport,
  type ArcTask,
  arcSource,
  arcSubmission,
  arcTests,
  arcTokens,
  arcVoting,
  augmentArc,
  augmentedName,
  collect,
  parseArcQuestions,
  parseAugmentedName,
  type Tokens,
} from '../../src/data/index.js'
import { right } from '../support/outcomes.js'
import { sharedFile } from '../support/shared-data.js'

const pair = (input: ArcGrid, output: ArcGrid) => ({ input, output })
const tasks: readonly ArcTask[] = [
  { name: 'one', train: [pair([[1]], [[2]])], test: [pair([[1, 2, 3]], [[3], [0]])] },
  { name: 'two_tests', train: [pair([[4, 5]], [[5]])], test: [pair([[4]], [[5, 5]]), pair([[6, 0]], [[0, 6]])] },
]
const SIZE = 4
const settings = { size: SIZE, augmentations: 12, seed: 5 }
const { splits, identifiers } = collect(arcSource([], tasks, settings))
const dataset: ArcDataset = {
  split: splits.test!,
  identifiers,
  testPuzzles: Object.fromEntries(tasks.map((task) => [task.name, task])),
}

/** Every example of the test split answered by an oracle that is told the copy, the test's number, and its label tokens. */
const votesOf = (
  oracle: (
    copy: ReturnType<typeof parseAugmentedName>,
    test: number,
    label: Uint8Array | Int32Array,
    copyNumber: number,
  ) => {
    readonly tokens: ArrayLike<number>
    readonly qHalt: number
  },
): ArcReport => {
  const { tasks: asked } = right(arcTests(dataset, 'here'))
  const voting = arcVoting(asked, SIZE)
  const { inputs, labels, puzzleIndices, puzzleIdentifiers } = dataset.split
  const rowOf = (tokens: Tokens, e: number) => tokens.subarray(e * SIZE * SIZE, (e + 1) * SIZE * SIZE)
  for (const [puzzle, id] of puzzleIdentifiers.entries())
    for (let e = puzzleIndices[puzzle]!; e < puzzleIndices[puzzle + 1]!; e++) {
      const name = identifiers[id]!
      const answer = oracle(parseAugmentedName(name), e - puzzleIndices[puzzle]!, rowOf(labels, e), puzzle)
      voting.add({ name, question: rowOf(inputs, e), answers: [answer] })
    }
  return voting.report()
}

describe('the votes of all copies', () => {
  it('of a model that is always right solve everything at once; of one that is always wrong nothing, at any k', () => {
    const all = votesOf((_, __, label) => ({ tokens: label, qHalt: 0 }))
    expect(all.strays).toBe(0)
    expect(all.passAt.map(({ whole, share }) => [whole, share])).toEqual(all.passAt.map(() => [1, 1]))
    for (const { tests } of all.tasks)
      for (const { candidates, place, copies } of tests)
        expect([candidates.length, candidates[0]!.votes, place]).toEqual([1, copies, 1])
    expect(all.tasks.map(({ tests }) => tests[0]!.copies)).toEqual([13, 13])
    const none = votesOf(() => ({ tokens: arcTokens([[9]], SIZE, 0, 0), qHalt: 9 }))
    expect(none.passAt.map(({ whole, share }) => [whole, share])).toEqual(none.passAt.map(() => [0, 0]))
    expect(none.tasks[0]!.tests[0]!.place).toBeUndefined()
  })

  it('are of k that they can fill: 13 copies say nothing of a hundred attempts', () => {
    expect(votesOf((_, __, label) => ({ tokens: label, qHalt: 0 })).passAt.map(({ k }) => k)).toEqual([1, 2, 10])
  })

  it('count, rank and pass as by hand: one task of two tests, of which one comes second', () => {
    // Of `two_tests`, the second test: 7 copies say the empty grid, 6 the truth. Of `one` all are right.
    const report = votesOf((copy, test, label, number) =>
      copy.task === 'two_tests' && test === 1 && number % 13 < 7
        ? { tokens: new Uint8Array(SIZE * SIZE), qHalt: Math.log(3) }
        : { tokens: label, qHalt: 0 },
    )
    const [one, two] = report.tasks
    expect(one!.tests.map(({ place }) => place)).toEqual([1])
    expect(two!.tests.map(({ place }) => place)).toEqual([1, 2])
    expect(two!.tests[1]!.candidates.map(({ grid, votes }) => [grid, votes])).toEqual([
      [[], 7],
      [[[0, 6]], 6],
    ])
    expect(two!.tests[1]!.candidates.map(({ confidence }) => confidence)).toEqual([
      expect.closeTo(0.75, 12),
      expect.closeTo(0.5, 12),
    ])
    // Whole tasks at the first attempt: one of two. Shares: (1 + 1/2) / 2.
    expect(report.passAt[0]).toEqual({ k: 1, whole: 0.5, share: 0.75 })
    expect(report.passAt[1]).toEqual({ k: 2, whole: 1, share: 1 })
    // No grid is no attempt.
    expect(arcSubmission(report)).toEqual({
      one: [{ attempt_1: [[3], [0]], attempt_2: [[3], [0]] }],
      two_tests: [
        { attempt_1: [[5, 5]], attempt_2: [[5, 5]] },
        { attempt_1: [[0, 6]], attempt_2: [[0, 6]] },
      ],
    })
  })

  it('find a right answer that every copy gives in its own frame, whatever the augmentation and the naming', () => {
    const grids = fc.array(fc.array(fc.nat(9), { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 4 })
    const copies = fc.record({
      symmetry: fc.nat(7),
      colours: fc
        .shuffledSubarray([1, 2, 3, 4, 5, 6, 7, 8, 9], { minLength: 9 })
        .map((c): readonly number[] => [0, ...c]),
    })
    fc.assert(
      fc.property(grids, grids, copies, fc.constantFrom('hrm', 'trm'), (input, output, augmentation, style) => {
        const voting = arcVoting([{ name: 'a_b', test: [{ input, output }] }], SIZE)
        const tokens = (grid: ArcGrid) => arcTokens(augmentArc(grid, augmentation), SIZE, 0, 0)
        voting.add({
          name: augmentedName('a_b', augmentation, style as 'hrm' | 'trm'),
          question: tokens(input),
          answers: [{ tokens: tokens(output), qHalt: 0 }],
        })
        const report = voting.report()
        expect([report.strays, report.passAt[0]!.whole]).toEqual([0, 1])
      }),
    )
  })

  it('that belong to no test input are told apart', () => {
    const voting = arcVoting(tasks, SIZE)
    const answers = [{ tokens: arcTokens([[1]], SIZE, 0, 0), qHalt: 0 }]
    voting.add({ name: 'three', question: arcTokens([[1, 2, 3]], SIZE, 0, 0), answers })
    voting.add({ name: 'one', question: arcTokens([[7]], SIZE, 0, 0), answers })
    expect(voting.report()).toMatchObject({ strays: 2, passAt: [{ k: 1, whole: 0, share: 0 }, { k: 2 }] })
    expect(arcSubmission(voting.report()).one).toEqual([{ attempt_1: [[0]], attempt_2: [[0]] }])
  })
})

const isThere = existsSync(sharedFile('oracle-transforms'))
describe.skipIf(!isThere)('as in the published code', () => {
  it('from tokens to rankings, pass@k of both evaluators, and the submission', () => {
    const file = sharedFile('oracle-transforms/arc_vote.json')
    const vote = JSON.parse(readFileSync(file, 'utf8')) as {
      puzzles: Record<string, [ArcGrid, ArcGrid][]>
      predictions: {
        puzzle: string
        test: number
        trans_id: number | null
        perm: number[] | null
        predicted_original_frame: ArcGrid
        q_halt_logit: number
      }[]
      ranking: Record<string, Record<string, { grid: ArcGrid; count: number; mean_q: number }[]>>
      hrm_notebook_stdout: string
      trm_pass_at_k: Record<string, number>
      trm_submission: unknown
    }
    const held = Object.entries(vote.puzzles).map(([name, test]) => ({ name, test: test.map(([i, o]) => pair(i, o)) }))
    const voting = arcVoting(held, 30)
    for (const p of vote.predictions) {
      const input = vote.puzzles[p.puzzle]![p.test]![0]
      const augmentation = p.perm === null ? undefined : { symmetry: p.trans_id!, colours: p.perm }
      const tokens = (grid: ArcGrid) =>
        arcTokens(augmentation === undefined ? grid : augmentArc(grid, augmentation), 30, 0, 0)
      voting.add({
        name: augmentation === undefined ? p.puzzle : augmentedName(p.puzzle, augmentation),
        question: tokens(input),
        answers: [{ tokens: tokens(p.predicted_original_frame), qHalt: p.q_halt_logit }],
      })
    }
    const report = voting.report()
    expect(report.strays).toBe(0)
    for (const { name, tests } of report.tasks)
      for (const [test, { candidates }] of tests.entries())
        expect(candidates).toEqual(
          vote.ranking[name]![test]!.map(({ grid, count, mean_q }) => ({
            grid,
            votes: count,
            confidence: expect.closeTo(mean_q, 6),
          })),
        )
    for (const { k, whole, share } of report.passAt) {
      const published = new RegExp(`^${k}-shot: ([\\d.]+)%`, 'm').exec(vote.hrm_notebook_stdout)
      expect(100 * whole).toBeCloseTo(Number(published![1]), 2)
      expect(share).toBeCloseTo(vote.trm_pass_at_k[`ARC/pass@${k}`]!, 6)
    }
    expect(arcSubmission(report)).toEqual(vote.trm_submission)
  })
})

describe('the tests of a dataset', () => {
  it('without test_puzzles.json, as HRM’s builder leaves it, are those of the copies that are not augmented', () => {
    const { testPuzzles: _, ...bare } = dataset
    const found = right(arcTests(bare, 'here')).tasks
    expect(found).toEqual(tasks.map(({ name, test }) => ({ name, test })))
  })

  it('of the first tasks come with all copies of each', () => {
    const first = right(arcTests(dataset, 'here', 1))
    expect(first.tasks.map(({ name }) => name)).toEqual(['one'])
    expect(first.examples).toBe(13)
    expect(right(arcTests(dataset, 'here', 9)).examples).toBe(13 + 26)
  })

  it.each([
    [
      'an identifier of no known task',
      { testPuzzles: { one: tasks[0] } },
      'the right answers of "two_tests" are not known',
    ],
    ['no list of tasks', { testPuzzles: [] }, 'this is no list of tasks by name'],
    [
      'a grid that is none',
      { testPuzzles: { one: { ...tasks[0], test: [{ input: [[1]], output: [[12]] }] } } },
      'test[0].output has 12 in row 1',
    ],
    [
      'only augmented copies',
      { testPuzzles: undefined, identifiers: identifiers.map((n) => (n === 'one' ? 'x' : n)) },
      'the right answers of "one" are not known',
    ],
    [
      'names that are digests',
      { testPuzzles: undefined, identifiers: identifiers.map((n) => (n === 'one' ? 'one_t3_-881' : n)) },
      'the identifier one_t3_-881 does not say how its colours were changed',
    ],
  ])('are refused: %s', (_, change, what) => {
    const result = arcTests({ ...dataset, ...change } as ArcDataset, 'here')
    expect(E.isLeft(result) && result.left.what.slice(0, what.length)).toBe(what)
  })
})

describe('what is asked', () => {
  it('is the tests of a task, solved or not, a grid in JSON, or one that is drawn', () => {
    const task = { test: [{ input: [[1, 2]], output: [[2, 1]] }, { input: [[3]] }] }
    expect(right(parseArcQuestions(JSON.stringify(task), 'f'))).toEqual(task.test)
    expect(right(parseArcQuestions(' [[0,1],[2,3]]', 'f'))).toEqual([
      {
        input: [
          [0, 1],
          [2, 3],
        ],
      },
    ])
    expect(right(parseArcQuestions('\n· 1\r\n2 .\n', 'f'))).toEqual([
      {
        input: [
          [0, 1],
          [2, 0],
        ],
      },
    ])
    expect(right(parseArcQuestions('01\n23', 'f'))).toEqual([
      {
        input: [
          [0, 1],
          [2, 3],
        ],
      },
    ])
  })

  it.each([
    ['{"test": []}', 'it has no test inputs'],
    ['{"train": []}', 'it has no test inputs'],
    ['{"test": [{"input": [[1, 2], [3]]}]}', 'test[0].input has 1 cells in row 2, 2 in the first'],
    ['{"test": [{"input": [[1]], "output": [[10]]}]}', 'test[0].output has 10 in row 1, cell 1; colours are 0 to 9'],
    ['{"test": [{}]}', 'test[0].input is no grid'],
    ['{"test": ', 'this is no JSON'],
    ['[[1, -1]]', 'the grid has -1 in row 1, cell 2; colours are 0 to 9'],
    ['12\n1', 'the grid has 1 cells in row 2, 2 in the first'],
    ['1x', 'the grid has "x" in row 1, cell 2; colours are 0 to 9'],
    [Array(31).fill('1').join('\n'), 'the grid has 31 rows; 30 is the most'],
    ['', 'the grid is no grid'],
  ])('is refused: %s', (text, what) => {
    const result = parseArcQuestions(text, 'f')
    expect(E.isLeft(result) && [result.left.what, result.left.where]).toEqual([what, 'f'])
  })
})
