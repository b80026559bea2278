/** Operations on tensors: the exact type of right ones, and wrong ones refused. Shapes, then element types. */
import { expectError, expectType } from 'tsd'
import {
  abs,
  add,
  and,
  cast,
  div,
  dotProductAttention,
  equal,
  exp,
  gather,
  less,
  lessEqual,
  log,
  log1p,
  matmul,
  max,
  maximum,
  mean,
  min,
  minimum,
  mul,
  neg,
  not,
  or,
  reciprocal,
  rotaryTables,
  rotate,
  rsqrt,
  select,
  sigmoid,
  sign,
  softmax,
  softplus,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
} from '../src/index.js'

type F<S extends readonly (number | string)[]> = Tensor<S, 'f32'>
type X = F<['batch', 81, 512]>
declare const x: X
declare const y: F<['batch', 80, 512]>
declare const column: F<['batch', 81, 1]>
declare const bias: F<[512]>
declare const ids: Tensor<['batch', 81], 'i32'>
declare const mask: Tensor<['batch', 81, 512], 'bool'>

// ── two operands: equal dims, or 1; aligned at the end ──────────────────────────────────────────────────────────────
expectType<X>(add(x, bias))
expectType<X>(add(bias, x))
expectType<X>(sub(x, column))
expectType<X>(mul(x, 2))
expectType<X>(div(column, x))
expectType<X>(maximum(x, x))
expectType<X>(minimum(x, 0))
expectType<Tensor<['batch', 81], 'i32'>>(add(ids, 1))
expectError(add(x, y))
expectError(sub(x, y))
expectError(mul(x, y))
expectError(div(x, y))
expectError(maximum(x, y))
expectError(minimum(x, y))
expectError(sub(x, cast(x, 'i32')))
expectError(mul(cast(x, 'i32'), x))
expectError(div(x, mask))
expectError(maximum(ids, cast(ids, 'f32')))
expectError(minimum(ids, cast(ids, 'bool')))
expectError(add(x, '2'))
expectError(add(x, mask))
expectError(sub(mask, 1))
expectError(add(x, ids))
expectError(add(mask, mask))

type Mask = Tensor<['batch', 81, 512], 'bool'>
expectType<Mask>(less(x, 0))
expectType<Mask>(lessEqual(x, column))
expectType<Tensor<['batch', 81], 'bool'>>(equal(ids, 3))
expectType<Mask>(and(mask, mask))
expectType<Mask>(or(mask, less(x, bias)))
expectType<Mask>(not(mask))
expectError(less(x, y))
expectError(lessEqual(x, y))
expectError(equal(x, ids))
expectError(and(mask, x))
expectError(or(x, mask))
expectError(not(x))
expectError(not(ids))
expectError(less(mask, mask))
expectError(lessEqual(x, cast(x, 'i32')))
expectError(equal(x, y))
expectError(and(mask, null as unknown as Tensor<[511], 'bool'>))
expectError(or(mask, null as unknown as Tensor<[511], 'bool'>))
expectError(and(mask, 1))
expectType<Mask>(and(mask, null as unknown as Tensor<[512], 'bool'>))

expectType<X>(select(mask, x, 0))
expectType<X>(select(less(column, 0), x, bias))
expectError(select(x, x, 0))
expectError(select(mask, x, y))
expectError(select(mask, x, ids))

// ── one operand ─────────────────────────────────────────────────────────────────────────────────────────────────────
expectType<X>(neg(x))
expectType<X>(abs(x))
expectType<X>(sign(x))
expectType<X>(exp(x))
expectType<X>(log(x))
expectType<X>(log1p(x))
expectType<X>(sqrt(x))
expectType<X>(rsqrt(x))
expectType<X>(reciprocal(x))
expectType<X>(sigmoid(x))
expectType<X>(softplus(x))
expectType<X>(square(x))
expectError(neg(ids))
expectError(abs(mask))
expectError(sign(ids))
expectError(exp(ids))
expectError(log(ids))
expectError(log1p(ids))
expectError(sqrt(ids))
expectError(rsqrt(ids))
expectError(reciprocal(ids))
expectError(sigmoid(mask))
expectError(softplus(ids))
expectError(square(mask))

