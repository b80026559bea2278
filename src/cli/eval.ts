/**
 * `thetagrad eval`: how good a run is on a dataset, after every number of segments, from one pass; what its halting rule
 * would do; for mazes also whether the path is a shortest one, for ARC what its votes come to.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Split } from '../data/index.js'
import type { Problem } from '../problem.js'
import type { Weights } from '../train/index.js'
import { type BackendChoice, chooseBackend } from './backend.js'
import { type ArcFlags, type ArcVotes, openArc } from './eval-arc.js'
import { accuraciesJson, showAccuracies } from './eval-report.js'
import { evaluate, type Measured } from './evaluation.js'
import { examplesOf, fits, openSplit } from './examples.js'
import { listed, log, type Outcome } from './result.js'
import { openRun } from './run-folder.js'

export interface EvalOptions extends ArcFlags {
  readonly run: string
  readonly data?: string
  readonly split: Split
  /** Examples; of ARC tasks, each with all its copies. */
  readonly limit?: number
  /** Default: as many as in training. */
  readonly segments?: number
  readonly batch?: number
  /** `latest`, `best`, `step-N`. */
  readonly checkpoint?: string
  readonly weights?: Weights
  readonly backend: BackendChoice
}

/** What a run is worth. */
export interface Evaluated {
  readonly measured: Measured
  /** Of ARC. */
  readonly votes?: ArcVotes
  /** Folder of the checkpoint. */
  readonly checkpoint: string
  readonly weights: Weights
}

export const evalCommand = async (options: EvalOptions): Promise<Outcome> =>
  E.map(({ measured, votes, checkpoint, weights }: Evaluated) => ({
    text: [showAccuracies(measured), ...(votes === undefined ? [] : [votes.text])].join('\n'),
    json: {
      ...accuraciesJson(measured),
      ...(votes !== undefined && { arc: votes.json }),
      checkpoint,
      weights,
    },
  }))(await evaluateRun(options))

export const evaluateRun = async (options: EvalOptions): Promise<E.Either<readonly Problem[], Evaluated>> => {
  const opened = await openRun(options.run, options)
  if (E.isLeft(opened)) return opened
  const { config, model, checkpoint, weights, writeTo } = opened.right
  const { data = config.data, limit = Number.POSITIVE_INFINITY } = options
  const rows = await openSplit(data, options.split, limit)
  if (E.isLeft(rows)) return listed(rows)
  const fit = fits(model, rows.right.info, data)
  if (E.isLeft(fit)) return listed(fit)
  const arc = await openArc({ ...options, data, limit, trainedOn: config.data }, rows.right)
  if (E.isLeft(arc)) return listed(arc)
  const examples = examplesOf(rows.right, arc.right?.examples ?? limit, data)
  if (E.isLeft(examples)) return listed(examples)
  const backend = await chooseBackend(options.backend)
  try {
    log(
      `evaluating ${checkpoint}${weights === 'ema' ? ' (average of the weights)' : ''} on ${examples.right.count} examples, on ${backend.name}`,
    )
    writeTo(backend)
    const segments = options.segments ?? model.halting.maxSegments
    const atOnce = config.training.batch / (config.training.accumulate ?? 1)
    const batch = Math.min(options.batch ?? atOnce, examples.right.count)
    const watchers = arc.right === undefined ? [] : [arc.right.watch]
    const measured = await evaluate({ backend, model, examples: examples.right, segments, batch, watchers })
    const votes = arc.right?.conclude()
    if (votes !== undefined && E.isLeft(votes)) return listed(votes)
    return E.right({ measured, ...(votes !== undefined && { votes: votes.right }), checkpoint, weights })
  } finally {
    backend.dispose()
  }
}
