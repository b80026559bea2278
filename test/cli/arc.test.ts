/** ARC and mazes from data to numbers: build, train a few steps, evaluate with votes, solve; and what is refused. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildArc } from '../../src/cli/data-arc.js'
import { buildMaze } from '../../src/cli/data-maze.js'
import { type EvalOptions, evalCommand } from '../../src/cli/eval.js'
import { type SolveOptions, solveCommand } from '../../src/cli/solve.js'
import { arcAnswer } from '../../src/cli/solve-arc.js'
import { trainCommand } from '../../src/cli/train.js'
import { type ArcGrid, generateMaze } from '../../src/data/index.js'
import { answerOf, type Json, refusal, right } from '../support/outcomes.js'
import { hasShared, sharedFile } from '../support/shared-data.js'

let folder = ''
const at = (...path: readonly string[]) => join(folder, ...path)
const evaluated = (run: string, more: Partial<EvalOptions> = {}) =>
  evalCommand({ run: at(run), split: 'test', backend: 'reference', ...more })
const solved = (run: string, puzzle: string, more: Partial<SolveOptions> = {}) =>
  solveCommand({ run: at(run), puzzle, trace: false, backend: 'reference', ...more })

/** A model of a few thousand parameters, trained for some steps. */
const trained = async (run: string, data: string, sizes: Readonly<Record<string, string>>) =>
  right(
    await trainCommand({
      preset: 'sudoku-4x4',
      data: at(data),
      out: at(run),
      resume: false,
      backend: 'reference',
      sizes: {
        ...{ hidden: '4', heads: '1', expansion: '1', puzzleEmbedding: '4', maxSegments: '2' },
        ...{ 'layers.high': '1', 'layers.low': '1', cycles: '1', steps: '1' },
        ...sizes,
      },
      changes: { steps: 1, batch: 2, warmup: 0, lr: 0.01, puzzleLr: 0.1 },
    }),
  )

const tasks = {
  mirror: {
    train: [{ input: [[1, 2, 0]], output: [[0, 2, 1]] }],
    test: [{ input: [[3, 0]], output: [[0, 3]] }],
  },
  turn: {
    train: [{ input: [[1, 2]], output: [[1], [2]] }],
    test: [
      { input: [[5, 6]], output: [[5], [6]] },
      { input: [[7, 0, 1]], output: [[7], [0], [1]] },
    ],
  },
}
const COPIES = 4

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'thetagrad-arc-'))
  mkdirSync(at('tasks'))
  for (const [name, task] of Object.entries(tasks)) writeFileSync(at('tasks', `${name}.json`), JSON.stringify(task))
  right(await buildArc({ out: at('data'), seed: 1, test: [at('tasks')], augment: COPIES - 1, maxSide: 4 }, () => {})())
  await trained('run', 'data', { vocabulary: '12', sequence: '16' })
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('eval of a run on ARC tasks', () => {
  let json: Json
  beforeAll(async () => {
    json = (await answerOf(evaluated('run', { submission: at('submission.json') }))).json
  })

  test('says what the votes of all copies come to, and what became of each task', () => {
    expect(json.arc).toMatchObject({ votes: 'last', tasks: 2, tests: 3, copies: 3 * COPIES })
    expect(json.arc.pass.map(({ k }: Json) => k)).toEqual([1, 2])
    expect(json.arc.perTask.map((t: Json) => [t.task, t.tests, t.copies])).toEqual([
      ['mirror', 1, COPIES],
      ['turn', 2, COPIES],
    ])
    for (const task of json.arc.perTask)
      for (const { candidates, different } of task.answers) {
        expect(candidates.length).toBe(Math.min(2, different))
        expect(candidates[0].votes).toBeGreaterThanOrEqual(candidates.at(-1).votes)
      }
    expect(json).toMatchObject({ examples: 3 * COPIES, halting: { rule: expect.stringContaining('q_halt >') } })
  })

  test('submits the answers that solve gives, whose copies are made anew from the task’s file', async () => {
    const submission = JSON.parse(readFileSync(at('submission.json'), 'utf8'))
    expect(Object.keys(submission)).toEqual(['mirror', 'turn'])
    for (const [name, tests] of Object.entries<Json[]>(submission))
      for (const [i, { attempt_1, attempt_2 }] of tests.entries()) {
        const { json: one } = await answerOf(solved('run', at('tasks', `${name}.json`), { test: i + 1 }))
        const grids = one.answers.map(({ grid }: Json) => grid).filter((grid: ArcGrid) => grid.length > 0)
        expect(one).toMatchObject({ task: name, known: true, copies: COPIES, segments: 2 })
        expect([attempt_1, attempt_2]).toEqual([grids[0] ?? [[0]], grids[1] ?? grids[0] ?? [[0]]])
        const reported = json.arc.perTask.find(({ task }: Json) => task === name).answers[i]
        expect(one.answers[0]).toMatchObject({ votes: reported.candidates[0].votes })
        expect(one.answers[0].confidence).toBeCloseTo(reported.candidates[0].confidence, 5)
        expect(one.place).toBe(reported.place)
      }
  })

  test('is the same without test_puzzles.json, as HRM’s builder leaves it, and with copies named as TRM’s', async () => {
    const hrm = at('data', 'test_puzzles.json')
    const names = readFileSync(at('data', 'identifiers.json'), 'utf8')
    const kept = readFileSync(hrm)
    rmSync(hrm)
    writeFileSync(at('data', 'identifiers.json'), names.replace(/_t(\d)_/g, '|||t$1|||'))
    expect((await answerOf(evaluated('run'))).json.arc).toEqual(json.arc)
    writeFileSync(hrm, kept)
    writeFileSync(at('data', 'identifiers.json'), names)
  })

  test('limits tasks, not copies; lets all segments vote; prints every task', async () => {
    const { json: one, text } = await answerOf(evaluated('run', { limit: 1, perTask: true, voteSegments: 'all' }))
    expect(one).toMatchObject({ examples: COPIES, arc: { votes: 'all', tasks: 1, copies: COPIES } })
    expect(one.arc.perTask[0].answers[0].candidates[0].votes).toBeGreaterThan(0)
    expect(text).toMatch(/ARC: 1 task, 1 test input, each answered by 4\.0 copies; votes of all segments/)
    expect(text).toMatch(/pass@k {3}whole tasks {3}their tests\n {7}1 /)
    expect(text).toMatch(/\nmirror +1 +\d +\d +4 {2}✓?\d \(\d+\.\d %\)/)
  })

  test('refuses other identifiers than it was trained on, unknown answers, options that say nothing here', async () => {
    cpSync(at('data'), at('other'), { recursive: true })
    const names = JSON.parse(readFileSync(at('data', 'identifiers.json'), 'utf8'))
    writeFileSync(at('other', 'identifiers.json'), JSON.stringify([names[0], ...names.slice(2), names[1]]))
    expect(await refusal(evaluated('run', { data: at('other') }))).toMatch(
      /puzzle 1 is mirror_t\d_\d+, but mirror to the run[\s\S]*the dataset it was trained on/,
    )
    cpSync(at('data', 'identifiers.json'), at('other', 'identifiers.json'))
    writeFileSync(at('other', 'test_puzzles.json'), JSON.stringify({ mirror: tasks.mirror }))
    expect(await refusal(evaluated('run', { data: at('other') }))).toMatch(/the right answers of "turn" are not known/)
    expect(await refusal(evaluated('run', { split: 'train', perTask: true }))).toMatch(
      /demonstrations are not voted on/,
    )
    expect(await refusal(evaluated('run', { submission: at('no', 'file.json') }))).toMatch(/there is no such folder/)
    expect((await answerOf(evaluated('run', { split: 'train' }))).json.arc).toBeUndefined()
  })
})

