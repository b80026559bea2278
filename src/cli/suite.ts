/**
 * `thetagrad bench suite`: builds the data of the three benchmarks in small, trains the small presets, evaluates them on
 * what was held out, and prints one table. Every number is measured by this command. What is done stays in the suite's
 * folder: stopped and started again, it goes on where it was.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { sync as writeFileAtomic } from 'write-file-atomic'
import { showBytes } from '../bytes.js'
import { countParameters } from '../nn/index.js'
import { type Problem, problem } from '../problem.js'
import { presetNamed, readEvaluations, readMetrics } from '../train/index.js'
import { keepAsked } from './asked.js'
import type { BackendChoice } from './backend.js'
import { buildData } from './data-commands.js'
import { evaluateRun } from './eval.js'
import type { ArcVotes } from './eval-arc.js'
import { duration, percent } from './progress.js'
import { failed, listed, log, type Outcome } from './result.js'
import { aligned, whole } from './table.js'
import { type TrainOptions, trainRun } from './train.js'

export const taskNames = ['sudoku', 'maze', 'arc-rules', 'arc'] as const
type TaskName = (typeof taskNames)[number]

export interface SuiteOptions {
  readonly out: string
  readonly tasks: readonly TaskName[]
  /** Files or folders of ARC tasks; without them that benchmark is left out. */
  readonly arc?: readonly string[]
  /** A transformer of the same size with one segment and one pass, trained as long, beside each. */
  readonly baseline: boolean
  readonly seed: number
  /** Of every run, instead of the preset's. */
  readonly steps?: number
  readonly backend: BackendChoice
}

const presetOf = {
  sudoku: 'sudoku-4x4',
  maze: 'maze-6x6',
  'arc-rules': 'arc-rules-6x6',
  arc: 'arc-6x6',
} as const satisfies Record<TaskName, string>

/** One line of the table. */
interface SuiteRow {
  readonly task: TaskName
  readonly preset: string
  readonly model: string
  readonly parameters: number
  readonly steps: number
  readonly examples: number
  /** Shares of the held-out examples. */
  readonly exact: number
  readonly token: number
  /** Mazes: answers that mark any shortest path. */
  readonly optimal?: number
  /** Published ARC tasks: shares of those whose tests are all solved by the first, or the first two, of the candidates voted for. */
  readonly passAt1?: number
  readonly passAt2?: number
  /** Of training. */
  readonly seconds: number
  /** Examples trained on, per second: a segment of thought each. */
  readonly samplesPerSecond: number
  readonly peakBytes: number
  readonly device: string
  /** Held-out accuracy while training. */
  readonly curve: readonly { readonly step: number; readonly exact: number; readonly token: number }[]
}

export const suiteCommand = async (options: SuiteOptions): Promise<Outcome> => {
  const rows: SuiteRow[] = []
  const asked = options.tasks.filter((name) => name !== 'arc' || options.arc !== undefined)
  if (asked.length < options.tasks.length)
    log(
      'the published ARC tasks are left out: give them with --arc PATH (`thetagrad data arc --help` says where they are)',
    )
  if (asked.length === 0) return failed(problem('there is nothing to measure', { fix: 'give --arc PATH' }))
  const { out, seed, steps, arc } = options
  const kept = keepAsked(out, 'asked.json', { seed, steps }, 'a suite with another --seed or --steps')
  if (E.isLeft(kept)) return listed(kept)
  // Of its own, so that ARC may join the others later.
  const keptArc =
    arc === undefined
      ? kept
      : keepAsked(
          out,
          'arc.json',
          arc.map((path) => resolve(path)),
          'a suite with other ARC tasks',
        )
  if (E.isLeft(keptArc)) return listed(keptArc)
  for (const name of asked) {
    const data = join(out, `${name}-data`)
    if (!existsSync(data)) {
      const given = { out: data, seed, ...(name === 'arc' && { test: arc }) }
      const built = await buildData(presetNamed(presetOf[name])!.data, given)()
      if (E.isLeft(built)) return listed(built)
    }
    for (const variant of options.baseline ? ['hrm', 'transformer'] : ['hrm']) {
      const row = await measured(name, variant, data, options)
      if (E.isLeft(row)) return row
      rows.push(row.right)
    }
  }
  const json = { seed, rows }
  const file = join(out, 'suite.json')
  writeFileAtomic(file, `${JSON.stringify(json, null, 1)}\n`)
  return E.right({ text: `${table(rows)}\n${file}`, json })
}

