/**
 * `thetagrad analyze`: the figures of the paper from a run, other runs and an untrained copy beside it; writes
 * `analysis.json` and the SVG plots once all is computed, so that Ctrl-C leaves nothing half-written.
 */
import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { sync as writeFileAtomic } from 'write-file-atomic'
import { type Analysis, analyse, figures, interrupted } from '../analysis/index.js'
import type { Split } from '../data/index.js'
import type { Reasoner } from '../hrm/index.js'
import type { Backend } from '../ir/index.js'
import { countParameters, init } from '../nn/index.js'
import { type Problem, problem } from '../problem.js'
import { type Accuracy, toResidents } from '../train/index.js'
import { type BackendChoice, chooseBackend } from './backend.js'
import { type EvaluationExamples, fits, heldOutOf, openEvaluation } from './examples.js'
import { interruptible } from './interruption.js'
import { duration, percent } from './progress.js'
import { failed, listed, log, type Outcome } from './result.js'
import { openRun, type RunConfig, type TrainedModel } from './run-folder.js'

export interface AnalyzeOptions {
  readonly run: string
  readonly data?: string
  readonly split: Split
  readonly limit: number
  /** Default: of each run, as many as in training. */
  readonly segments?: number
  /** Default: `analysis` in the run folder. */
  readonly out?: string
  /** Other runs, drawn beside. */
  readonly against: readonly string[]
  /** The same model with fresh parameters of this seed; `true`: the seed the run began with. */
  readonly untrained?: number | true
  /** Of how many examples guesses and trajectories are shown. */
  readonly examples: number
  readonly batch?: number
  readonly backend: BackendChoice
}

/** A model to analyse. */
interface Subject {
  readonly name: string
  readonly model: Reasoner
  /** Folder of the checkpoint, or which seed. */
  readonly from: string
  readonly trained: boolean
  readonly writeTo: (backend: Backend) => void
}

type Analysed = Subject & { readonly analysis: Analysis; readonly seconds: number }

export const analyzeCommand = async (options: AnalyzeOptions): Promise<Outcome> => {
  const subjects = await openSubjects(options)
  if (E.isLeft(subjects)) return subjects
  const { models, config } = subjects.right
  const out = options.out ?? join(options.run, 'analysis')
  const free = writable(out)
  if (E.isLeft(free)) return listed(free)
  const heldOut = heldOutOf(options.data, config, options.run)
  if (E.isLeft(heldOut)) return listed(heldOut)
  const data = heldOut.right
  const examples = await openEvaluation(data, options.split, options.limit)
  if (E.isLeft(examples)) return listed(examples)
  const unfit = models.map(({ model }) => fits(model, examples.right.info, data)).find(E.isLeft)
  if (unfit !== undefined) return listed(unfit)
  return interruptible('stopping', async (signal) => {
    const analysed: Analysed[] = []
    for (const subject of models) {
      const one = await analyseSubject(subject, options, examples.right, signal)
      if (E.isLeft(one)) return listed(one)
      analysed.push(one.right)
    }
    if (signal.aborted) return failed(interrupted)
    const files = write(out, {
      'analysis.json': `${JSON.stringify(fileOf(data, options, analysed), null, 1)}\n`,
      ...figures(analysed),
    })
    return E.isLeft(files)
      ? listed(files)
      : E.right({ text: summary(out, files.right, analysed), json: summaryJson(out, files.right, analysed) })
  })
}

// ── what is analysed ────────────────────────────────────────────────────────────────────────────────────────────────
const openSubjects = async (
  options: AnalyzeOptions,
): Promise<E.Either<readonly Problem[], { readonly models: readonly Subject[]; readonly config: RunConfig }>> => {
  const first = await openRun(options.run)
  if (E.isLeft(first)) return first
  const runs = [options.run, ...options.against]
  const names = runs.map((run) => basename(resolve(run)))
  const isTwice = new Set(names).size < names.length
  const models: Subject[] = []
  for (const [i, run] of runs.entries()) {
    const opened = i === 0 ? first : await openRun(run)
    if (E.isLeft(opened)) return opened
    const { model, checkpoint, writeTo } = opened.right
    models.push({ name: isTwice ? run : names[i]!, model, from: checkpoint, trained: true, writeTo })
    if (i === 0 && options.untrained !== undefined)
      models.push(untrained(models[0]!.name, opened.right, options.untrained))
  }
  return E.right({ models, config: first.right.config })
}

const untrained = (name: string, { model, config }: TrainedModel, asked: number | true): Subject => {
  const seed = asked === true ? config.training.seed : asked
  return {
    name: `${name} untrained`,
    model,
    from: `seed ${seed}`,
    trained: false,
    writeTo: (backend) => {
      for (const [resident, values] of Object.entries(toResidents(model.parameters, init(model.parameters, seed))))
        backend.write(resident, values)
    },
  }
}