describe('solve of a run on ARC tasks', () => {
  test('takes a grid that is drawn, with the name of its task, and knows the solution by the dataset', async () => {
    const { json, text } = await answerOf(solved('run', '7·1', { task: 'turn', trace: true, copies: 2 }))
    expect(json).toMatchObject({ task: 'turn', copies: 2, input: [[7, 0, 1]] })
    expect(json.solved).not.toBeNull()
    expect(json.trace.length).toBe(2)
    expect(text).toMatch(/^turn, test 1: 1×3\n7 · 1\nafter segment 1: .*sure of it/)
    expect((await answerOf(solved('run', '[[7,0,2]]', { task: 'turn' }))).json).toMatchObject({
      solved: null,
      place: null,
    })
  })

  test('says that a task it never learnt is unknown, and guesses only when told to', async () => {
    writeFileSync(
      at('new.json'),
      JSON.stringify({
        train: [],
        test: [
          {
            input: [
              [1, 2],
              [3, 4],
            ],
          },
        ],
      }),
    )
    expect(await refusal(solved('run', at('new.json')))).toMatch(
      /does not know the task "new"[\s\S]*embedding that it learnt[\s\S]*--blank/,
    )
    expect(await refusal(solved('run', '12'))).toMatch(/which task it is is not said[\s\S]*--task NAME/)
    const { json, text } = await answerOf(solved('run', at('new.json'), { blank: true }))
    expect(json).toMatchObject({ task: 'new', known: false, copies: 1, solved: null })
    expect(text).toContain('the solution is not known')
  })

  test('refuses grids that are none or too large, tests that are not there, and files', async () => {
    const file = (json: unknown) => {
      writeFileSync(at('mirror.json'), JSON.stringify(json))
      return solved('run', at('mirror.json'))
    }
    expect(await refusal(file({ test: [{ input: [[1, 2], [3]] }] }))).toMatch(
      /mirror\.json: test\[0\]\.input has 1 cells in row 2, 2 in the first/,
    )
    expect(await refusal(file({ test: [{ input: [[11]] }] }))).toMatch(/has 11 in row 1, cell 1; colours are 0 to 9/)
    expect(await refusal(file({ test: [{ input: [[1, 2, 3, 4, 5]] }] }))).toMatch(
      /the input is 1×5, the run takes grids up to 4×4/,
    )
    expect(await refusal(solved('run', at('tasks', 'turn.json'), { test: 3 }))).toMatch(/no test 3[\s\S]*from 1 to 2/)
    expect(await refusal(solved('run', at('none.json')))).toMatch(/none\.json: there is no such file/)
  })

  test('says whether the votes are right: first, second, later, not among them, unknown', () => {
    const copy = { task: 'a', identifier: 1 }
    const ask = (grids: readonly ArcGrid[], output?: ArcGrid) => {
      const posed = { task: 'a', known: true, test: 1, tests: 1, question: { input: [[1]], ...(output && { output }) } }
      const said = grids.map((grid) => [{ grid, qHalt: 0 }])
      return arcAnswer({ ...posed, copies: grids.map(() => copy) }, said, false)
    }
    const grids = [[[1]], [[1]], [[1]], [[2]], [[2]], [[3]]]
    expect(ask(grids, [[1]])).toMatchObject({ json: { solved: true, place: 1 } })
    expect(ask(grids, [[2]]).text).toMatch(
      /answer 2: 1×1, 2 of 6 votes, sure of it: 50\.0 %, RIGHT\n2\nsolved at attempt 2/,
    )
    expect(ask(grids, [[3]])).toMatchObject({ json: { solved: false, place: 3 } })
    expect(ask(grids, [[4]])).toMatchObject({ json: { solved: false, place: null } })
    expect(ask(grids, [[4]]).text).toMatch(/NOT solved: the right answer is not among the 3 given/)
    expect(ask(grids).json.solved).toBeNull()
  })
})

