/**
 * Choosing among candidates, one after another, so that what a smaller budget would have chosen is known on the way. The
 * rules and how they break ties are said with `Selection`.
 */
import { logistic } from '../../ir/index.js'
import type { Selection } from './policy.js'

/** What a candidate answers, in the frame of the puzzle as it was posed. S tokens. */
export interface Found {
  /** [S] */
  readonly answer: Int32Array
  /** All tokens that have a label are right. */
  readonly exact: boolean
  /** Logit, with the answer. */
  readonly qHalt: number
  /** How much the last segment before the answer changed the states. */
  readonly residual: number
  /** Segments after which the Q head first said stop; `undefined`: it never did. */
  readonly halted: number | undefined
}

export interface Selector {
  readonly add: (found: Found) => void
  /** The number of the candidate chosen so far, from 0 in the order in which they were added. */
  readonly chosen: () => number
  /** How many candidates give its answer. */
  readonly votes: () => number
}

/** Keeps the candidate that is before all others; of equals the earliest. */
const champion = (isBefore: (a: Found, b: Found) => boolean) => (): Omit<Selector, 'votes'> => {
  let best: { readonly found: Found; readonly at: number } | undefined
  let count = 0
  return {
    add: (found) => {
      if (best === undefined || isBefore(found, best.found)) best = { found, at: count }
      count++
    },
    chosen: () => best?.at ?? 0,
  }
}

const haltedAt = ({ halted = Number.POSITIVE_INFINITY }: Found): number => halted

/** An answer and whoever gives it, equal in every token. */
export interface Party {
  readonly answer: Int32Array
  /** The candidate that first gave it. */
  readonly first: number
  readonly votes: number
  /** Σ sigmoid(q_halt) */
  readonly confidence: number
}

/** Counts equal answers. */
const ballot = () => {
  const parties = new Map<string, Party>()
  let count = 0
  /** The key of its party. */
  const add = ({ answer, qHalt }: Found): string => {
    const key = answer.join()
    const { votes, confidence, ...party } = parties.get(key) ?? { answer, first: count, votes: 0, confidence: 0 }
    parties.set(key, { ...party, votes: votes + 1, confidence: confidence + logistic(qHalt) })
    count++
    return key
  }
  return { parties, add }
}

/** Below 0 where a is ahead. */
const byVotes = (a: Party, b: Party): number => b.votes - a.votes || b.confidence - a.confidence || a.first - b.first

/** The different answers, the one that a vote chooses first. */
export const rankedAnswers = (found: readonly Found[]): readonly Party[] => {
  const { parties, add } = ballot()
  for (const one of found) add(one)
  return [...parties.values()].sort(byVotes)
}

const champions = {
  q_halt: champion((a, b) => a.qHalt > b.qHalt),
  residual: champion((a, b) => a.residual < b.residual),
  'first-halt': champion((a, b) => haltedAt(a) < haltedAt(b) || (haltedAt(a) === haltedAt(b) && a.qHalt > b.qHalt)),
}

export const selector = (selection: Selection): Selector => {
  const { parties, add } = ballot()
  const keys: string[] = []
  const best = selection === 'vote' ? undefined : champions[selection]()
  const chosen = () => best?.chosen() ?? [...parties.values()].reduce((a, b) => (byVotes(a, b) <= 0 ? a : b)).first
  return {
    add: (found) => {
      keys.push(add(found))
      best?.add(found)
    },
    chosen,
    votes: () => parties.get(keys[chosen()]!)!.votes,
  }
}