/** On a device of its own, since models share the names of what is resident on one. */
const analyseSubject = async (
  subject: Subject,
  options: AnalyzeOptions,
  { count, batches }: EvaluationExamples,
  signal: AbortSignal,
): Promise<E.Either<Problem, Analysed>> => {
  const { name, model, from } = subject
  const segments = options.segments ?? model.halting.maxSegments
  const backend = await chooseBackend(options.backend)
  const start = performance.now()
  const seconds = () => (performance.now() - start) / 1000
  log(`${name} (${from}): ${count} examples, ${segments} segments, on ${backend.name}`)
  try {
    subject.writeTo(backend)
    let said = start
    const analysis = await analyse({
      backend,
      model,
      count,
      batches,
      // Ten points of the participation ratio against the number of examples.
      batch: Math.min(options.batch ?? Math.min(MOST_AT_ONCE, Math.ceil(count / 10)), count),
      segments,
      shown: options.examples,
      signal,
      progress: (done) => {
        if (done < count && performance.now() - said < 5_000) return
        said = performance.now()
        log(`  ${done} of ${count} examples, ${duration((seconds() * (count - done)) / done)} left`)
      },
    })
    return E.isLeft(analysis) ? analysis : E.right({ ...subject, analysis: analysis.right, seconds: seconds() })
  } finally {
    backend.dispose()
  }
}

const MOST_AT_ONCE = 256

// ── what is written ─────────────────────────────────────────────────────────────────────────────────────────────────
/** Said before minutes of work: the folder, or the nearest one above it, takes files. */
const writable = (out: string): E.Either<Problem, void> => {
  const nearest = (path: string): string => (existsSync(path) ? path : nearest(dirname(path)))
  const found = nearest(resolve(out))
  if (!statSync(found).isDirectory())
    return E.left(problem('this is no folder', { where: found, fix: 'choose another --out' }))
  return E.tryCatch(
    () => accessSync(found, constants.W_OK),
    (cause) =>
      problem('nothing can be written here', { where: found, why: String(cause), fix: 'choose another --out' }),
  )
}

/** Without a pause in which a signal could come between; each file is whole or not there. */
const write = (out: string, files: Readonly<Record<string, string>>): E.Either<Problem, readonly string[]> =>
  E.tryCatch(
    () => {
      mkdirSync(out, { recursive: true })
      for (const [name, text] of Object.entries(files)) writeFileAtomic(join(out, name), text)
      return Object.keys(files)
    },
    (cause) => problem('the analysis cannot be written', { where: out, why: String(cause) }),
  )

/** `analysis.json`: the fields of every model are those of `Analysis`, described in `src/analysis/analysis.ts`. */
const fileOf = (data: string, options: AnalyzeOptions, subjects: readonly Analysed[]) => ({
  data,
  split: options.split,
  models: subjects.map(({ name, model, from, trained, analysis, seconds }) => {
    const { dense, rows } = countParameters(model.parameters)
    return { name, trained, from, parameters: dense + rows, seconds, ...analysis }
  }),
})

/** The contract of `--json`: where the files are, and per model what fits a line. */
const summaryJson = (out: string, files: readonly string[], subjects: readonly Analysed[]) => ({
  out,
  files,
  models: subjects.map(({ name, trained, analysis, seconds }) => {
    const { exact, token } = analysis.accuracy.at(-1)!
    return {
      name,
      trained,
      examples: analysis.examples,
      segments: analysis.segments,
      exact,
      token,
      halting: analysis.halting.byLimit.at(-1),
      participation: Object.fromEntries(
        analysis.participation.map(({ state, final, trajectory }) => [state, { final, trajectory }]),
      ),
      seconds,
    }
  }),
})

const summary = (out: string, files: readonly string[], subjects: readonly Analysed[]): string =>
  [
    ...subjects.flatMap(({ name, analysis, seconds }) => {
      const halted = analysis.halting.byLimit.at(-1)!
      const line = (what: string, found: string) => `  ${what.padEnd(22)} ${found}`
      return [
        `${name}: ${analysis.examples} examples, ${duration(seconds)}`,
        line(`after ${analysis.segments} segments`, shares(analysis.accuracy.at(-1)!)),
        line('stopped by the Q head', `${shares(halted)}, ${halted.meanSegments.toFixed(1)} segments`),
        ...analysis.participation.map((p) =>
          line(`dimensions of ${p.state}`, `${ratio(p.final)}, over all calls ${ratio(p.trajectory)}`),
        ),
        ...analysis.residuals.map(({ state, steps }) => {
          const at = ({ mean, step }: { readonly mean: number; readonly step: number }) =>
            `${mean.toPrecision(3)} at step ${step}`
          return line(`residual of ${state}`, `${at(steps[0]!)}, ${at(steps.at(-1)!)}`)
        }),
      ]
    }),
    `${out}: ${files.join(', ')}`,
  ].join('\n')

const shares = ({ exact, token }: Accuracy): string =>
  Number.isNaN(exact) ? 'no labels to compare with' : `exact ${percent(exact)}, tokens ${percent(token)}`
const ratio = (value: number | null): string => (value === null ? 'none' : value.toFixed(2))