test('of a generated task, which has many tests, the votes for the first of them are printed', async () => {
  const made = { generate: 3, rule: ['drip'] as const, trainCount: 4, testCount: 6 }
  right(await buildArc({ out: at('made'), seed: 0, ...made }, () => {})())
  await trained('made-run', 'made', { vocabulary: '12', sequence: '9' })
  const { json, text } = await answerOf(evaluated('made-run', { perTask: true }))
  expect(json.arc.perTask[0].answers).toHaveLength(6)
  const votes = String.raw`✓?1 \(\d+\.\d %\)`
  expect(text).toMatch(
    new RegExp(String.raw`\ndrip +6 .* {2}${votes}( \| ${votes}){3} \| and 2 more \(--json names them\)$`),
  )
})

describe('mazes that are no squares', () => {
  beforeAll(async () => {
    const sizes = { generate: { width: 6, height: 3 }, trainCount: 8, testCount: 4, minPath: 4 }
    right(await buildMaze({ out: at('mazes'), seed: 1, ...sizes }, () => {})())
    await trained('maze', 'mazes', { vocabulary: '6', sequence: '18' })
  })

  test('are judged by their own width, and solved from a file or one line', async () => {
    expect((await answerOf(evaluated('maze'))).json).toMatchObject({ examples: 4, optimal: expect.any(Number) })
    const { cells } = generateMaze({ side: 3, columns: 6, minPath: 4, seed: 9 }, 0)!.question
    const drawn = [0, 6, 12].map((i) => cells.slice(i, i + 6)).join('\n')
    writeFileSync(at('maze.txt'), `${drawn}\n`)
    const [fromFile, fromText] = [await answerOf(solved('maze', at('maze.txt'))), await answerOf(solved('maze', cells))]
    expect(fromFile).toEqual(fromText)
    expect(
      fromFile.text
        .split('\n')
        .slice(0, 3)
        .map((row) => row.length),
    ).toEqual([6, 6, 6])
    const turned = [0, 3, 6, 9, 12, 15].map((i) => cells.slice(i, i + 3)).join('\n')
    expect(await refusal(solved('maze', turned))).toMatch(/rows of 3 cells, the run was trained on rows of 6/)
    expect(await refusal(solved('maze', cells, { task: 'turn' }))).toMatch(/--task is for ARC/)
    expect(await refusal(evaluated('maze', { perTask: true }))).toMatch(/--per-task is for ARC[\s\S]*no ARC tasks/)
  })
})

describe.skipIf(!hasShared('data/arc/subset'))('published tasks', () => {
  test('are built, trained on, evaluated with votes and solved', async () => {
    const subset = sharedFile('data/arc/subset')
    const [train, held] = ['training', 'evaluation'].map((part) => [join(subset, part)])
    right(await buildArc({ out: at('real'), seed: 0, train: train!, test: held!, augment: 1, maxSide: 6 }, () => {})())
    await trained('real-run', 'real', { vocabulary: '12', sequence: '36' })
    const { json } = await answerOf(evaluated('real-run', { batch: 8, segments: 1 }))
    const puzzles = JSON.parse(readFileSync(at('real', 'test_puzzles.json'), 'utf8'))
    expect(json.arc.perTask.map(({ task }: Json) => task)).toEqual(Object.keys(puzzles))
    expect(json.arc.copies).toBe(json.examples)
    expect(json.arc.strays).toBeUndefined()
    const [file] = readdirSync(held![0]!).filter((name) => name.slice(0, -5) in puzzles)
    const answer = await answerOf(solved('real-run', join(held![0]!, file!), { segments: 1 }))
    expect(answer.json).toMatchObject({ known: true, copies: 2 })
  })
})
