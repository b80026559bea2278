/**
 * When the Q head says stop, how good the answers would be if one stopped there (figures 5a and 5b of the paper), and how
 * well it knows which answers are right. Counted example by example, so that any number of them fits.
 */
import { logistic } from '../ir/index.js'

/** What became of one example after each segment. */
export interface Outcome {
  /** Labels of the example; an example without any counts for no accuracy. */
  readonly labelled: number
  /** Tokens that are right after 1, 2, … segments. */
  readonly right: readonly number[]
  readonly stops: readonly boolean[]
}

export interface Accuracy {
  /** Share of examples whose whole answer is right. */
  readonly exact: number
  /** Mean over examples of the share of right tokens. */
  readonly token: number
}

/** If one stopped where told, or after `limit` segments. */
export interface HaltedAt extends Accuracy {
  readonly limit: number
  readonly meanSegments: number
}

export interface HaltingFigures {
  /** Examples that are first told to stop after 1, 2, … segments. */
  readonly first: readonly number[]
  /** Examples that are not told to stop in any segment: they go to the last. */
  readonly never: number
  readonly byLimit: readonly HaltedAt[]
}

/** Accuracy when example e is answered after segment `at(e)`, from 1. NaN without labels. */
export const accuracyAt = (outcomes: readonly Outcome[], at: (outcome: Outcome) => number): Accuracy => {
  const counted = outcomes.filter(({ labelled }) => labelled > 0)
  const share = (of: (o: Outcome) => number) => counted.reduce((sum, o) => sum + of(o), 0) / counted.length
  const rightAt = (o: Outcome) => o.right[at(o) - 1]!
  return { exact: share((o) => (rightAt(o) === o.labelled ? 1 : 0)), token: share((o) => rightAt(o) / o.labelled) }
}

/** The figures of examples that are added one by one. */
export const haltingCount = (segments: number) => {
  const zeros = () => new Array<number>(segments).fill(0)
  const [first, exact, token, walked] = [zeros(), zeros(), zeros(), zeros()]
  let [examples, counted, never] = [0, 0, 0]
  const add = ({ labelled, right, stops }: Outcome): void => {
    /** The first segment with a stop, from 1; 0 for none. */
    const stop = stops.indexOf(true) + 1
    examples++
    if (stop === 0) never++
    else first[stop - 1]! += 1
    if (labelled > 0) counted++
    for (let i = 0; i < segments; i++) {
      const at = Math.min(i + 1, stop || i + 1)
      walked[i]! += at
      if (labelled === 0) continue
      if (right[at - 1] === labelled) exact[i]! += 1
      token[i]! += right[at - 1]! / labelled
    }
  }
  const figures = (): HaltingFigures => ({
    first,
    never,
    byLimit: walked.map((steps, i) => ({
      limit: i + 1,
      meanSegments: steps / examples,
      exact: exact[i]! / counted,
      token: token[i]! / counted,
    })),
  })
  return { add, figures }
}

export const haltingFigures = (outcomes: readonly Outcome[], segments: number): HaltingFigures => {
  const { add, figures } = haltingCount(segments)
  for (const outcome of outcomes) add(outcome)
  return figures()
}

// ── does q_halt know? ───────────────────────────────────────────────────────────────────────────────────────────────
/** Answers whose confidence sigmoid(q_halt) lies between two tenths. */
export interface ConfidenceBin {
  readonly from: number
  readonly to: number
  readonly examples: number
  /** Mean confidence, and the share that are right; null where there are no examples. */
  readonly confidence: number | null
  readonly exact: number | null
}

export interface Calibration {
  /** Share of answers of which q_halt ≥ 0 says rightly whether they are right: the metric of training. */
  readonly accuracy: number
  /** Of the answers it calls right, the share that are; null where it calls none right. */
  readonly precision: number | null
  /** Of the right answers, the share it calls right; null where none is right. */
  readonly recall: number | null
  /** Mean confidence. */
  readonly confidence: number
  /** Expected calibration error: how far confidence is from the share that are right, over the bins by their examples. */
  readonly error: number
  readonly bins: readonly ConfidenceBin[]
}

const BINS = 10

/** How well q_halt knows which of the answers are right that are added one by one. */
export const calibrationCount = () => {
  const zeros = () => new Array<number>(BINS).fill(0)
  const [examples, sure, right] = [zeros(), zeros(), zeros()]
  /** [said to be right][is right] */
  const table: [[number, number], [number, number]] = [
    [0, 0],
    [0, 0],
  ]
  const add = (qHalt: number, isRight: boolean): void => {
    const confidence = logistic(qHalt)
    const bin = Math.min(BINS - 1, Math.floor(BINS * confidence))
    examples[bin]! += 1
    sure[bin]! += confidence
    right[bin]! += isRight ? 1 : 0
    table[qHalt >= 0 ? 1 : 0][isRight ? 1 : 0] += 1
  }
  const figures = (): Calibration => {
    const total = sumOf(examples)
    const [[trueNo, missed], [falseYes, found]] = table
    const share = (part: number, whole: number) => (whole === 0 ? null : part / whole)
    return {
      accuracy: (trueNo + found) / total,
      precision: share(found, found + falseYes),
      recall: share(found, found + missed),
      confidence: sumOf(sure) / total,
      error: sumOf(examples.map((_, i) => Math.abs(sure[i]! - right[i]!))) / total,
      bins: examples.map((n, i) => ({
        from: i / BINS,
        to: (i + 1) / BINS,
        examples: n,
        confidence: share(sure[i]!, n),
        exact: share(right[i]!, n),
      })),
    }
  }
  return { add, figures }
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)
