/**
 * Asks every candidate of a policy about every example. Candidates of different examples share batches; sets of weights are
 * changed as seldom as memory allows: examples are gone through in stretches, each by one checkpoint after the other. Must
 * not know of files or puzzles.
 */
import * as E from 'fp-ts/lib/Either.js'
import { applyTokens, inverseTokens, type TokenSymmetry } from '../../data/index.js'
import type { Problem } from '../../problem.js'
import type { HostBatch } from '../evaluation.js'
import type { Answered } from '../measure.js'
import { type Candidate, candidateCount, candidatesOf, type Policy } from './policy.js'
import type { Found } from './selection.js'
import type { Row, Thinker, Thought } from './thinker.js'

/** One example and what all candidates answer to it. */
export interface Asked {
  /** What the plain pass answered after each segment. */
  readonly plain: Answered
  /** In the order of the candidates. */
  readonly found: readonly Found[]
}

/** An answer on the way. */
export interface Guessed {
  /** [S] */
  readonly tokens: Int32Array
  readonly qHalt: number
}

export interface Asking {
  readonly thinker: Thinker
  readonly policy: Policy
  /** Puts a checkpoint's weights on the device, by their numbers in the policy. */
  readonly checkpoints: readonly (() => E.Either<Problem, void>)[]
  /** Batches of one example each. */
  readonly examples: Iterable<HostBatch>
  /** The disguises of an example; asked only where a policy has copies. */
  readonly disguise?: (seed: number, example: number, copy: number) => TokenSymmetry
  readonly seen: (asked: Asked) => void
  /** Is shown what every candidate answered after each segment, in the frame of the puzzle. */
  readonly trail?: (at: number, guesses: readonly Guessed[]) => void
  /** How many candidates have answered. */
  readonly progress?: (answers: number) => void
}

/** Bytes of answers that are held at once. */
const HELD = 1 << 26

/** A problem where a checkpoint cannot be read. */
export const askAll = async (asking: Asking): Promise<E.Either<Problem, void>> => {
  const { policy, checkpoints, seen } = asking
  const all = candidatesOf(policy)
  let answers = 0
  for (const stretch of stretches(asking.examples, candidateCount(policy))) {
    const asked = stretch.map((example) => ({
      ...example,
      labelled: 0,
      plain: [] as Answered['segments'],
      found: [] as Found[],
    }))
    for (const [number, load] of checkpoints.entries()) {
      // With one checkpoint its weights stay where they are.
      const loaded = checkpoints.length > 1 || answers === 0 ? load() : E.right(undefined)
      if (E.isLeft(loaded)) return loaded
      const jobs = asked.flatMap((example) =>
        all.flatMap((candidate, at) => (candidate.checkpoint === number ? [{ example, candidate, at }] : [])),
      )
      for (let start = 0; start < jobs.length; start += asking.thinker.batch) {
        const some = jobs.slice(start, start + asking.thinker.batch).map((job) => ({ ...job, ...posed(job, asking) }))
        const thoughts = await asking.thinker.think(
          some.map(({ row }) => row),
          policy.segments,
        )
        for (const [i, { example, at, restored }] of some.entries()) {
          const { labelled, segments } = thoughts[i]!
          example.found[at] = foundBy(thoughts[i]!, restored, policy)
          if (at === 0) {
            example.labelled = labelled
            example.plain = segments.map((segment) => ({ ...segment, answer: restored(segment.answer) }))
          }
          asking.trail?.(
            at,
            segments.map(({ answer, qHalt }) => ({ tokens: restored(answer), qHalt })),
          )
        }
        answers += some.length
        asking.progress?.(answers)
      }
    }
    for (const { number, batch, labelled, plain, found } of asked)
      seen({
        plain: {
          example: number,
          question: batch.inputs,
          puzzleIdentifier: batch.puzzleIdentifiers[0]!,
          labelled,
          segments: plain,
        },
        found,
      })
  }
  return E.right(undefined)
}

interface Example {
  /** From 0. */
  readonly number: number
  readonly batch: HostBatch
}

/** As many examples at a time as their answers fit in memory. */
function* stretches(examples: Iterable<HostBatch>, candidates: number): Generator<readonly Example[]> {
  let stretch: Example[] = []
  let number = 0
  for (const batch of examples) {
    stretch.push({ number: number++, batch })
    if (stretch.length * candidates * batch.inputs.byteLength < HELD) continue
    yield stretch
    stretch = []
  }
  if (stretch.length > 0) yield stretch
}

/** The row a candidate is asked, and how its answers are brought back into the frame of the puzzle. */
const posed = (
  { example, candidate }: { readonly example: Example; readonly candidate: Candidate },
  { policy, disguise }: Asking,
): { readonly row: Row; readonly restored: (answer: Int32Array) => Int32Array } => {
  const { number, batch } = example
  const { checkpoint, copy, rollout } = candidate
  const symmetry = copy === 0 ? undefined : disguise?.(policy.seed, number, copy)
  const turned = (tokens: Int32Array) => (symmetry === undefined ? tokens : applyTokens(symmetry, tokens))
  const back = symmetry === undefined ? undefined : inverseTokens(symmetry)
  return {
    row: {
      inputs: turned(batch.inputs),
      labels: turned(batch.labels),
      puzzleIdentifier: batch.puzzleIdentifiers[0]!,
      ...(rollout > 0 && { words: [policy.seed, number, checkpoint, copy, rollout] }),
    },
    restored: (answer) => (back === undefined ? answer.slice() : applyTokens(back, answer)),
  }
}

/** A candidate's answer: after the last segment, or where it halts if the first to halt is asked for. */
const foundBy = (
  { labelled, segments }: Thought,
  restored: (answer: Int32Array) => Int32Array,
  { select }: Policy,
): Found => {
  const stop = segments.findIndex(({ stops }) => stops)
  const { answer, right, qHalt, residual } = segments.at(select === 'first-halt' ? stop : -1)!
  return {
    answer: restored(answer),
    exact: right === labelled,
    qHalt,
    residual,
    halted: stop < 0 ? undefined : stop + 1,
  }
}
