/** What the compiler knows of right programs: shapes and types as they are shown when hovering. */
import { expectAssignable, expectError, expectType } from 'tsd'
import {
  add,
  attention,
  type Bound,
  concat,
  embedding,
  gather,
  inputNet,
  less,
  linear,
  matmul,
  mean,
  mul,
  named,
  postNorm,
  reshape,
  residual,
  rmsNorm,
  seq,
  silu,
  slice,
  stack,
  sum,
  swiglu,
  type Tensor,
  transformerBlock,
  transpose,
} from '../src/index.js'

declare const x: Tensor<['batch', 81, 512], 'f32'>
declare const ids: Tensor<['batch', 81], 'i32'>
declare const bias: Tensor<[512], 'f32'>
declare const someNumber: number
declare const unknownWidth: Tensor<['batch', 81, number], 'f32'>

// ── operations ──────────────────────────────────────────────────────────────────────────────────────────────────────
expectType<Tensor<['batch', 81, 512], 'f32'>>(add(x, bias))
expectType<Tensor<['batch', 81, 512], 'f32'>>(mul(x, 2))
expectType<Tensor<['batch', 81, 512], 'bool'>>(less(x, 0))
expectType<Tensor<['batch', 82, 512], 'f32'>>(concat(1, slice(x, 1, 0, 1), x))
expectType<Tensor<['batch', 81, 8, 64], 'f32'>>(reshape(x, ['batch', 81, 8, 64]))
expectType<Tensor<[41472, 'batch'], 'f32'>>(reshape(x, [41472, 'batch']))
expectType<Tensor<[512, 'batch', 81], 'f32'>>(transpose(x, [2, 0, 1]))
expectType<Tensor<['batch', 512], 'f32'>>(sum(x, 1))
expectType<Tensor<['batch', 81], 'f32'>>(mean(x, 2))
expectType<Tensor<['batch', 81, 3], 'f32'>>(matmul(x, null as unknown as Tensor<[512, 3], 'f32'>))
expectType<Tensor<['batch', 81, 512], 'f32'>>(gather(null as unknown as Tensor<[11, 512], 'f32'>, ids))
expectError(add(x, ids))
expectError(sum(ids, 0))
expectError(gather(x, x))

// ── modules ─────────────────────────────────────────────────────────────────────────────────────────────────────────
const mlp = seq(linear(512, 1536), silu(), linear(1536, 64))
expectType<Tensor<['batch', 81, 64], 'f32'>>(mlp.apply(null as never)(x))
expectType<Tensor<[512, 1536], 'f32'>>(
  (null as unknown as Bound<typeof mlp.parameters>)[2].weight as never as Tensor<[512, 1536], 'f32'>,
)
expectType<[64, 1536]>(mlp.parameters[2].weight.shape)

const block = seq(
  named('self_attn', postNorm(residual(attention({ hidden: 512, heads: 8, rotary: true })))),
  named('mlp', postNorm(residual(swiglu({ hidden: 512, expansion: 4 })))),
)
expectType<[1536, 512]>(block.parameters.self_attn.qkv_proj.weight.shape)
expectType<[3072, 512]>(block.parameters.mlp.gate_up_proj.weight.shape)
expectType<Tensor<['batch', 81, 512], 'f32'>>(stack(4, block).apply(null as never)(x))
expectType<[512, 1536]>(
  stack(4, transformerBlock({ hidden: 512, heads: 8 })).parameters.layers[0]!.mlp.down_proj.weight.shape,
)
expectType<Tensor<['batch', 81, 512], 'f32'>>(embedding(11, 512).apply(null as never)(ids))
expectError(linear(512, 64).apply({ weight: bias }))

// ── sizes in constants stay literal, whatever they are nested in ────────────────────────────────────────────────────
const hidden = 64
const nested = residual(seq(linear(hidden, 256), linear(256, hidden)))
expectType<[256, 64]>(nested.parameters[0].weight.shape)
expectError(residual(seq(linear(hidden, 256), linear(256, 65))))

// ── computed dims ───────────────────────────────────────────────────────────────────────────────────────────────────
const sizes = { vocabulary: 11, sequence: 900 } as const
expectType<['batch', 901, 512]>(inputNet({ ...sizes, hidden: 512, puzzleEmbedding: 512 }).shape)
expectType<['batch', 903, 32]>(inputNet({ ...sizes, hidden: 32, puzzleEmbedding: 80 }).shape)
expectType<['batch', 900, 512]>(inputNet({ ...sizes, hidden: 512 }).shape)

// ── `number` is left to run time ────────────────────────────────────────────────────────────────────────────────────
expectAssignable<Tensor<['batch', 81, 64], 'f32'>>(linear(512, 64).apply(null as never)(unknownWidth))
expectType<Tensor<['batch', 81, number], 'f32'>>(linear(512, someNumber).apply(null as never)(x))
expectType<Tensor<['batch', 81, 512], 'f32'>>(add(x, unknownWidth))
attention({ hidden: someNumber, heads: 8 })
residual(seq(linear(512, someNumber), rmsNorm(), linear(someNumber, 512)))
reshape(unknownWidth, ['batch', 81, 8, 64])
