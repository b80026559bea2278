/**
 * A model that thinks about rows which may be disturbed, each in its own way: one program for all candidates of a policy,
 * so that whatever is asked is compiled once. B batch, S tokens, T positions, D hidden.
 */
import { IGNORED } from '../../data/index.js'
import type { Reasoner } from '../../hrm/index.js'
import type { Backend, HostArray } from '../../ir/index.js'
import { type HostBatch, streamedBatch } from '../evaluation.js'
import type { Answered } from '../measure.js'
import { stateNames } from '../step.js'
import { disturbedSegment } from './disturbed-segment.js'
import { drawNoise, drawStart, type Words } from './draws.js'
import type { Rollouts } from './policy.js'

/** A row to think about. */
export interface Row {
  /** [S] */
  readonly inputs: Int32Array
  /** [S] */
  readonly labels: Int32Array
  readonly puzzleIdentifier: number
  /** What its chance follows from; nothing: a plain row. */
  readonly words?: Words
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

/** The parameters must be on the backend before it thinks; they may be others every time. */
export const thinker = async (
  backend: Backend,
  model: Reasoner,
  batch: number,
  { start, noise }: Rollouts,
): Promise<Thinker> => {
  const prefix = `thinking${batch}`
  const noised = noise?.states ?? []
  const executable = await backend.load(disturbedSegment(model, prefix, noised), { batch })
  const { sequence, puzzleTokens, hidden } = model.sizes
  const positions = puzzleTokens + sequence
  const size = positions * hidden
  const states = stateNames(model)
  const noises = Object.fromEntries(noised.map((name) => [`noise.${name}`, new Float32Array(batch * size)]))
  const disturb = (rows: readonly Row[], segment: number): void =>
    noised.forEach((name, s) => {
      const all = noises[`noise.${name}`]!
      for (let b = 0; b < batch; b++) {
        const [row, words] = [all.subarray(b * size, (b + 1) * size), rows[b]?.words]
        if (words === undefined) row.fill(0)
        else drawNoise(row, words, segment, s, noise!.deviation)
      }
    })
  /** Gives the rows that chance belongs to random states, where it begins with them; 1 for those that start as the model does. */
  const begin = (rows: readonly Row[]): Int32Array => {
    const fresh = new Int32Array(batch).fill(1)
    if (start === 'own' || rows.every(({ words }) => words === undefined)) return fresh
    for (const name of states) {
      const all = new Float32Array(batch * size)
      rows.forEach(({ words }, b) => {
        if (words === undefined) return
        fresh[b] = 0
        all.set(drawStart(positions, hidden, words, name, start), b * size)
      })
      backend.write(`${prefix}.${name}`, all)
    }
    return fresh
  }
  return {
    batch,
    think: async (rows, segments) => {
      const data = streamedBatch(packed(rows, batch, sequence))
      const first = begin(rows)
      const goingOn = new Int32Array(batch)
      const results: Readonly<Record<string, HostArray>>[] = []
      for (let s = 0; s < segments; s++) {
        disturb(rows, s)
        await executable.run({ ...data, ...noises, fresh: s === 0 ? first : goingOn })
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
