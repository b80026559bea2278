/**
 * `thetagrad eval`: how good a run is on a dataset, after every number of segments, from one pass; what its halting rule
 * would do; for mazes also whether the path is a shortest one, for ARC what its votes come to; and what a test-time policy
 * makes of more computation.
 */
import * as E from 'fp-ts/lib/Either.js'
import { allowedCopies, type Copies, type Split } from '../data/index.js'
import type { Problem } from '../problem.js'
import { candidateCount, type Policy, showPolicy, type Weights } from '../train/index.js'
import { type BackendChoice, chooseBackend } from './backend.js'
import { membersOf } from './ensemble.js'
import { type ArcFlags, type ArcVotes, openArc } from './eval-arc.js'
import { accuraciesJson, showAccuracies } from './eval-report.js'
import { evaluate, evaluatePolicy, type Measured } from './evaluation.js'
import { type EvaluationExamples, examplesOf, fits, heldOutOf, openSplit } from './examples.js'
import { enoughCopies, type PolicyFlags, policyOf } from './policy-flags.js'
import { listed, log, type Outcome } from './result.js'
import { openRun } from './run-folder.js'
import { showTestTime, type TestTime, testTimeJson } from './test-time-report.js'

export interface EvalOptions extends ArcFlags, PolicyFlags {
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
  /** Of a test-time policy. */
  readonly testTime?: TestTime
  /** Folder of the checkpoint. */
  readonly checkpoint: string
  readonly weights: Weights
}

export const evalCommand = async (options: EvalOptions): Promise<Outcome> =>
  E.map(({ measured, testTime, votes, checkpoint, weights }: Evaluated) => ({
    text: [
      showAccuracies(measured),
      ...(testTime === undefined ? [] : [showTestTime(testTime)]),
      ...(votes === undefined ? [] : [votes.text]),
    ].join('\n'),
    json: {
      ...accuraciesJson(measured),
      ...(testTime !== undefined && { testTime: testTimeJson(testTime) }),
      ...(votes !== undefined && { arc: votes.json }),
      checkpoint,
      weights,
    },
  }))(await evaluateRun(options))

export const evaluateRun = async (options: EvalOptions): Promise<E.Either<readonly Problem[], Evaluated>> => {
  const opened = await openRun(options.run, options)
  if (E.isLeft(opened)) return opened
  const { config, model } = opened.right
  const { limit = Number.POSITIVE_INFINITY } = options
  const heldOut = heldOutOf(options.data, config, options.run)
  if (E.isLeft(heldOut)) return listed(heldOut)
  const data = heldOut.right
  const rows = await openSplit(data, options.split, limit)
  if (E.isLeft(rows)) return listed(rows)
  const fit = fits(model, rows.right.info, data)
  if (E.isLeft(fit)) return listed(fit)
  const segments = options.segments ?? model.halting.maxSegments
  const members = membersOf(options.run, opened.right, options.checkpoints, options)
  if (E.isLeft(members)) return listed(members)
  const policy = policyOf(model, options, segments, members.right.length)
  if (E.isLeft(policy)) return listed(policy)
  const isPlain = candidateCount(policy.right) === 1
  const arc = await openArc({ ...options, data, limit, trainedOn: config.data, isPlain }, rows.right)
  if (E.isLeft(arc)) return listed(arc)
  const examples = examplesOf(rows.right, arc.right?.examples ?? limit, data)
  if (E.isLeft(examples)) return listed(examples)
  const copies = copiesFor(policy.right, examples.right, data)
  if (E.isLeft(copies)) return listed(copies)
  const backend = await chooseBackend(options.backend)
  try {
    const { name, weights, writeTo } = members.right[0]!
    log(
      `evaluating ${name}${weights === 'ema' ? ' (average of the weights)' : ''} on ${examples.right.count} examples, on ${backend.name}`,
    )
    if (!isPlain) log(showPolicy(model, policy.right))
    const written = writeTo(backend)
    if (E.isLeft(written)) return listed(written)
    const atOnce = config.training.batch / (config.training.accumulate ?? 1)
    const rowsOfAll = (examples.right.count * candidateCount(policy.right)) / policy.right.checkpoints
    const batch = Math.min(options.batch ?? atOnce, rowsOfAll)
    const common = { backend, model, examples: examples.right, batch }
    const measured = isPlain
      ? E.right({
          measured: await evaluate({ ...common, segments, watchers: arc.right === undefined ? [] : [arc.right.watch] }),
        })
      : await evaluatePolicy({
          ...common,
          policy: policy.right,
          members: members.right,
          ...(copies.right !== undefined && { copies: copies.right }),
          ...(arc.right !== undefined && { chosen: arc.right.voteOfAll(policy.right.select) }),
        })
    if (E.isLeft(measured)) return listed(measured)
    const votes = arc.right?.conclude()
    if (votes !== undefined && E.isLeft(votes)) return listed(votes)
    return E.right({
      measured: measured.right.measured,
      ...('scaling' in measured.right && {
        testTime: {
          policy: policy.right,
          scaling: measured.right.scaling,
          about: showPolicy(model, policy.right),
          checkpoints: members.right.map((member) => member.name),
          ...(copies.right !== undefined && { copies: copies.right.about }),
        },
      }),
      ...(votes !== undefined && { votes: votes.right }),
      checkpoint: name,
      weights,
    })
  } finally {
    backend.dispose()
  }
}

/** The copies of the puzzles, where a policy has any. */
const copiesFor = (
  policy: Policy,
  examples: EvaluationExamples,
  where: string,
): E.Either<Problem, Copies | undefined> => {
  if (policy.copies === 1) return E.right(undefined)
  const allowed = allowedCopies(examples.info, examples.batches(1), where)
  if (E.isLeft(allowed)) return allowed
  const enough = enoughCopies(policy, allowed.right)
  return E.isLeft(enough) ? enough : allowed
}
