/** Random graphs over every kind of op that computes in place, for property tests: same seed, same graph. */
import { randomOf } from '../../src/data/index.js'
import type { Tensor } from '../../src/ir/index.js'
import * as ir from '../../src/ir/index.js'

type Numbers = readonly number[]
const shapeOf = (t: Tensor): Numbers => t.shape as Numbers
const count = (shape: Numbers) => shape.reduce((a, b) => a * b, 1)
const MOST = 2048

export const randomGraph = (
  seed: number,
  operations: number,
): { readonly outputs: Record<string, Tensor>; readonly inputs: Record<string, Float32Array | Int32Array> } => {
  const random = randomOf(seed)
  const pick = <A>(items: readonly A[]): A => items[random.below(items.length)]!
  const size = () => pick([1, 2, 3, 4, 5, 8, 12, 17, 64])
  const inputs: Record<string, Float32Array | Int32Array> = {}
  const fresh = (shape: Numbers): Tensor => {
    const name = `x${Object.keys(inputs).length}`
    inputs[name] = Float32Array.from({ length: count(shape) }, () => random.below(2001) / 1000 - 1)
    return ir.input(name, shape, 'f32', 'streamed')
  }
  const ids = (shape: Numbers, rows: number): Tensor => {
    const name = `i${Object.keys(inputs).length}`
    inputs[name] = Int32Array.from({ length: count(shape) }, () => random.below(rows))
    return ir.input(name, shape, 'i32', 'streamed')
  }
  const pool: Tensor[] = [fresh([size(), size()]), fresh([3, size()]), fresh([2, 4, size()])]
  const axisOf = (t: Tensor) => random.below(t.shape.length)
  const withRank = (least: number) => pick(pool.filter((t) => t.shape.length >= least))
  const like = (t: Tensor) => pick([...pool.filter((o) => String(o.shape) === String(t.shape)), fresh(shapeOf(t))])

  const step = (): Tensor => {
    const x = pick(pool)
    switch (random.below(16)) {
      case 0:
        return pick([ir.neg, ir.abs, ir.sigmoid, ir.softplus])(x)
      case 1:
        return ir.exp(ir.sub(ir.sigmoid(x), 1))
      case 2:
        return ir.rsqrt(ir.add(ir.square(x), 0.5))
      case 3:
        return pick([ir.add, ir.sub, ir.maximum, ir.minimum])(x, like(x))
      case 4:
        return ir.mul(x, ir.sigmoid(like(x)))
      case 5:
        return ir.select(ir.less(x, like(x)), x, 0.25)
      case 6: {
        const y = withRank(1)
        return ir.transpose(y, random.permutation(y.shape.length))
      }
      case 7: {
        const y = withRank(1)
        const axis = axisOf(y)
        const length = shapeOf(y)[axis]!
        const start = random.below(length)
        return ir.sliceAxis(y, axis, start, 1 + random.below(length - start))
      }
      case 8: {
        const y = withRank(1)
        const axis = axisOf(y)
        const amount = pick([1, 3, 4])
        const at = (n: number) => y.shape.map((_, i) => (i === axis ? n : 0))
        return ir.pad(y, at(amount), at(pick([0, 2, 4])))
      }
      case 9: {
        const y = withRank(2)
        const [a, ...rest] = shapeOf(y)
        return pick([ir.reshape(y, [count(shapeOf(y))]), ir.reshape(y, [a! * rest[0]!, ...rest.slice(1)])])
      }
      case 10: {
        const grown = [pick([2, 3]), ...shapeOf(x)]
        return ir.broadcastTo(x, grown)
      }
      case 11: {
        const y = withRank(1)
        const axes = y.shape.map((_, i) => i).filter(() => random.below(2) === 1)
        return pick([ir.sum, ir.max, ir.min])(y, axes.length > 0 ? axes : [y.shape.length - 1])
      }
      case 12: {
        // What a norm does: a reduction and its use over the same rows.
        const y = withRank(1)
        const last = y.shape.length - 1
        return ir.mul(y, ir.unsqueeze(ir.rsqrt(ir.add(ir.mean(ir.square(y), [last]), 1e-3)), last))
      }
      case 13: {
        const y = withRank(2)
        const k = shapeOf(y).at(-1)!
        const n = size()
        const last = y.shape.length - 1
        return random.below(2) === 0
          ? ir.mul(ir.dot(y, fresh([n, k]), [[last], [1]]), 0.3)
          : ir.mul(ir.dot(fresh([shapeOf(y)[0]!, n]), y, [[0], [0]]), 0.3)
      }
      case 14: {
        const y = withRank(2)
        return ir.gather(y, ids([size()], shapeOf(y)[0]!))
      }
      default: {
        const y = withRank(2)
        return ir.scatterAdd(ids([shapeOf(y)[0]!], 5), y, 5)
      }
    }
  }
  for (let i = 0; i < operations; i++) {
    const next = step()
    if (next.shape.length <= 4 && count(shapeOf(next)) <= MOST) pool.push(next)
  }
  const outputs = Object.fromEntries(pool.slice(-3).map((t, i) => [`out${i}`, t]))
  return { outputs, inputs }
}
