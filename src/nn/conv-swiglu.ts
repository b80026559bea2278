/**
 * SwiGLU that looks one position back, as URM has it (arXiv 2512.14693): after the gate a depthwise convolution over two
 * positions. D hidden, T positions.
 */
import { add, mul, pad, reshape, sliceAxis, type Tensor } from '../ir/index.js'
import {
  demandWidening,
  type SwigluRule,
  type SwigluWidth,
  swigluRule,
  swigluWidth,
  type Widening,
} from '../shape/index.js'
import type { SwigluOptions, SwigluParameters } from './attention.js'
import { linear } from './linear.js'
import { type AnyModule, defineModule, type Module, run } from './module.js'
import { siluOf } from './norm.js'
import { type ParameterSpec, parameter } from './parameters.js'

export type ConvSwigluParameters<D extends number, Inter extends number> = SwigluParameters<D, Inter> & {
  readonly dwconv: { readonly weight: ParameterSpec<[Inter, 1, 2]>; readonly bias: ParameterSpec<[Inter]> }
}

/**
 * h = silu(gate)·up; down(silu(w₀·h_{t−1} + w₁·h_t + b)), with nothing before the first position. [..., T, D] → the same.
 */
export const convSwiglu = <const D extends number, const E extends number>(
  options: SwigluOptions<D, Widening<'convSwiglu', E> & E>,
): Module<SwigluRule<D, SwigluWidth<D, E>>, ConvSwigluParameters<D, SwigluWidth<D, E>>> => {
  const { hidden, expansion } = options as SwigluOptions<number, number>
  const inter = swigluWidth(hidden, expansion)
  demandWidening('convSwiglu', expansion, inter)
  const [gateUp, down]: readonly AnyModule[] = [linear(hidden, 2 * inter), linear(inter, hidden)]
  return defineModule({
    name: `convSwiglu(${hidden})`,
    parameters: {
      gate_up_proj: gateUp!.parameters,
      dwconv: {
        weight: parameter([inter, 1, 2], { kind: 'truncatedNormal', std: Math.SQRT1_2 }),
        bias: parameter([inter], { kind: 'constant', value: 0 }),
      },
      down_proj: down!.parameters,
    },
    rule: swigluRule(hidden, inter),
    probe: ['…', hidden],
    compute: ({ gate_up_proj, dwconv, down_proj }: Bound, x) => {
      const both = run(gateUp!, gate_up_proj, x)
      const width = x.shape.length - 1
      const [gate, up] = [sliceAxis(both, width, 0, inter), sliceAxis(both, width, inter, inter)]
      const h = mul(siluOf(gate), up)
      const tap = (i: number) => reshape(sliceAxis(dwconv.weight, 2, i, 1), [inter])
      const here = add(mul(h, tap(1)), dwconv.bias)
      return run(down!, down_proj, siluOf(add(here, mul(oneBack(h), tap(0)))))
    },
  })
}

interface Bound {
  readonly gate_up_proj: unknown
  readonly dwconv: { readonly weight: Tensor; readonly bias: Tensor }
  readonly down_proj: unknown
}

/** Every position's predecessor; of the first, and of a lone vector, zeros. */
const oneBack = (h: Tensor): Tensor => {
  const axis = h.shape.length - 2
  if (axis < 0) return mul(h, 0)
  const onAxis = (n: number) => h.shape.map((_, i) => (i === axis ? n : 0))
  return pad(sliceAxis(h, axis, 0, (h.shape[axis] as number) - 1), onAxis(1), onAxis(0))
}
