/** `eval` and `solve` with test-time policies, on a tiny run that is trained here: what is told, what must be equal, what is refused. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildSudoku } from '../../src/cli/data.js'
import { buildArc } from '../../src/cli/data-arc.js'
import { buildMaze } from '../../src/cli/data-maze.js'
import { ensembleOf } from '../../src/cli/ensemble.js'
import { type EvalOptions, evalCommand } from '../../src/cli/eval.js'
import { type SolveOptions, solveCommand } from '../../src/cli/solve.js'
import { trainCommand } from '../../src/cli/train.js'
import { answerOf, type Json, refusal, right } from '../support/outcomes.js'

let folder = ''
const at = (...path: readonly string[]) => join(folder, ...path)
const evaluated = (more: Partial<EvalOptions> = {}, run = 'run') =>
  evalCommand({ run: at(run), split: 'test', backend: 'reference', limit: 4, ...more })
const puzzle = '...44.1.1..2.4..'
const solved = (more: Partial<SolveOptions> = {}, run = 'run') =>
  solveCommand({ run: at(run), puzzle, trace: false, backend: 'reference', ...more })

/** A model of a few thousand parameters; three checkpoints. */
const trained = async (run: string, data: string, sizes: Readonly<Record<string, string>> = {}) =>
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
      changes: { steps: 3, batch: 2, warmup: 0, lr: 0.01, puzzleLr: 0.1, checkpointEvery: 1, keep: 3 },
    }),
  )

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'thetagrad-test-time-'))
  const settings = { generate: 4, trainGrids: 8, testGrids: 3, puzzlesPerGrid: 2, seed: 0 }
  right(await buildSudoku({ out: at('data'), ...settings }, () => {})())
  await trained('run', 'data')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('eval with a test-time policy', () => {
  test('tells the plain pass as ever, and beside it the policy, the oracle and what each budget gives', async () => {
    const plain = (await answerOf(evaluated())).json
    const { json, text } = await answerOf(
      evaluated({ copies: 2, rollouts: 2, noise: 0.3, checkpoints: { kind: 'newest', count: 2 } }),
    )
    const { testTime, seconds: _, ...rest } = json
    const { seconds: _s, ...before } = plain
    expect(rest).toEqual(before)
    expect(testTime).toMatchObject({
      policy: {
        segments: 2,
        copies: 2,
        checkpoints: [at('run', 'checkpoints', 'step-3'), at('run', 'checkpoints', 'step-2')],
        rollouts: { count: 2, start: 'own', noise: { deviation: 0.3, states: ['z_H'] } },
        select: 'vote',
        seed: 0,
      },
      candidates: 8,
      single: plain.exact,
      segments: 4 * 8 * 2,
    })
    expect(testTime.byCandidates.map((k: Json) => [k.candidates, k.segments])).toEqual([
      [1, 2],
      [2, 4],
      [4, 8],
      [8, 16],
    ])
    for (const { exact, oracle } of testTime.byCandidates) expect(oracle).toBeGreaterThanOrEqual(exact)
    expect(text).toContain('2 copies × 2 rollouts (noise 0.3 on z_H) × 2 checkpoints: 8 candidates of 2 segments')
  })

  test('gives the same again for the same seed, and rollouts without noise the plain pass', async () => {
    const ask = { copies: 2, rollouts: 2, limit: 2, randomStart: 'vector', select: 'q_halt' } as const
    const { testTime } = (await answerOf(evaluated(ask))).json
    expect((await answerOf(evaluated({ ...ask, batch: 5 }))).json.testTime).toEqual(testTime)
    const still = (await answerOf(evaluated({ rollouts: 2, noise: 0, select: 'residual' }))).json
    expect(still.testTime).toMatchObject({ exact: still.exact, oracle: still.exact, alone: still.exact, agreement: 1 })
  })

  test('asks checkpoints by name and of other runs, and one that is named is the plain pass', async () => {
    const first = (await answerOf(evaluated({ checkpoint: 'step-1' }))).json
    const other = at('run', 'checkpoints', 'step-1')
    const named = (await answerOf(evaluated({ checkpoints: { kind: 'named', names: [other, 'latest'] } }))).json
    expect(named.bySegment).toEqual(first.bySegment)
    expect(named.checkpoint).toBe(other)
    const alone = (await answerOf(evaluated({ checkpoints: { kind: 'named', names: ['step-1'] } }))).json
    expect(alone.bySegment).toEqual(first.bySegment)
    expect(alone.testTime).toBeUndefined()
  })

  test('refuses what makes no sense, with what would', async () => {
    const refused = async (flags: Partial<EvalOptions>, ...says: readonly string[]) => {
      const said = await refusal(evaluated(flags))
      for (const text of says) expect(said).toContain(text)
    }
    await refused({ noise: 0.3 }, 'noise and random starts need rollouts', '--rollouts 8')
    await refused({ rollouts: 4 }, 'would all be the same', '--noise')
    await refused({ select: 'q_halt' }, 'nothing to choose from')
    await refused({ seed: 3 }, 'nothing to draw')
    await refused({ rollouts: 2, randomStart: 'vector', noiseOn: ['z_H'] }, '--noise-on needs noise')
    await refused({ rollouts: 2, noise: 1, noiseOn: ['z_Q'] }, 'no state "z_Q"', 'z_H, z_L')
    await refused({ checkpoints: { kind: 'newest', count: 9 } }, '9 checkpoints were asked for, the run keeps 3')
    await refused({ checkpoints: { kind: 'named', names: ['step-7'] } }, 'no checkpoint "step-7"')
    await refused({ checkpoints: { kind: 'named', names: ['best'] }, checkpoint: 'step-1' }, 'leave out --checkpoint')
  })
})

