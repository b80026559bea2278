/** A pass of a model over examples, and all that is counted in it whatever the puzzles are. */
import { gridWidth, judgeMazeTokens } from '../data/index.js'
import { haltingRule, type Reasoner } from '../hrm/index.js'
import type { Backend } from '../ir/index.js'
import {
  type Accuracies,
  type Calibration,
  calibrationCount,
  evaluator,
  haltingCount,
  judging,
  measure,
  type Watcher,
} from '../train/index.js'
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

/** The parameters must be on the backend already. */
export const evaluate = async (options: {
  readonly backend: Backend
  readonly model: Reasoner
  readonly examples: EvaluationExamples
  readonly segments: number
  readonly batch: number
  readonly watchers?: readonly Watcher[]
}): Promise<Measured> => {
  const { backend, model, examples, segments, batch, watchers = [] } = options
  const start = performance.now()
  const evaluating = await evaluator(backend, model, batch)
  let said = start
  const progress = (done: number) => {
    if (performance.now() - said < 10_000) return
    said = performance.now()
    log(`${done} of ${examples.count} examples`)
  }
  const width = gridWidth(examples.info)
  const mazes = judging((question, answer) => judgeMazeTokens(question, answer, width), segments)
  const halting = haltingWatch(model, segments)
  const all = [...watchers, mazes.watch, halting.watch]
  const accuracies = await measure(evaluating, examples.batches(batch), segments, all, progress)
  const optimal = mazes.shares()
  return {
    ...accuracies,
    ...(optimal !== undefined && { optimal }),
    ...(model.halting.adaptive && { halting: halting.figures() }),
    segments,
    seconds: (performance.now() - start) / 1000,
  }
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
