/** OutputNet and QHead: what is read off the answer state. D hidden, S puzzle tokens, V vocabulary, T positions. */
import {
  exp,
  log,
  max,
  maximum,
  neg,
  reshape,
  sliceAxis,
  stopGradient,
  sub,
  sum,
  type Tensor,
  unsqueeze,
} from '../ir/index.js'
import {
  type AnyModule,
  defineModule,
  type LinearBiasParameters,
  type LinearParameters,
  linear,
  linearWithBias,
  type Module,
  run,
} from '../nn/index.js'
import { type OutputRule, outputRule, type QRule, qRule } from '../shape/index.js'

export interface OutputOptions<D extends number, V extends number, S extends number> {
  readonly hidden: D
  readonly vocabulary: V
  /** The last S positions are the puzzle's tokens. */
  readonly sequence: S
}

/** Logits of the last S positions: linear without bias. [B, T, D] → [B, S, V] */
export const outputNet = <const D extends number, const V extends number, const S extends number>(
  options: OutputOptions<D, V, S>,
): Module<OutputRule<D, V, S>, LinearParameters<D, V>> => {
  const { hidden, vocabulary, sequence } = options
  const head = linear(hidden, vocabulary) as unknown as AnyModule
  return defineModule({
    name: 'outputNet',
    parameters: head.parameters,
    rule: outputRule(hidden, vocabulary, sequence),
    probe: ['…', hidden],
    compute: (parameters: unknown, x) =>
      run(head, parameters, sliceAxis(x, 1, (x.shape[1] as number) - sequence, sequence)),
  })
}

/**
 * (q_halt, q_continue) of the first position: linear with bias, in f32 always; weights start at 0, the bias at −5.
 * [B, T, D] → [B, 2]
 */
export const qHead = <const D extends number>(options: {
  readonly hidden: D
}): Module<QRule<D>, LinearBiasParameters<D, 2>> => {
  const { hidden } = options
  const head = linearWithBias(hidden, 2, { kind: 'constant', value: 0 }, -5, 'f32') as unknown as AnyModule
  return defineModule({
    name: 'qHead',
    parameters: head.parameters,
    rule: qRule(hidden),
    probe: ['…', hidden],
    compute: (parameters: unknown, x) => run(head, parameters, reshape(sliceAxis(x, 1, 0, 1), [x.shape[0]!, hidden])),
  })
}

/**
 * In the place of a Q head: q_halt is how sure the answer is of its least certain token, and nothing is learnt of it.
 * SE-RRM (arXiv 2603.02193) has the probability; q_halt is its logit, so that q_halt > 0 is more likely than not.
 */
export const confidence = { kind: 'confidence' } as const
export type Confidence = typeof confidence

/** log(p / (1 − p)) with p = min over S of the largest softmax probability, up to 1 − 1e-6. [B, S, V] → [B] */
export const confidenceOf = (logits: Tensor): Tensor => {
  // Of a token, 1/p = Σ exp(x − max x).
  const others = sub(sum(exp(sub(logits, unsqueeze(max(logits, [2]), 2))), [2]), 1)
  return stopGradient(neg(log(maximum(max(others, [1]), 1e-6))))
}
