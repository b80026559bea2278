/** Sizes that only run time knows: nothing is refused that may be right, and what is known stays known. */
import { expectAssignable, expectError, expectType } from 'tsd'
import {
  add,
  addDims,
  attention,
  concat,
  type DType,
  einsum,
  hrm,
  inputNet,
  linear,
  matmul,
  mean,
  multiplyDims,
  pad,
  rearrange,
  reshape,
  residual,
  rmsNorm,
  type Shape,
  seq,
  softmax,
  split,
  stack,
  sum,
  swiglu,
  type Tensor,
  transformerBlock,
  transpose,
} from '../src/index.js'

declare const size: number
declare const name: string
declare const x: Tensor<['batch', 81, 512], 'f32'>
declare const open: Tensor<['batch', 81, number], 'f32'>
declare const any: Tensor<Shape, DType>
declare const some: Tensor<Shape, 'f32'>

// ── one dim is open ─────────────────────────────────────────────────────────────────────────────────────────────────
expectAssignable<Tensor<['batch', 81, 64], 'f32'>>(linear(512, 64).apply(null as never)(open))
expectType<Tensor<['batch', 81, number], 'f32'>>(linear(512, size).apply(null as never)(x))
expectType<Tensor<['batch', 81, 512], 'f32'>>(add(x, open))
expectType<Tensor<['batch', 81, 512], 'f32'>>(add(open, x))
expectType<Tensor<['batch', number], 'f32'>>(sum(open, 1))
expectType<Tensor<['batch', 81, number], 'f32'>>(softmax(open, 2))
expectType<Tensor<['batch', 81, 3], 'f32'>>(matmul(open, null as unknown as Tensor<[512, 3], 'f32'>))
expectType<Tensor<['batch', 8, 81, number], 'f32'>>(reshape(open, ['batch', 8, 81, size]))
expectType<Tensor<['batch', number, 512], 'f32'>>(pad(x, 1, size, 0))
expectType<Tensor<[string, number], 'f32'>>(reshape(x, [name, size]))
expectType<number>(multiplyDims(size, 8))
expectType<string>(addDims('batch', size))
expectError(sum(open, 3))
expectError(add(open, null as unknown as Tensor<['batch', 80, number], 'f32'>))
expectError(linear(512, 64).apply(null as never)(null as unknown as Tensor<[number, 81, 256], 'f32'>))

// ── the rank is open ────────────────────────────────────────────────────────────────────────────────────────────────
expectType<Tensor<Shape, 'f32'>>(mean(some, 2))
expectType<Tensor<Shape, 'f32'>>(add(some, x))
expectType<Tensor<Shape, 'f32'>>(concat(1, some, x))
expectType<Tensor<Shape, 'f32'>>(transpose(some, [1, 0]))
expectType<Tensor<Shape, 'f32'>>(einsum('a b -> b a', some))
expectType<Tensor<Shape, 'f32'>>(rearrange(some, 'a b -> b a'))
expectType<Tensor<Shape, 'f32'>>(rearrange(x, name))
softmax(any, 0)
split(any, 0, size)

// ── modules of open sizes ───────────────────────────────────────────────────────────────────────────────────────────
attention({ hidden: size, heads: 8 })
swiglu({ hidden: size, expansion: 4 })
residual(seq(linear(512, size), rmsNorm(), linear(size, 512)))
expectType<[64, 256]>(
  stack(size, transformerBlock({ hidden: 64, heads: 2 })).parameters.layers[0]!.mlp.down_proj.weight.shape,
)
expectType<['batch', number, 512]>(inputNet({ vocabulary: 11, sequence: size, hidden: 512 }).shape)
hrm({ vocabulary: size, sequence: size, hidden: size, heads: size })
expectError(residual(seq(linear(512, size), linear(size, 511))))
