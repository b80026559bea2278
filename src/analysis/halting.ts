/** When the Q head says stop, and how good the answers would be if one stopped there: figures 5a and 5b of the paper. */

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

export interface HaltingFigures {
  /** Examples that are first told to stop after 1, 2, … segments. */
  readonly first: readonly number[]
  /** Examples that are not told to stop in any segment: they go to the last. */
  readonly never: number
  /** If one stopped where told, or after `limit` segments. */
  readonly byLimit: readonly (Accuracy & { readonly limit: number; readonly meanSegments: number })[]
}

/** Accuracy when example e is answered after segment `at(e)`, from 1. NaN without labels. */
export const accuracyAt = (outcomes: readonly Outcome[], at: (outcome: Outcome) => number): Accuracy => {
  const counted = outcomes.filter(({ labelled }) => labelled > 0)
  const share = (of: (o: Outcome) => number) => counted.reduce((sum, o) => sum + of(o), 0) / counted.length
  const rightAt = (o: Outcome) => o.right[at(o) - 1]!
  return { exact: share((o) => (rightAt(o) === o.labelled ? 1 : 0)), token: share((o) => rightAt(o) / o.labelled) }
}

export const haltingFigures = (outcomes: readonly Outcome[], segments: number): HaltingFigures => {
  /** The first segment with a stop, from 1; 0 for none. */
  const firstStop = ({ stops }: Outcome) => stops.indexOf(true) + 1
  const counts = (segment: number) => outcomes.filter((o) => firstStop(o) === segment).length
  const limits = Array.from({ length: segments }, (_, i) => i + 1)
  return {
    first: limits.map(counts),
    never: counts(0),
    byLimit: limits.map((limit) => {
      const at = (o: Outcome) => Math.min(limit, firstStop(o) || limit)
      const meanSegments = outcomes.reduce((sum, o) => sum + at(o), 0) / outcomes.length
      return { limit, meanSegments, ...accuracyAt(outcomes, at) }
    }),
  }
}