expectType<Tensor<['batch', 81], 'f32'>>(cast(ids, 'f32'))
expectError(cast(ids, 'f16'))
expectType<Tensor<['batch', 81], 'i32'>>(stopGradient(ids))
expectError(stopGradient(3))

// ── along one axis ──────────────────────────────────────────────────────────────────────────────────────────────────
expectType<F<['batch', 512]>>(sum(x, 1))
expectType<F<['batch', 81]>>(mean(x, 2))
expectType<F<[81, 512]>>(max(x, 0))
expectType<F<['batch', 81]>>(min(x, 2))
expectType<X>(softmax(x, 2))
expectError(sum(x, 3))
expectError(mean(ids, 0))
expectError(max(x, -1))
expectError(min(x, 3))
expectError(softmax(x, 3))
expectError(softmax(ids, 1))
expectError(sum(ids, 1))
expectError(mean(x, 3))
expectError(max(ids, 1))
expectError(min(mask, 1))
expectError(sum(x, 0.5))
expectError(sum(bias, 1))
expectType<F<[]>>(sum(bias, 0))
expectType<F<[]>>(sum(mean(mean(x, 2), 1), 0))

// ── products and tables ─────────────────────────────────────────────────────────────────────────────────────────────
declare const weight: F<[512, 3]>
declare const keys: F<['batch', 512, 81]>
expectType<F<['batch', 81, 3]>>(matmul(x, weight))
expectType<F<['batch', 81, 81]>>(matmul(x, keys))
expectError(matmul(x, x))
expectError(matmul(weight, bias))
expectError(matmul(x, null as unknown as F<['rows', 512, 81]>))
expectError(matmul(ids, weight))

declare const table: F<[11, 512]>
expectType<X>(gather(table, ids))
expectError(gather(x, x))
expectError(gather(null as unknown as F<[]>, ids))
expectType<Tensor<['batch', 81, 3], 'bool'>>(gather(null as unknown as Tensor<[11, 3], 'bool'>, ids))
expectType<F<['batch', 81]>>(gather(bias, ids))
expectType<F<[512]>>(gather(table, null as unknown as Tensor<[], 'i32'>))
expectError(matmul(x, cast(weight, 'i32')))
expectError(matmul(x, 2))

// ── attention ───────────────────────────────────────────────────────────────────────────────────────────────────────
declare const q: F<['batch', 81, 8, 64]>
declare const k: F<['batch', 900, 8, 64]>
declare const v: F<['batch', 900, 8, 32]>
expectType<F<['batch', 81, 8, 64]>>(dotProductAttention(q, q, q))
expectType<F<['batch', 81, 8, 32]>>(dotProductAttention(q, k, v))
expectError(dotProductAttention(q, v, v))
expectError(dotProductAttention(q, k, q))
expectError(dotProductAttention(x, x, x))
expectError(dotProductAttention(q, cast(q, 'i32'), q))
expectError(dotProductAttention(cast(q, 'i32'), q, q))

expectType<F<['batch', 81, 8, 64]>>(rotate(q, rotaryTables(81, 64)))
expectType<F<[82, 1, 64]>>(rotaryTables(82, 64).cosine)
expectError(rotaryTables(82, 63))
expectError(rotate(q, rotaryTables(82, 64)))
expectError(rotate(q, rotaryTables(81, 32)))
expectError(rotate(cast(q, 'i32'), rotaryTables(81, 64)))
expectError(rotate(null as unknown as F<[8, 64]>, rotaryTables(81, 64)))
expectType<F<[81, 8, 64]>>(rotate(null as unknown as F<[81, 8, 64]>, rotaryTables(81, 64)))
