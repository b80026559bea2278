/** `thetagrad eval`: exact and token accuracy of a run on a dataset, after every number of segments, from one pass. */
import * as E from 'fp-ts/lib/Either.js'
import { judgeMazeTokens, type Split } from '../data/index.js'
import type { Reasoner } from '../hrm/index.js'
import type { Backend } from '../ir/index.js'
import { type Accuracies, evaluator, measure, type Weights } from '../train/index.js'
import { type BackendChoice, chooseBackend } from './backend.js'
import { type EvaluationExamples, fits, openEvaluation } from './examples.js'
import { duration, percent } from './progress.js'
import { listed, log, type Outcome } from './result.js'
import { openRun } from './run-folder.js'

export interface EvalOptions {
  readonly run: string
  readonly data?: string
  readonly split: Split
  readonly limit?: number
  /** Default: as many as in training. */
  readonly segments?: number
  readonly batch?: number
  /** `latest`, `best`, `step-N`. */
  readonly checkpoint?: string
  readonly weights?: Weights
  readonly backend: BackendChoice
}

export const evalCommand = async (options: EvalOptions): Promise<Outcome> => {
  const opened = await openRun(options.run, options)
  if (E.isLeft(opened)) return opened
  const { config, model, checkpoint, weights, writeTo } = opened.right
  const data = options.data ?? config.data
  const examples = await openEvaluation(data, options.split, options.limit ?? Number.POSITIVE_INFINITY)
  if (E.isLeft(examples)) return listed(examples)
  const fit = fits(model, examples.right.info, data)
  if (E.isLeft(fit)) return listed(fit)
  const backend = await chooseBackend(options.backend)
  try {
    log(
      `evaluating ${checkpoint}${weights === 'ema' ? ' (average of the weights)' : ''} on ${examples.right.count} examples, on ${backend.name}`,
    )
    writeTo(backend)
    const segments = options.segments ?? model.halting.maxSegments
    const atOnce = config.training.batch / (config.training.accumulate ?? 1)
    const batch = Math.min(options.batch ?? atOnce, examples.right.count)
    const measured = await evaluate({ backend, model, examples: examples.right, segments, batch })
    return E.right({ text: showAccuracies(measured), json: { ...accuraciesJson(measured), checkpoint, weights } })
  } finally {
    backend.dispose()
  }
}

export interface Measured extends Accuracies {
  readonly segments: number
  readonly seconds: number
}

/** The parameters must be on the backend already. */
export const evaluate = async (options: {
  readonly backend: Backend
  readonly model: Reasoner
  readonly examples: EvaluationExamples
  readonly segments: number
  readonly batch: number
}): Promise<Measured> => {
  const { backend, model, examples, segments, batch } = options
  const start = performance.now()
  const evaluating = await evaluator(backend, model, batch)
  let said = start
  const progress = (done: number) => {
    if (performance.now() - said < 10_000) return
    said = performance.now()
    log(`${done} of ${examples.count} examples`)
  }
  const accuracies = await measure(evaluating, examples.batches(batch), segments, progress, judgeMazeTokens)
  return { ...accuracies, segments, seconds: (performance.now() - start) / 1000 }
}

/** The contract of `--json`; accuracies are those after the last segment, `bySegment` after each. */
const accuraciesJson = ({ examples, exact, token, valid, segments, seconds }: Measured) => ({
  examples,
  exact: exact.at(-1),
  token: token.at(-1),
  // Mazes: valid and of optimal length, whichever of the shortest paths it is.
  ...(valid !== undefined && { optimal: valid.at(-1) }),
  segments,
  seconds,
  bySegment: exact.map((share, i) => ({
    segments: i + 1,
    exact: share,
    token: token[i],
    ...(valid !== undefined && { optimal: valid[i] }),
  })),
})

export const segmentTable = ({ exact, token, valid }: Accuracies): string =>
  [
    `segments   exact    tokens${valid === undefined ? '' : '  optimal'}`,
    ...exact.map((share, i) =>
      [`${i + 1}`, ...[share, token[i], valid?.[i]].flatMap((n) => (n === undefined ? [] : [percent(n)]))]
        .map((cell) => cell.padStart(8))
        .join(' '),
    ),
  ].join('\n')

const showAccuracies = (m: Measured): string => `${segmentTable(m)}\n${m.examples} examples in ${duration(m.seconds)}`
