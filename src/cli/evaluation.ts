/** A pass of a model over examples, and all that is counted in it whatever the puzzles are. */
import * as E from 'fp-ts/lib/Either.js'
import { type Copies, gridWidth, IGNORED, judgeMazeTokens } from '../data/index.js'
import { haltingRule, type Reasoner } from '../hrm/index.js'
import type { Backend } from '../ir/index.js'
import type { Problem } from '../problem.js'
import {
  type Accuracies,
  type Asked,
  accuracyCount,
  askAll,
  type Calibration,
  calibrationCount,
  candidateCount,
  evaluator,
  type HostBatch,
  haltingCount,
  type Judge,
  judging,
  measure,
  type Policy,
  type Scaling,
  scalingCount,
  thinker,
  type Watcher,
} from '../train/index.js'
import { loadersOf, type Member } from './ensemble.js'
import type { EvaluationExamples } from './examples.js'
import { log } from './result.js'

/** What a model's halting rule would do, though all examples get all segments. */
export interface HaltingMeasured {
  /** `q_halt > q_continue` or `q_halt > 0`. */
  readonly rule: string
  /** If each example stopped where the rule says, or after the last segment. */
  readonly meanSegments: number
  readonly exact: number
  readonly token: number
  /** Examples that are first told to stop after 1, 2, … segments, and those that never are. */
  readonly first: readonly number[]
  readonly never: number
  /** Whether q_halt knows which answers are right, after the last segment. */
  readonly qHalt: Calibration
}

export interface Measured extends Accuracies {
  readonly segments: number
  readonly seconds: number
  /** Mazes: the share of answers that mark a shortest path, whichever of them, after each number of segments. */
  readonly optimal?: readonly number[]
  /** Absent where the Q head never stops an example. */
  readonly halting?: HaltingMeasured
}

/** What an evaluation goes through. */
interface Evaluating {
  readonly backend: Backend
  readonly model: Reasoner
  readonly examples: EvaluationExamples
  readonly batch: number
  readonly watchers?: readonly Watcher[]
}

/** The parameters must be on the backend already. */
export const evaluate = async (options: Evaluating & { readonly segments: number }): Promise<Measured> => {
  const { backend, model, examples, segments, batch, watchers = [] } = options
  const { own, conclude } = counting(model, examples, segments)
  const evaluating = await evaluator(backend, model, batch)
  const progress = saying(`of ${examples.count} examples`)
  return conclude(await measure(evaluating, examples.batches(batch), segments, [...watchers, ...own], progress))
}

/** With a test-time policy: what its plain pass comes to, as `evaluate` says it, and what the policy does. */
export const evaluatePolicy = async (
  options: Evaluating & {
    readonly policy: Policy
    /** As many as the policy's checkpoints. */
    readonly members: readonly Member[]
    readonly copies?: Copies
    /** Is shown every example with the answers of its candidates, and the number of the one that was chosen. */
    readonly chosen?: (asked: Asked, choice: number) => void
  },
): Promise<E.Either<Problem, { readonly measured: Measured; readonly scaling: Scaling }>> => {
  const { backend, model, examples, batch, watchers = [], policy, members, copies, chosen } = options
  const { own, conclude } = counting(model, examples, policy.segments)
  const accuracies = accuracyCount(policy.segments)
  const scaling = scalingCount(policy, mazeJudge(examples))
  const done = await askAll({
    thinker: await thinker(backend, model, batch, policy.rollouts),
    policy,
    checkpoints: loadersOf(members, backend),
    examples: labelledOnly(examples.batches(1)),
    ...(copies !== undefined && { disguise: copies.of }),
    seen: (asked) => {
      for (const watch of [accuracies.watch, ...watchers, ...own]) watch(asked.plain)
      const choice = scaling.add(asked)
      chosen?.(asked, choice)
    },
    progress: saying(`of ${examples.count * candidateCount(policy)} answers`),
  })
  return E.map(() => ({ measured: conclude(accuracies.figures()), scaling: scaling.figures() }))(done)
}

/** Without those that have nothing to be right about. */
function* labelledOnly(batches: Iterable<HostBatch>): Generator<HostBatch> {
  for (const batch of batches) if (batch.labels.some((label) => label !== IGNORED)) yield batch
}

/** Says now and then how far it is. */
const saying = (ofWhat: string) => {
  let said = performance.now()
  return (done: number): void => {
    if (performance.now() - said < 10_000) return
    said = performance.now()
    log(`${done} ${ofWhat}`)
  }
}

const mazeJudge = ({ info }: EvaluationExamples): Judge => {
  const width = gridWidth(info)
  return (question, answer) => judgeMazeTokens(question, answer, width)
}

/** Everything that is counted beside accuracies, from now on. */
const counting = (model: Reasoner, examples: EvaluationExamples, segments: number) => {
  const start = performance.now()
  const mazes = judging(mazeJudge(examples), segments)
  const halting = haltingWatch(model, segments)
  const conclude = (accuracies: Accuracies): Measured => {
    const optimal = mazes.shares()
    return {
      ...accuracies,
      ...(optimal !== undefined && { optimal }),
      ...(model.halting.adaptive && { halting: halting.figures() }),
      segments,
      seconds: (performance.now() - start) / 1000,
    }
  }
  return { own: [mazes.watch, halting.watch], conclude }
}

const haltingWatch = (model: Reasoner, segments: number) => {
  const [halting, calibration] = [haltingCount(segments), calibrationCount()]
  const watch: Watcher = ({ labelled, segments: answers }) => {
    halting.add({
      labelled,
      right: answers.map(({ right }) => right),
      stops: answers.map(({ stops }) => stops),
    })
    const last = answers.at(-1)!
    calibration.add(last.qHalt, last.right === labelled)
  }
  const figures = (): HaltingMeasured => {
    const { first, never, byLimit } = halting.figures()
    const { meanSegments, exact, token } = byLimit.at(-1)!
    return { rule: haltingRule(model.halting), meanSegments, exact, token, first, never, qHalt: calibration.figures() }
  }
  return { watch, figures }
}
