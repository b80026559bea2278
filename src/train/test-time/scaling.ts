/**
 * What more computation at test time is worth: how many examples a policy answers rightly with its first 1, 2, 4, … of K
 * candidates, beside how many an oracle could that picks a right one whenever there is one. Counted example by example.
 */
import type { Judge } from '../measure.js'
import type { Asked } from './candidates.js'
import { candidateCount, type Policy, type Selection, selections } from './policy.js'
import { selector } from './selection.js'

/** With the first so many candidates. Shares of examples. */
export interface Scaled {
  readonly candidates: number
  /** The chosen answer is exact. */
  readonly exact: number
  /** Some candidate is: an upper bound for every way to choose. */
  readonly oracle: number
  /** The chosen answer is right by the rules, where a judge knows the puzzles. */
  readonly optimal?: number
  /** Segments of each example. */
  readonly segments: number
  /** With `first-halt`: segments until the first candidate stops, side by side with the others; else all. */
  readonly needed: number
}

export interface Scaling {
  readonly examples: number
  /** For 1, 2, 4, … candidates, and all. */
  readonly byCandidates: readonly Scaled[]
  /** The mean over all candidates of their own accuracies: what one of them is worth without the others. */
  readonly alone: number
  /** The mean share of candidates that give the chosen answer. */
  readonly agreement: number
  /**
   * What all candidates come to by each rule that chooses among the same answers: `first-halt`, which takes them from where
   * they halt, has no others beside it. Without `residual` where nothing is carried from segment to segment.
   */
  readonly bySelection: Partial<Readonly<Record<Selection, number>>>
}

const comparable = ({ select }: Policy): readonly Selection[] =>
  selections.filter((rule) => (rule === 'first-halt') === (select === 'first-halt'))

/** 1, 2, 4, … and K. */
const budgets = (candidates: number): readonly number[] => [
  ...Array.from({ length: Math.ceil(Math.log2(candidates)) }, (_, i) => 2 ** i),
  candidates,
]

export const scalingCount = (policy: Policy, judge?: Judge) => {
  const all = candidateCount(policy)
  const counts = budgets(all).map((candidates) => ({ candidates, exact: 0, oracle: 0, optimal: 0, needed: 0 }))
  const rules = comparable(policy).map((rule) => ({ rule, exact: 0 }))
  let [examples, alone, agreement] = [0, 0, 0]
  let isSettling = false
  let judged = judge !== undefined
  /** The number of the candidate chosen of all. */
  const add = ({ plain, found }: Asked): number => {
    const selectors = rules.map(({ rule }) => selector(rule))
    const choosing = selectors[rules.findIndex(({ rule }) => rule === policy.select)]!
    let [isFound, earliest, at] = [false, policy.segments, 0]
    for (const count of counts) {
      for (; at < count.candidates; at++) {
        const one = found[at]!
        for (const each of selectors) each.add(one)
        isSettling ||= one.residual > 0
        isFound ||= one.exact
        earliest = Math.min(earliest, one.halted ?? policy.segments)
        alone += one.exact ? 1 / all : 0
      }
      const { answer, exact } = found[choosing.chosen()]!
      if (exact) count.exact++
      if (isFound) count.oracle++
      const verdict = judged ? judge?.(plain.question, answer) : undefined
      judged &&= verdict !== undefined
      if (verdict === true) count.optimal++
      count.needed += count.candidates * (policy.select === 'first-halt' ? earliest : policy.segments)
    }
    for (const [i, each] of selectors.entries()) if (found[each.chosen()]!.exact) rules[i]!.exact++
    examples++
    agreement += choosing.votes() / all
    return choosing.chosen()
  }
  const figures = (): Scaling => {
    const share = (n: number) => (examples === 0 ? 0 : n / examples)
    return {
      examples,
      byCandidates: counts.map(({ candidates, exact, oracle, optimal, needed }) => ({
        candidates,
        exact: share(exact),
        oracle: share(oracle),
        ...(judged && examples > 0 && { optimal: share(optimal) }),
        segments: candidates * policy.segments,
        needed: share(needed),
      })),
      alone: share(alone),
      agreement: share(agreement),
      bySelection: Object.fromEntries(
        rules.filter(({ rule }) => rule !== 'residual' || isSettling).map(({ rule, exact }) => [rule, share(exact)]),
      ),
    }
  }
  return { add, figures }
}
