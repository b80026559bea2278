/**
 * Mixed precision: contractions whose operands are rounded to f16 while everything between them stays f32. It is a
 * property of the nodes that contract, given to a whole graph at once and after differentiation, so that models, losses and
 * gradients are written without a word of it. Sums of a contraction are f32 always (Micikevicius et al., 2018).
 */
import { node } from './build.js'
import { rebuilt, rewrite } from './rewrite.js'
import type { Graph, Op, OpOf, Precision } from './tensor.js'

const contractions = ['dot', 'attention', 'attentionStatistics', 'attentionBackward'] as const
const isContraction = (op: Op): op is OpOf<(typeof contractions)[number]> =>
  (contractions as readonly string[]).includes(op.kind)

/** The graph with this precision in every contraction that does not name one of its own. */
export const withPrecision = (graph: Graph, precision: Precision): Graph =>
  precision === 'f32'
    ? graph
    : rewrite(graph, (n, inputs) => {
        if (isContraction(n.op)) return node({ precision, ...n.op }, inputs)
        return rebuilt(n, inputs)
      })

const LEAST = 2 ** -14
const MOST = 65504
const bits = new DataView(new ArrayBuffer(4))

/**
 * The f16 nearest to an f32 number, ties to even; ±∞ beyond 65504 and 0 below 2⁻¹⁴, as Vulkan has it. WGSL's `quantizeToF16`
 * leaves open what comes of the former and lets an adapter keep the latter down to 2⁻²⁴, as the type `f16` does.
 */
export const roundToHalf = (x: number): number => {
  bits.setFloat32(0, x)
  const single = bits.getFloat32(0)
  if (!Number.isFinite(single)) return single
  if (Math.abs(single) < LEAST) return 0
  const word = bits.getUint32(0)
  // 13 of the 23 bits go: half of the last place that stays, less one where that place is even.
  bits.setUint32(0, ((word + 0xfff + ((word >>> 13) & 1)) & ~0x1fff) >>> 0)
  const rounded = bits.getFloat32(0)
  return Math.abs(rounded) > MOST ? Math.sign(rounded) * Number.POSITIVE_INFINITY : rounded
}