/** Trains and evaluates, or goes on with that, or reads what came of it. */
const measured = async (
  task: TaskName,
  variant: string,
  data: string,
  options: SuiteOptions,
): Promise<E.Either<readonly Problem[], SuiteRow>> => {
  const preset = presetOf[task]
  const run = join(options.out, `${task}-${variant}`)
  const resultFile = join(run, 'result.json')
  if (existsSync(resultFile)) {
    log(`${run}: measured already`)
    return E.right(JSON.parse(readFileSync(resultFile, 'utf8')) as SuiteRow)
  }
  const resume = existsSync(join(run, 'config.json'))
  log(`${resume ? 'going on with' : 'training'} ${run}`)
  const steps = options.steps ?? presetNamed(preset)!.training.steps
  const recipe: Partial<TrainOptions> = resume ? {} : { preset, variant, data }
  const changes = resume ? {} : { steps, seed: options.seed, evalEvery: Math.ceil(steps / 10), evalLimit: 400 }
  const trained = await trainRun({ ...recipe, out: run, resume, changes, backend: options.backend })
  if (E.isLeft(trained)) return trained
  const { config, model, device, report } = trained.right
  if (report.interrupted)
    return failed(
      problem(`the suite was stopped at step ${report.step} of ${run}`, { fix: 'run it again: it goes on from there' }),
    )
  const evaluated = await evaluateRun({ run, split: 'test', backend: options.backend })
  if (E.isLeft(evaluated)) return evaluated
  const { measured: found, votes } = evaluated.right
  const { dense, rows } = countParameters(model.parameters)
  const seconds = readMetrics(run).at(-1)?.seconds ?? report.seconds
  const row: SuiteRow = {
    task,
    preset,
    model: variant,
    parameters: dense + rows,
    steps: report.step,
    examples: found.examples,
    exact: found.exact.at(-1)!,
    token: found.token.at(-1)!,
    ...(found.optimal !== undefined && { optimal: found.optimal.at(-1)! }),
    ...(task === 'arc' && votes !== undefined && { passAt1: passAt(votes, 1), passAt2: passAt(votes, 2) }),
    seconds,
    samplesPerSecond: (report.step * config.training.batch) / seconds,
    peakBytes: report.peakBytes,
    device,
    curve: readEvaluations(run).map(({ step, exact, token }) => ({ step, exact, token })),
  }
  writeFileAtomic(resultFile, `${JSON.stringify(row, null, 1)}\n`)
  return E.right(row)
}

/** Share of tasks whose tests are all solved by one of the first k candidates. */
const passAt = ({ report }: ArcVotes, k: number): number => report.passAt.find((pass) => pass.k === k)?.whole ?? 0

const table = (rows: readonly SuiteRow[]): string =>
  aligned(
    [
      ['task', 'model', 'parameters', 'steps', 'exact', 'beside', 'time', 'samples/s', 'memory'],
      ...rows.map((row) => [
        row.preset,
        row.model,
        whole(row.parameters),
        `${row.steps}`,
        percent(row.exact),
        beside(row),
        duration(row.seconds),
        row.samplesPerSecond.toFixed(0),
        showBytes(row.peakBytes),
      ]),
    ],
    2,
  )

/** What else the benchmark counts. */
const beside = ({ token, optimal, passAt2 }: SuiteRow): string => {
  if (passAt2 !== undefined) return `${percent(passAt2)} pass@2`
  return optimal === undefined ? `${percent(token)} tokens` : `${percent(optimal)} optimal`
}
