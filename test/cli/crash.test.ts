/**
 * A run killed at any moment, in training and while a checkpoint is written, always goes on from a whole checkpoint, and
 * ends with the metrics and weights of one that was never touched. How often it is killed: THETAGRAD_KILLS, default 5.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { latestCheckpoint, readCheckpoint, readEvaluations, readMetrics } from '../../src/train/index.js'

const KILLS = Number(process.env.THETAGRAD_KILLS ?? 5)
const main = resolve('src/cli/main.ts')
const tsx = resolve('node_modules/tsx/dist/loader.mjs')

let folder = ''
const at = (...path: readonly string[]) => join(folder, ...path)

const thetagrad = (...args: readonly string[]): ChildProcess =>
  spawn(process.execPath, ['--import', tsx, main, ...args], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
const ended = (child: ChildProcess) =>
  new Promise<{ readonly status: number | null; readonly stderr: string }>((done) => {
    let stderr = ''
    child.stderr!.on('data', (text) => {
      stderr += text
    })
    child.on('close', (status) => done({ status, stderr }))
  })
const succeeded = async (child: ChildProcess): Promise<void> => {
  const { status, stderr } = await ended(child)
  if (status !== 0) throw new Error(stderr)
}

/** Saves at every step or two, so that a good part of its time goes into checkpoints. */
const STEPS = 60
const config = `import { hrm } from 'thetagrad'
export default {
  model: hrm({
    vocabulary: 6, sequence: 16, hidden: 8, heads: 2, expansion: 1, layers: { high: 1, low: 1 },
    puzzleEmbedding: 8, cycles: 1, steps: 1, maxSegments: 2,
  }),
  training: {
    batch: 2, steps: ${STEPS}, warmup: 0, lr: 1e-3, ema: 0.9, accumulate: 2,
    logEvery: 3, checkpointEvery: 2, keep: 1, evalEvery: 7, evalLimit: 2,
  },
}
`
const fresh = (run: string) =>
  thetagrad('train', '--config', 'model.ts', '--data', 'data', '--out', run, '--backend', 'reference')
const resumed = (run: string) => thetagrad('train', '--out', run, '--resume', '--backend', 'reference')

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'thetagrad-crash-'))
  writeFileSync(at('model.ts'), config)
  const grids = ['--train-grids', '4', '--test-grids', '2', '--puzzles-per-grid', '1']
  await succeeded(thetagrad('data', 'sudoku', '--generate', '4', ...grids, '--out', 'data'))
  await succeeded(fresh('whole'))
}, 300_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const newest = (run: string) => {
  const path = latestCheckpoint(at(run))
  if (E.isLeft(path)) return undefined
  const read = readCheckpoint(path.right)
  if (E.isLeft(read)) throw new Error(`${read.left.where}: ${read.left.what}`)
  const { seconds: _, ...state } = read.right.state
  return { ...read.right, state }
}
const metrics = (run: string) => ({
  lines: readMetrics(at(run)).map(({ seconds: _, ...line }) => line),
  evaluations: readEvaluations(at(run)).map(({ seconds: _, ...line }) => line),
})
const written = (run: string) =>
  readFileSync(at(run, 'metrics.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')

/** Polls, because a folder that is not there cannot be watched. */
const appears = async (path: string, child: ChildProcess): Promise<void> => {
  while (!existsSync(path) && child.exitCode === null) await new Promise((done) => setTimeout(done, 2))
}

/**
 * Kills the process a moment after the `events`-th change among its checkpoints: in the midst of a step, or of writing one;
 * after none, soon after the run folder is there. Whether it came to that before the end of the run.
 */
const killed = async (run: string, child: ChildProcess, events: number, delay: number): Promise<boolean> => {
  const end = ended(child)
  const kill = () => setTimeout(() => child.kill('SIGKILL'), delay)
  const folderOfRun = at(run, 'checkpoints')
  await appears(events === 0 ? at(run, 'config.json') : folderOfRun, child)
  let seen = 0
  const watcher = events === 0 || child.exitCode !== null ? undefined : watch(folderOfRun)
  watcher?.on('change', () => {
    if (++seen === events) delay === 0 ? child.kill('SIGKILL') : kill()
  })
  if (events === 0) kill()
  const { status, stderr } = await end
  watcher?.close()
  if (status !== null && status !== 0) throw new Error(stderr)
  return status === null
}

const expectWhole = (run: string): void => {
  expect(metrics(run)).toEqual(metrics('whole'))
  expect(written(run)).toHaveLength(written('whole').length)
  expect(newest(run)).toEqual(newest('whole'))
  const best = (of: string) => readFileSync(at(of, 'checkpoints', 'best'), 'utf8')
  expect(best(run)).toBe(best('whole'))
}

test('Ctrl-C ends a run of the interpreter after the step in hand; it goes on to the same end', async () => {
  const child = fresh('stopped')
  const end = ended(child)
  await appears(at('stopped', 'checkpoints'), child)
  child.kill('SIGINT')
  const { status, stderr } = await end
  expect({ status, stderr }).toMatchObject({ status: 0, stderr: expect.stringContaining('stopping after this step') })
  expect(newest('stopped')!.step).toBeLessThan(STEPS)
  await succeeded(resumed('stopped'))
  expectWhole('stopped')
}, 300_000)

test(
  `a run killed ${KILLS} times loses and doubles nothing`,
  async () => {
    const moments: string[] = []
    let run = 'run-0'
    for (let attempt = 0, kills = 0; kills < KILLS; attempt++) {
      if (existsSync(at(run)) && newest(run)?.step === STEPS) {
        expectWhole(run)
        run = `run-${attempt}`
      }
      const isNew = !existsSync(at(run))
      // In turns: at once upon a change (while it is writing), and some milliseconds later (wherever that is).
      const events = isNew ? 0 : 1 + Math.floor(Math.random() * 12)
      const delay = isNew ? Math.random() * 300 : attempt % 2 === 0 ? 0 : Math.random() * 40
      if (!(await killed(run, isNew ? fresh(run) : resumed(run), events, delay))) continue
      kills++
      const left = existsSync(at(run, 'checkpoints')) ? readdirSync(at(run, 'checkpoints')) : []
      const isWriting = left.some((name) => name.startsWith('.step-'))
      moments.push(`step ${newest(run)?.step ?? 'none'}${isWriting ? ', writing' : ''}`)
    }
    if (newest(run)?.step !== STEPS) await succeeded(resumed(run))
    console.log(`killed ${KILLS} times, with this as the newest checkpoint: ${moments.join('; ')}`)
    expectWhole(run)
  },
  60_000 + 30_000 * KILLS,
)
