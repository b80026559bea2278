/** Modules and what is made of them: right ones with their exact types, and wrong ones refused. */
import { expectError, expectType } from 'tsd'
import {
  attention,
  block,
  convSwiglu,
  embedding,
  flow,
  less,
  linear,
  linearWithBias,
  mul,
  named,
  overPositions,
  overSymbols,
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

expectError(linear(512, 64).apply(null as never)(ids))
expectError(attention({ hidden: 512, heads: 8 }).apply(null as never)(ids))
expectError(attention({ hidden: 512, heads: 8 }).apply(null as never)(null as unknown as F<['batch', 512]>))
expectError(swiglu({ hidden: 512, expansion: 4 }).apply(null as never)(null as unknown as Tensor<[512], 'i32'>))
expectError(linear(512, 64).apply(null as never)(null as unknown as F<[]>))
expectError(linear('512', 64))
expectError(linearWithBias(512, '64'))
expectError(embedding(11))
expectType<X>(convSwiglu({ hidden: 512, expansion: 4 }).apply(null as never)(x))
expectError(convSwiglu({ hidden: 512, expansion: 4 }).apply(null as never)(narrow))
expectType<[1536]>(convSwiglu({ hidden: 512, expansion: 4 }).parameters.dwconv.bias.shape)
expectError(swiglu({ hidden: 512 }))
expectError(swiglu({ hidden: 512, expansion: 0 }))
expectError(convSwiglu({ hidden: 512, expansion: -4 }))
expectError(transformerBlock({ hidden: 512, heads: 8, expansion: -1 }))
expectError(stack(0, linear(512, 512)))
expectError(stack(-1, linear(512, 512)))
expectError(stack(1.5, linear(512, 512)))
expectError(attention({ hidden: 512, heads: 0 }))
expectType<F<[64]>>(linear(512, 64).apply(null as never)(null as unknown as F<[512]>))
expectType<F<['batch', 3, 3, 64]>>(linear(512, 64).apply(null as never)(null as unknown as F<['batch', 3, 3, 512]>))
expectType<F<['rows', 512]>>(embedding(11, 512).apply(null as never)(null as unknown as Tensor<['rows'], 'i32'>))
expectType<[512, 1536]>(swiglu({ hidden: 512, expansion: 4 }).parameters.down_proj.weight.shape)
expectType<[1024, 64]>(swiglu({ hidden: 64, expansion: 8 }).parameters.gate_up_proj.weight.shape)

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

// Leading axes are rows of their own; over symbols the axis before the positions takes their place.
declare const board: F<['batch', 11, 81, 512]>
expectType<F<['batch', 11, 81, 512]>>(attention({ hidden: 512, heads: 8, rotary: 'grid' }).apply(null as never)(board))
const narrowHeads = attention({ hidden: 512, heads: 2, width: 128 })
expectType<[384, 512]>(narrowHeads.parameters.qkv_proj.weight.shape)
expectType<[512, 128]>(narrowHeads.parameters.o_proj.weight.shape)
expectType<F<['batch', 11, 81, 512]>>(overSymbols(narrowHeads).apply(null as never)(board))
expectType<F<['batch', 11, 81, 512]>>(
  seq(residual(narrowHeads), overSymbols(residual(narrowHeads))).apply(null as never)(board),
)
expectType<F<[3, 81, 64]>>(overSymbols(linear(512, 64)).apply(null as never)(null as unknown as F<[3, 81, 512]>))
expectType<F<['batch', 4, 81, 512]>>(overSymbols(overPositions(linear(11, 4))).apply(null as never)(board))
expectError(attention({ hidden: 512, heads: 3, width: 128 }))
expectError(attention({ hidden: 512, heads: 256, rotary: 'grid' }))
expectError(attention({ hidden: 512, heads: 8, rotary: 'square' }))
expectError(overSymbols(attention({ hidden: 256, heads: 8 })).apply(null as never)(board))
expectError(overSymbols(linear(512, 64)).apply(null as never)(null as unknown as F<['batch', 512]>))

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
expectError(
  block({
    name: 'mask',
    input: ['batch', 81, 512],
    parts: {},
    compute: (_, y) => less(y, 0),
  }),
)
expectError(
  block({
    name: 'lost',
    input: ['batch', 81, 512],
    parts: { value: linear(512, 64) },
    compute: ({ gate }, y) => gate(y),
  }),
)
expectType<[64, 512]>(stack(3, residual(seq(gated, linear(64, 512)))).parameters.layers[2][0].gate.weight.shape)
expectError(residual(gated))
expectError(residual(seq(gated, linear(63, 512))))

// Wrong deep inside: refused where the wrong part stands.
expectError(stack(4, postNorm(residual(seq(linear(512, 256), stack(2, residual(linear(255, 256))), linear(256, 512))))))
expectError(residual(embedding(11, 512)))
expectError(stack(2, seq(linear(512, 256), silu())))
expectError(named('mlp', residual(linear(512, 64))))
expectError(overPositions(swiglu({ hidden: 81, expansion: 4 })).apply(null as never)(null as unknown as F<[81]>))
expectError(flow(linear(512, 8).apply(null as never), embedding(8, 64).apply(null as never)))
expectError(flow(linear(512, 8)))
expectError(seq())
expectError(seq(linear(512, 8).apply(null as never)))
expectType<X>(flow(silu().apply(null as never), rmsNorm().apply(null as never))(x))
expectError(rmsNorm('0'))
expectError(silu(1))
expectError(postNorm(3))
expectError(preNorm(x))
