/**
 * A model that thinks about rows which may be disturbed, each in its own way: one program for all candidates of a policy,
 * so that whatever is asked is compiled once. Chance comes from keys alone: what is drawn for a row depends neither on its
 * batch nor on what was drawn before. B batch, S tokens.
 */
import { IGNORED } from '../../data/index.js'
import type { Reasoner } from '../../hrm/index.js'
import { type Backend, type HostArray, mixBits } from '../../ir/index.js'
import { type HostBatch, streamedBatch } from '../evaluation.js'
import type { Answered } from '../measure.js'
import { attemptKeys } from '../randomness.js'
import { disturbedSegment } from './disturbed-segment.js'
import type { Rollouts } from './policy.js'

/** A row to think about. */
export interface Row {
  /** [S] */
  readonly inputs: Int32Array
  /** [S] */
  readonly labels: Int32Array
  readonly puzzleIdentifier: number
  /** What its chance follows from; nothing: a plain row. */
  readonly words?: readonly number[]
}

/** What came of a row, after each segment; the tokens are only lent until the next batch. */
export interface Thought {
  readonly labelled: number
  readonly segments: readonly (Answered['segments'][number] & { readonly residual: number })[]
}

export interface Thinker {
  readonly batch: number
  /** At most a batch of rows. */
  readonly think: (rows: readonly Row[], segments: number) => Promise<readonly Thought[]>
}

/** Sets the keys of rollouts apart from others of the same words. */
const CHANCE = 4

/** The parameters must be on the backend before it thinks; they may be others every time. */
export const thinker = async (
  backend: Backend,
  model: Reasoner,
  batch: number,
  rollouts: Rollouts,
): Promise<Thinker> => {
  const executable = await backend.load(disturbedSegment(model, `thinking${batch}`, rollouts), { batch })
  const { sequence } = model.sizes
  const { deviation = 0 } = rollouts.noise ?? {}
  return {
    batch,
    think: async (rows, segments) => {
      const data = packed(rows, batch, sequence)
      const streams = { ...streamedBatch(data), ...chanceOf(rows, data, deviation) }
      const results: Readonly<Record<string, HostArray>>[] = []
      for (let s = 0; s < segments; s++) {
        const keys = Int32Array.from({ length: batch }, (_, b) => mixBits([CHANCE, s, ...(rows[b]?.words ?? [])]))
        await executable.run({ ...streams, 'chance.keys': keys, fresh: new Int32Array(batch).fill(s === 0 ? 1 : 0) })
        results.push(await executable.read(['predictions', 'labelled', 'right', 'q_halt', 'stops', 'residual']))
      }
      return rows.map(
        (_, b): Thought => ({
          labelled: results[0]!.labelled![b]!,
          segments: results.map((r) => ({
            answer: (r.predictions as Int32Array).subarray(b * sequence, (b + 1) * sequence),
            right: r.right![b]!,
            qHalt: r.q_halt![b]!,
            stops: r.stops![b] === 1,
            residual: r.residual![b]!,
          })),
        }),
      )
    },
  }
}

/**
 * Which rows are left to chance, and how far. Where a model itself starts from noise, a plain row has the start that it has in
 * every evaluation, and each rollout another.
 */
const chanceOf = (rows: readonly Row[], data: HostBatch, deviation: number) => {
  const own = attemptKeys(data)['draws.keys']
  const isWild = (b: number): boolean => rows[b]?.words !== undefined
  return {
    'draws.keys': own.map((key, b) => (isWild(b) ? mixBits([CHANCE, key, ...rows[b]!.words!]) : key)),
    'chance.start': own.map((_, b) => (isWild(b) ? 1 : 0)),
    'chance.noise': Float32Array.from(own, (_, b) => (isWild(b) ? deviation : 0)),
  }
}

/** Rows as a batch; what is left of it is padding. */
const packed = (rows: readonly Row[], batch: number, length: number): HostBatch => {
  const inputs = new Int32Array(batch * length)
  const labels = new Int32Array(batch * length).fill(IGNORED)
  const puzzleIdentifiers = new Int32Array(batch)
  rows.forEach((row, b) => {
    inputs.set(row.inputs, b * length)
    labels.set(row.labels, b * length)
    puzzleIdentifiers[b] = row.puzzleIdentifier
  })
  return { inputs, labels, puzzleIdentifiers }
}
