/** Whether two players computed the same: every tensor that one wrote, compared with the other's. */
import type { StoredTensors } from '../../src/train/index.js'
import { readTensors } from './tensors.js'

/** Largest relative L2 error; the f32 noise of the oracle's own implementation is a third of these. */
const single = (name: string): number =>
  name.startsWith('final.') ? 3e-5 : name.startsWith('m.') ? 3e-3 : name === 'c' ? 1e-5 : 1e-3

/** Of players that multiply in fewer bits: bf16 has eight, and what they are off by grows from step to step of a segment. */
const rough = (name: string): number => (name.startsWith('final.') ? 2e-3 : name.startsWith('m.') ? 0.3 : 3e-2)

/** Share of answers that may differ: logits that are as good as equal. */
const PREDICTIONS = { single: 5e-3, rough: 5e-2 }

const relativeError = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let [difference, norm] = [0, 0]
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2
    norm += b[i]! ** 2
  }
  return Math.sqrt(difference / Math.max(norm, 1e-30))
}

const shareUnequal = (a: ArrayLike<number>, b: ArrayLike<number>, by = 0): number =>
  Array.from(b).filter((x, i) => !(Math.abs(a[i]! - x) <= by)).length / b.length

/**
 * Sign-SGD moves a weight up or down by its rate, whatever the gradient's size: where that is zero but for rounding, players
 * may part. What is moved so, a share of it that may be elsewhere, by how much the rest may be, and the error of all.
 */
const SIGNED = { name: 'final.puzzle_emb.weights', share: 5e-3, by: 1e-6, error: 1e-3 }

/** What differs most, in words; undefined when all agrees. */
export const agreement = (folder: string, own: string, peer: string): string | undefined => {
  const [ours, theirs]: readonly StoredTensors[] = [readTensors(folder, own), readTensors(folder, peer)]
  const isRough = /-(f16|bf16|tf32)$/.test(peer)
  const tolerance = isRough ? rough : single
  const wrong = Object.entries(ours!).flatMap(([name, { data }]) => {
    const other = theirs![name]?.data
    if (other === undefined || other.length !== data.length)
      return [{ name, error: Number.POSITIVE_INFINITY, most: 0, says: `has ${other?.length ?? 'no'} values` }]
    const isSigned = name === SIGNED.name && !isRough
    const errors =
      name === 'predictions'
        ? [{ error: shareUnequal(other, data), most: PREDICTIONS[isRough ? 'rough' : 'single'] }]
        : [{ error: relativeError(other, data), most: isSigned ? SIGNED.error : tolerance(name) }]
    if (isSigned) errors.push({ error: shareUnequal(other, data, SIGNED.by), most: SIGNED.share })
    return errors
      .filter(({ error, most }) => !(error <= most))
      .map(({ error, most }) => ({
        ...{ name, error, most },
        says: `is off by ${error.toExponential(1)}, allowed ${most}`,
      }))
  })
  const [worst] = wrong.sort((a, b) => b.error / b.most - a.error / a.most)
  return worst && `${worst.name} ${worst.says}; ${wrong.length} of ${Object.keys(ours!).length} tensors`
}