describe('solve with a test-time policy', () => {
  test('gives the chosen answer, who agrees with it, and the others', async () => {
    const { json, text } = await answerOf(solved({ copies: 4, rollouts: 2, noise: 0.5, trace: true, seed: 1 }))
    expect(json).toMatchObject({ segments: 2, testTime: { candidates: 8, policy: { copies: 4, seed: 1 } } })
    const { answers, votes, different } = json.testTime
    expect(answers[0]).toMatchObject({ answer: json.answer, votes })
    expect(answers).toHaveLength(different)
    expect(answers.reduce((n: number, a: Json) => n + a.votes, 0)).toBe(8)
    expect(json.trace.at(-1).answer).toBe(json.answer)
    expect(text).toContain(`${votes} of 8 candidates give this answer`)
  })
  test('without noise gives what it gives without a policy', async () => {
    const [plain, still] = [await answerOf(solved()), await answerOf(solved({ rollouts: 3, noise: 0 }))]
    expect(still.json).toMatchObject(plain.json)
    expect(still.json.testTime).toMatchObject({ votes: 3, different: 1 })
  })
})

describe('other tasks', () => {
  test('mazes have rollouts and are judged by any shortest path, but no copies where the label would not turn with them', async () => {
    right(
      await buildMaze(
        { out: at('mazes'), seed: 0, generate: { width: 4, height: 4 }, trainCount: 8, testCount: 4, minPath: 5 },
        () => {},
      )(),
    )
    await trained('maze', 'mazes')
    const { json, text } = await answerOf(evaluated({ rollouts: 2, randomStart: 'positions' }, 'maze'))
    expect(json.testTime.optimal).toBeGreaterThanOrEqual(json.testTime.exact)
    expect(text).toContain('optimal')
    expect(await refusal(evaluated({ copies: 4 }, 'maze'))).toMatch(/of the 4 mazes have several shortest paths/)
  })

  test('ARC’s copies vote already; with rollouts all candidates do', async () => {
    const task = { train: [{ input: [[1, 2, 0]], output: [[0, 2, 1]] }], test: [{ input: [[3, 0]], output: [[0, 3]] }] }
    mkdirSync(at('tasks'))
    writeFileSync(at('tasks', 'mirror.json'), JSON.stringify(task))
    right(await buildArc({ out: at('arc'), seed: 1, test: [at('tasks')], augment: 3, maxSide: 4 }, () => {})())
    await trained('arc-run', 'arc', { vocabulary: '12', sequence: '16' })
    const votesOf = ({ arc }: Json) =>
      arc.perTask[0].answers[0].candidates.reduce((n: number, c: Json) => n + c.votes, 0)
    const many = (await answerOf(evaluated({ rollouts: 3, noise: 0 }, 'arc-run'))).json
    const few = (await answerOf(evaluated({}, 'arc-run'))).json
    expect(votesOf(many)).toBe(3 * votesOf(few))
    expect(many.arc.pass.slice(0, 2)).toEqual(few.arc.pass)
    const surest = (await answerOf(evaluated({ rollouts: 3, noise: 0, select: 'q_halt' }, 'arc-run'))).json
    expect(surest.arc).toEqual(few.arc)
    expect(await refusal(evaluated({ copies: 4 }, 'arc-run'))).toContain('leave out --copies')
    expect(await refusal(evaluated({ rollouts: 2, noise: 1, voteSegments: 'all' }, 'arc-run'))).toContain(
      '--vote-segments',
    )
    expect(await refusal(solved({ rollouts: 2, noise: 1, puzzle: at('tasks', 'mirror.json') }, 'arc-run'))).toContain(
      '--rollouts',
    )
  })
})

describe('the flags as they are typed', () => {
  const thetagrad = (...args: readonly string[]) =>
    spawnSync(
      process.execPath,
      ['--import', resolve('node_modules/tsx/dist/loader.mjs'), resolve('src/cli/main.ts'), ...args],
      { cwd: folder, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } },
    )
  test('make one JSON value', () => {
    const flags =
      '--copies 2 --checkpoints all --rollouts 2 --noise 0.3 --noise-on z_L --random-start --select first-halt'
    const { status, stdout } = thetagrad(
      ...['eval', 'run', '--limit', '2', '--backend', 'reference', '--json', '--seed', '5', ...flags.split(' ')],
    )
    expect(status).toBe(0)
    expect(JSON.parse(stdout).testTime).toMatchObject({
      candidates: 12,
      policy: {
        select: 'first-halt',
        seed: 5,
        rollouts: { start: 'vector', noise: { deviation: 0.3, states: ['z_L'] } },
      },
    })
  })
  test('that are malformed are bad usage, exit 2', () => {
    expect(thetagrad('eval', 'run', '--select', 'luck').status).toBe(2)
    for (const text of ['0', '', 'a,,b', ',']) expect(() => ensembleOf(text), text).toThrow('It must be all')
    expect(ensembleOf('3')).toEqual({ kind: 'newest', count: 3 })
    expect(ensembleOf('best, step-10')).toEqual({ kind: 'named', names: ['best', 'step-10'] })
  })
})
