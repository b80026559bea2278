/** Linear maps of the last dim, and tables of embeddings. */
import { add, dot, gather, type Precision, type Tensor } from '../ir/index.js'
import { type EmbeddingRule, embeddingRule, type LinearRule, linearRule } from '../shape/index.js'
import { defineModule, type Module } from './module.js'
import { type Initialiser, type ParameterSpec, parameter } from './parameters.js'

export type LinearParameters<I extends number, O extends number> = {
  readonly weight: ParameterSpec<[O, I]>
}
export type LinearBiasParameters<I extends number, O extends number> = LinearParameters<I, O> & {
  readonly bias: ParameterSpec<[O]>
}

const linearOf = <F extends LinearRule<number, number>, P extends LinearParameters<number, number>>(
  i: number,
  o: number,
  parameters: P,
  precision?: Precision,
): Module<F, P> =>
  defineModule<F, P>({
    name: `linear(${i} → ${o})`,
    parameters,
    rule: linearRule(i, o),
    probe: ['…', i],
    compute: ({ weight, bias }: { readonly weight: Tensor; readonly bias?: Tensor }, x) => {
      const y = dot(x, weight, [[x.shape.length - 1], [1]], [[], []], precision)
      return bias === undefined ? y : add(y, bias)
    },
  })

/** y = x·Wᵀ. [..., I] → [..., O]; weight [O, I], truncated normal with std 1/√I unless told otherwise. */
export const linear = <const I extends number, const O extends number>(
  i: I,
  o: O,
  weight: Initialiser = { kind: 'truncatedNormal', std: 1 / Math.sqrt(i) },
): Module<LinearRule<I, O>, LinearParameters<I, O>> =>
  linearOf<LinearRule<I, O>, LinearParameters<I, O>>(i, o, { weight: parameter([o, i], weight) })

/** y = x·Wᵀ + b. [..., I] → [..., O]; the bias starts at `bias` everywhere. `precision`: whatever that of a run is. */
export const linearWithBias = <const I extends number, const O extends number>(
  i: I,
  o: O,
  weight: Initialiser = { kind: 'truncatedNormal', std: 1 / Math.sqrt(i) },
  bias = 0,
  precision?: Precision,
): Module<LinearRule<I, O>, LinearBiasParameters<I, O>> =>
  linearOf<LinearRule<I, O>, LinearBiasParameters<I, O>>(
    i,
    o,
    { weight: parameter([o, i], weight), bias: parameter([o], { kind: 'constant', value: bias }) },
    precision,
  )

export type EmbeddingParameters<V extends number, D extends number> = {
  readonly embedding_weight: ParameterSpec<[V, D]>
}

/** Row `id` of a table. i32 [...] → [..., D]; table [V, D], truncated normal with std 1/√D. */
export const embedding = <const V extends number, const D extends number>(
  vocabulary: V,
  width: D,
): Module<EmbeddingRule<V, D>, EmbeddingParameters<V, D>> =>
  defineModule({
    name: `embedding(${vocabulary} × ${width})`,
    parameters: {
      embedding_weight: parameter([vocabulary, width], { kind: 'truncatedNormal', std: 1 / Math.sqrt(width) }),
    },
    takes: 'i32',
    rule: embeddingRule(vocabulary, width),
    probe: ['…'],
    compute: ({ embedding_weight }: { readonly embedding_weight: Tensor }, ids) => gather(embedding_weight, ids),
  })
