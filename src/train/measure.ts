/**
 * Goes through examples and counts: exact and token accuracy after each number of segments. Whoever wants to know more of
 * them (a maze's judge, ARC's votes, the halting rule) watches: it is shown every example and what the model made of it.
 */
import type { Evaluator, HostBatch } from './evaluation.js'

/** One example and its answers; the tokens are only lent until the next one. S tokens. */
export interface Answered {
  /** From 0, in the order of the data. */
  readonly example: number
  /** [S] */
  readonly question: Int32Array
  readonly puzzleIdentifier: number
  /** Tokens that have a label. */
  readonly labelled: number
  /** After 1, 2, … segments. */
  readonly segments: readonly {
    /** [S] */
    readonly answer: Int32Array
    /** Labelled tokens that are right: all of them in an exact answer. */
    readonly right: number
    readonly qHalt: number
    readonly stops: boolean
  }[]
}
export type Watcher = (answered: Answered) => void

/** Accuracies after each number of segments. */
export interface Accuracies {
  readonly examples: number
  /** Share of examples whose whole answer is right, after 1, 2, … segments. */
  readonly exact: readonly number[]
  /** Mean over examples of the share of right tokens. */
  readonly token: readonly number[]
}

/** The accuracies of examples that are added one by one. */
export const accuracyCount = (segments: number) => {
  let examples = 0
  const exact = new Array<number>(segments).fill(0)
  const token = new Array<number>(segments).fill(0)
  const watch: Watcher = ({ labelled, segments: answers }) => {
    examples++
    for (const [s, { right }] of answers.entries()) {
      if (right === labelled) exact[s]! += 1
      token[s]! += right / labelled
    }
  }
  const figures = (): Accuracies => {
    const rate = (n: number) => (examples === 0 ? 0 : n / examples)
    return { examples, exact: exact.map(rate), token: token.map(rate) }
  }
  return { watch, figures }
}

/** Goes through the batches; examples without labels (padding) do not count and are not shown. */
export const measure = async (
  evaluate: Evaluator,
  batches: Iterable<HostBatch>,
  segments: number,
  watchers: readonly Watcher[] = [],
  progress: (examples: number) => void = () => {},
): Promise<Accuracies> => {
  let examples = 0
  const accuracies = accuracyCount(segments)
  for (const batch of batches) {
    const results = await evaluate.evaluate(batch, segments)
    const length = batch.inputs.length / evaluate.batch
    for (let b = 0; b < evaluate.batch; b++) {
      const labelled = results[0]!.labelled[b]!
      if (labelled === 0) continue
      const rowOf = (tokens: Int32Array) => tokens.subarray(b * length, (b + 1) * length)
      const answered: Answered = {
        example: examples++,
        question: rowOf(batch.inputs),
        puzzleIdentifier: batch.puzzleIdentifiers[b]!,
        labelled,
        segments: results.map(({ predictions, right, qHalt, stops }) => ({
          answer: rowOf(predictions),
          right: right[b]!,
          qHalt: qHalt[b]!,
          stops: stops[b] === 1,
        })),
      }
      for (const watch of [accuracies.watch, ...watchers]) watch(answered)
    }
    progress(examples)
  }
  return accuracies.figures()
}

/**
 * Whether an answer is right by the rules of its puzzle, whatever the label says (a maze has many shortest paths);
 * `undefined` for a puzzle it does not know. Tokens of one example.
 */
export type Judge = (question: ArrayLike<number>, answer: ArrayLike<number>) => boolean | undefined

/** The share of answers that a judge accepts after each number of segments; `undefined` unless it knows all puzzles. */
export const judging = (judge: Judge, segments: number) => {
  const accepted = new Array<number>(segments).fill(0)
  let [examples, knows] = [0, true]
  const watch: Watcher = ({ question, segments: answers }) => {
    if (!knows) return
    examples++
    for (const [s, { answer }] of answers.entries()) {
      const verdict = judge(question, answer)
      if (verdict === undefined) knows = false
      else if (verdict) accepted[s]! += 1
    }
  }
  const shares = (): readonly number[] | undefined =>
    knows && examples > 0 ? accepted.map((n) => n / examples) : undefined
  return { watch, shares }
}
