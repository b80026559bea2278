/** `thetagrad solve` with a test-time policy: all candidates answer the puzzle, one answer is chosen. */
import * as E from 'fp-ts/lib/Either.js'
import { IGNORED } from '../data/index.js'
import type { Reasoner } from '../hrm/index.js'
import { type Backend, logistic } from '../ir/index.js'
import type { Problem } from '../problem.js'
import {
  askAll,
  type Candidate,
  candidateCount,
  candidatesOf,
  type Found,
  type Guessed,
  type Party,
  type Policy,
  rankedAnswers,
  selector,
  thinker,
} from '../train/index.js'
import { loadersOf, type Member } from './ensemble.js'
import { percent } from './progress.js'
import type { Posed } from './puzzles.js'

/** What came of asking them all. */
export interface Chosen {
  /** What the chosen candidate answered after each segment up to its answer. */
  readonly guesses: readonly Guessed[]
  readonly candidate: Candidate
  /** How many of how many give the answer. */
  readonly votes: number
  readonly candidates: number
  /** All different answers, the one with most votes first. */
  readonly answers: readonly Party[]
}

/** `atOnce`: rows of a batch at most. */
export const askPolicy = async (
  backend: Backend,
  model: Reasoner,
  { question, copies }: Posed,
  policy: Policy,
  members: readonly Member[],
  atOnce: number,
): Promise<E.Either<Problem, Chosen>> => {
  const candidates = candidateCount(policy)
  const found: Found[] = []
  const trails: (readonly Guessed[])[] = []
  const batch = Math.min(atOnce, candidates / policy.checkpoints)
  const labels = new Int32Array(question.length).fill(IGNORED)
  const done = await askAll({
    thinker: await thinker(backend, model, batch, policy.rollouts),
    policy,
    checkpoints: loadersOf(members, backend),
    examples: [{ inputs: question, labels, puzzleIdentifiers: new Int32Array(1) }],
    disguise: copies.of,
    seen: (asked) => found.push(...asked.found),
    trail: (at, guesses) => {
      trails[at] = guesses
    },
  })
  if (E.isLeft(done)) return done
  const choosing = selector(policy.select)
  for (const one of found) choosing.add(one)
  const choice = choosing.chosen()
  const { halted } = found[choice]!
  return E.right({
    guesses: policy.select === 'first-halt' ? trails[choice]!.slice(0, halted) : trails[choice]!,
    candidate: candidatesOf(policy)[choice]!,
    votes: choosing.votes(),
    candidates,
    answers: rankedAnswers(found),
  })
}

/** Answers that the JSON lists. */
const LISTED = 10

export const chosenJson = (
  { candidate, votes, candidates, answers }: Chosen,
  policy: Policy,
  members: readonly Member[],
  { text, isSolved }: Posed,
) => ({
  policy: { ...policy, checkpoints: members.map(({ name }) => name) },
  candidates,
  candidate,
  votes,
  different: answers.length,
  answers: answers.slice(0, LISTED).map(({ answer, votes: of, confidence }) => ({
    answer: text(answer),
    votes: of,
    confidence: confidence / of,
    solved: isSolved(answer),
  })),
})

export const showChosen = ({ votes, candidates, answers, guesses }: Chosen, { isSolved }: Posed): string => {
  const sure = logistic(guesses.at(-1)!.qHalt)
  const solving = answers.filter(({ answer }) => isSolved(answer)).length
  const others = answers.length - 1
  return [
    `${votes} of ${candidates} candidates give this answer, sure of it: ${percent(sure)}`,
    others === 0
      ? 'no other answer was given'
      : `${others} other answer${others === 1 ? '' : 's'}; ${solving} of all ${answers.length} would solve it`,
  ].join('; ')
}
