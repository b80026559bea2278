/**
 * A test-time policy: what more may be computed for a puzzle than one pass of one set of weights, and which of the answers
 * is given. Three ways to make candidates compose: symmetric copies of the puzzle, several checkpoints, and rollouts, whose
 * states differ by chance. Augmented HRM votes over copies and checkpoints (arXiv 2601.10679), PTRM takes the surest of
 * noisy rollouts (2605.19943), SIC the first of several starts to halt (2601.19085), EqR the most settled one (2605.21488).
 */
import * as E from 'fp-ts/lib/Either.js'
import { haltingRule, type Reasoner, startsFromNoise } from '../../hrm/index.js'
import { type Problem, problem } from '../../problem.js'
import { stateNames } from '../step.js'

export interface Policy {
  readonly segments: number
  /** Disguises of the puzzle, itself among them. */
  readonly copies: number
  /** Sets of weights. */
  readonly checkpoints: number
  readonly rollouts: Rollouts
  readonly select: Selection
  /** Of copies and rollouts: everything drawn follows from it. */
  readonly seed: number
}

/**
 * Runs that differ by chance; the first is always the plain one, from the model's own start and without noise. Where a model
 * starts from noise itself, as EqR does, its own starts are others in each.
 */
export interface Rollouts {
  readonly count: number
  /**
   * Where the others start: as the model does, or from random states of the same distribution; one vector at all positions,
   * as the model's own is, or each position its own.
   */
  readonly start: Start
  /** Added to these states before each segment, to every element: normal with that standard deviation. PTRM: 0.3 on z_H. */
  readonly noise?: { readonly deviation: number; readonly states: readonly string[] }
}

export type Start = 'own' | 'vector' | 'positions'

/**
 * Which candidate's answer is given, of equals always the earliest:
 * - `vote`: the answer that most give as a whole; of equals the one with the larger sum of confidences sigmoid(q_halt)
 * - `q_halt`: the one whose Q head is surest that it is right
 * - `residual`: the one whose states changed least in the last segment
 * - `first-halt`: the one that its Q head stops after the fewest segments, with its answer there; of equals, and where none
 *   is stopped, the surest
 */
export const selections = ['vote', 'q_halt', 'residual', 'first-halt'] as const
export type Selection = (typeof selections)[number]

export const onePass = (segments: number): Policy => ({
  segments,
  copies: 1,
  checkpoints: 1,
  rollouts: { count: 1, start: 'own' },
  select: 'vote',
  seed: 0,
})

/** Who answers: the numbers of a checkpoint, a copy and a rollout, each from 0. */
export interface Candidate {
  readonly checkpoint: number
  readonly copy: number
  readonly rollout: number
}

export const candidateCount = ({ copies, checkpoints, rollouts }: Policy): number =>
  copies * checkpoints * rollouts.count

/**
 * All candidates in the order in which a smaller budget would take them: first all copies, then further rollouts, then
 * further checkpoints. The first is the plain pass.
 */
export const candidatesOf = ({ copies, checkpoints, rollouts }: Policy): readonly Candidate[] =>
  upTo(checkpoints).flatMap((checkpoint) =>
    upTo(rollouts.count).flatMap((rollout) => upTo(copies).map((copy) => ({ checkpoint, copy, rollout }))),
  )

const upTo = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i)

/** The states that noise goes to where none are named: z_H, where a model has it, as in PTRM; otherwise all. */
export const noisedByDefault = (model: Reasoner): readonly string[] => {
  const names = stateNames(model)
  return names.includes('z_H') ? ['z_H'] : names
}

/** Whether a policy makes sense, and does for this model; every refusal says what would. */
export const checkPolicy = (model: Reasoner, policy: Policy): E.Either<Problem, Policy> => {
  const { rollouts, select } = policy
  const refuse = (what: string, why: string, fix: string) => E.left(problem(what, { why, fix }))
  const states = stateNames(model)
  const varied = rollouts.noise !== undefined || rollouts.start !== 'own'
  if (rollouts.count > 1 && !varied && !startsFromNoise(model))
    return refuse(
      `${rollouts.count} rollouts would all be the same`,
      'nothing in them is random',
      'add --noise 0.3 or --random-start',
    )
  if (rollouts.count === 1 && varied)
    return refuse(
      'noise and random starts need rollouts',
      'the first rollout is the plain pass, without either',
      'add --rollouts 8',
    )
  if ((varied || select === 'residual') && states.length === 0)
    return refuse(
      varied ? `${model.name} has no state to disturb` : `${model.name} has no state to settle`,
      'it carries nothing from one segment to the next',
      varied ? 'use --copies or --checkpoints' : 'use another --select',
    )
  const stranger = rollouts.noise?.states.find((name) => !states.includes(name))
  if (stranger !== undefined)
    return refuse(
      `${model.name} has no state "${stranger}"`,
      `its states are ${states.join(', ')}`,
      `--noise-on takes ${states.join(', ')}`,
    )
  if (select === 'first-halt' && !model.halting.adaptive)
    return refuse(
      `${model.name} never halts by itself`,
      'its Q head was not trained to stop it',
      'use another --select',
    )
  return E.right(policy)
}

const starts = { own: [], vector: ['random starts'], positions: ['random starts, each position its own'] } as const

/** In a line: `8 copies × 4 rollouts (noise 0.3 on z_H): 32 candidates of 4 segments, chosen by vote`. */
export const showPolicy = (model: Reasoner, policy: Policy): string => {
  const { copies, checkpoints, rollouts, select, segments } = policy
  const noise =
    rollouts.noise === undefined ? [] : [`noise ${rollouts.noise.deviation} on ${rollouts.noise.states.join(', ')}`]
  const kind = [...starts[rollouts.start], ...noise].join(', ') || 'starts of its own'
  const factors = [
    ...(copies > 1 ? [`${copies} copies`] : []),
    ...(rollouts.count > 1 ? [`${rollouts.count} rollouts (${kind})`] : []),
    ...(checkpoints > 1 ? [`${checkpoints} checkpoints`] : []),
  ]
  const by = {
    vote: 'vote',
    q_halt: 'the largest q_halt',
    residual: 'the smallest residual',
    'first-halt': `the first halt (${haltingRule(model.halting)})`,
  }[select]
  return `${factors.join(' × ')}: ${candidateCount(policy)} candidates of ${segments} segments, chosen by ${by}`
}
