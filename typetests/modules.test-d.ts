/** Modules, what is made of them, and their parameters: right ones with their exact types, and wrong ones refused. */
import { expectError, expectType } from 'tsd'
import {
  attention,
  type Bound,
  bindParameters,
  block,
  demandCheckpoint,
  embedding,
  flow,
  linear,
  linearWithBias,
  mul,
  named,
  overPositions,
  parameterShapes,
  postNorm,
  preNorm,
  residual,
  rmsNorm,
  seq,
  sigmoid,
  silu,
  stack,
  swiglu,
  type Tensor,
  transformerBlock,
} from '../src/index.js'

type F<S extends readonly (number | string)[]> = Tensor<S, 'f32'>
type X = F<['batch', 81, 512]>
declare const x: X
declare const narrow: F<['batch', 81, 256]>
declare const ids: Tensor<['batch', 81], 'i32'>

// ── layers ──────────────────────────────────────────────────────────────────────────────────────────────────────────
expectType<F<['batch', 81, 64]>>(linear(512, 64).apply(null as never)(x))
expectType<F<['batch', 81, 64]>>(linearWithBias(512, 64).apply(null as never)(x))
expectType<X>(embedding(11, 512).apply(null as never)(ids))
expectType<X>(rmsNorm().apply(null as never)(x))
expectType<X>(silu().apply(null as never)(x))
expectType<X>(attention({ hidden: 512, heads: 8, rotary: true }).apply(null as never)(x))
expectType<X>(swiglu({ hidden: 512, expansion: 4 }).apply(null as never)(x))
expectType<X>(transformerBlock({ hidden: 512, heads: 8 }).apply(null as never)(x))
expectError(linear(512, 64).apply(null as never)(narrow))
expectError(linearWithBias(512, 64).apply(null as never)(narrow))
expectError(embedding(11, 512).apply(null as never)(x))
expectError(rmsNorm().apply(null as never)(ids))
expectError(silu().apply(null as never)(ids))
expectError(attention({ hidden: 512, heads: 8 }).apply(null as never)(narrow))
expectError(attention({ hidden: 512, heads: 7 }))
expectError(attention({ hidden: 24, heads: 8, rotary: true }))
attention({ hidden: 24, heads: 8 })
expectError(swiglu({ hidden: 512, expansion: 4 }).apply(null as never)(narrow))
expectError(transformerBlock({ hidden: 512, heads: 7 }))
expectError(transformerBlock({ hidden: 24, heads: 8, rotary: true }))

// ── made of modules ─────────────────────────────────────────────────────────────────────────────────────────────────
const mlp = seq(linear(512, 1536), silu(), linear(1536, 64))
expectType<F<['batch', 81, 64]>>(mlp.apply(null as never)(x))
expectType<[64, 1536]>(mlp.parameters[2].weight.shape)
expectError(seq(linear(512, 1536), silu(), linear(1535, 64)))
expectError(seq(linear(512, 11), embedding(11, 512)))
expectError(residual(linear(512, 64)))
expectError(stack(2, linear(512, 64)))
expectError(postNorm(residual(seq(linear(512, 256), linear(255, 512)))))
expectError(preNorm(linear(512, 64)).apply(null as never)(narrow))
expectType<F<['batch', 81, 64]>>(preNorm(linear(512, 64)).apply(null as never)(x))
expectType<F<['batch', 81, 64]>>(flow(linear(512, 8).apply(null as never), linear(8, 64).apply(null as never))(x))
expectError(flow(linear(512, 8).apply(null as never), linear(9, 64).apply(null as never)))

const layer = seq(
  named('self_attn', postNorm(residual(attention({ hidden: 512, heads: 8, rotary: true })))),
  named('mlp', postNorm(residual(swiglu({ hidden: 512, expansion: 4 })))),
)
expectType<[1536, 512]>(layer.parameters.self_attn.qkv_proj.weight.shape)
expectType<[3072, 512]>(layer.parameters.mlp.gate_up_proj.weight.shape)
expectError(layer.parameters.ffn)
const levels = stack(4, layer)
expectType<X>(levels.apply(null as never)(x))
expectType<[512, 1536]>(levels.parameters.layers[3].mlp.down_proj.weight.shape)
expectType<4>(levels.parameters.layers.length)

expectType<X>(overPositions(swiglu({ hidden: 81, expansion: 4 })).apply(null as never)(x))
expectError(overPositions(swiglu({ hidden: 82, expansion: 4 })).apply(null as never)(x))

const gated = block({
  name: 'gated',
  input: ['batch', 81, 512],
  parts: { value: linear(512, 64), gate: linear(512, 64) },
  compute: ({ value, gate }, y) => mul(sigmoid(gate(y)), value(y)),
})
expectType<F<['batch', 81, 64]>>(gated.apply(null as never)(x))
expectType<[64, 512]>(gated.parameters.gate.weight.shape)
expectError(gated.apply(null as never)(narrow))
expectError(
  block({
    name: 'gated',
    input: ['batch', 81, 512],
    parts: { value: linear(512, 64), gate: linear(512, 32) },
    compute: ({ value, gate }, y) => mul(sigmoid(gate(y)), value(y)),
  }),
)

// ── parameters ──────────────────────────────────────────────────────────────────────────────────────────────────────
declare const weight: F<[64, 512]>
expectType<F<['batch', 81, 64]>>(linear(512, 64).apply({ weight })(x))
expectType<F<[64, 512]>>((null as unknown as Bound<typeof mlp.parameters>)[0].weight as never as F<[64, 512]>)
expectError(linear(64, 512).apply({ weight }))
expectError(linearWithBias(512, 64).apply({ weight }))
expectError(linear(512, 64).apply({ bias: weight }))

const bound = bindParameters(mlp.parameters, () => null as never)
expectType<F<[1536, 512]>>(bound[0].weight)
expectType<F<['batch', 81, 64]>>(mlp.apply(bound)(x))
expectError(layer.apply(bound))

expectType<{ readonly weight: [64, 512]; readonly bias: [64] }>(parameterShapes(linearWithBias(512, 64).parameters))
demandCheckpoint(linearWithBias(512, 64).parameters, { weight: [64, 512], bias: [64] })
expectError(demandCheckpoint(linearWithBias(512, 64).parameters, { weight: [512, 64], bias: [64] }))
expectError(demandCheckpoint(linearWithBias(512, 64).parameters, { weight: [64, 512] }))
expectError(demandCheckpoint(linear(512, 64).parameters, { weight: [64, 512], bias: [64] }))
demandCheckpoint(linear(512, 64).parameters, null as unknown as Readonly<Record<string, readonly number[]>>)
