/** Views of a tensor and tensors joined: the exact type of right ones, and wrong ones refused. */
import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'
import {
  broadcastTo,
  cast,
  concat,
  input,
  pad,
  reshape,
  slice,
  split,
  type Tensor,
  transpose,
  unsqueeze,
} from '../src/index.js'

type F<S extends readonly (number | string)[]> = Tensor<S, 'f32'>
declare const x: F<['batch', 81, 512]>
declare const ids: Tensor<['batch', 81], 'i32'>

expectType<F<['batch', 81]>>(input('x', ['batch', 81], 'f32', 'streamed'))
expectError(input('x', ['batch', 81], 'f16', 'streamed'))

// ── views ───────────────────────────────────────────────────────────────────────────────────────────────────────────
expectType<F<['batch', 1, 512]>>(slice(x, 1, 80, 1))
expectError(slice(x, 1, 80, 2))
expectError(slice(x, 3, 0, 1))
expectError(slice(x, 0, 0, 1))

expectType<[F<['batch', 81, 256]>, F<['batch', 81, 256]>]>(split(x, 2, 2))
expectType<[F<['batch', 80, 512]>, F<['batch', 1, 512]>]>(split(x, 1, [80, 1]))
expectError(split(x, 2, 3))
expectError(split(x, 1, [80, 2]))
expectError(split(x, 3, 1))

expectType<F<['batch', 85, 512]>>(pad(x, 1, 1, 3))
expectError(pad(x, 0, 1, 0))
expectError(pad(x, 3, 1, 0))

expectType<F<['batch', 81, 8, 64]>>(reshape(x, ['batch', 81, 8, 64]))
expectType<F<[41472, 'batch']>>(reshape(x, [41472, 'batch']))
expectType<F<['41472·batch']>>(reshape(x, ['41472·batch']))
expectError(reshape(x, ['batch', 81, 511]))
expectError(reshape(x, [81, 512]))
expectError(reshape(x, ['rows', 81, 512]))

expectType<F<[1, 'batch', 81, 512]>>(unsqueeze(x, 0))
expectType<Tensor<['batch', 81, 1], 'i32'>>(unsqueeze(ids, 2))
expectError(unsqueeze(ids, 3))

expectType<F<['batch', 7, 11]>>(broadcastTo(null as unknown as F<[7, 1]>, ['batch', 7, 11]))
expectError(broadcastTo(x, ['batch', 81, 1024]))
expectError(broadcastTo(x, [81, 512]))

expectType<F<[512, 'batch', 81]>>(transpose(x, [2, 0, 1]))
expectError(transpose(x, [0, 1]))
expectError(transpose(x, [0, 1, 1]))
expectError(transpose(x, [0, 1, 3]))

// ── joins ───────────────────────────────────────────────────────────────────────────────────────────────────────────
expectType<F<['batch', 82, 512]>>(concat(1, slice(x, 1, 0, 1), x))
expectType<F<['batch', 243, 512]>>(concat(1, x, x, x))
expectError(concat(2, slice(x, 1, 0, 1), x))
expectError(concat(0, x, x))
expectError(concat(1, ids, reshape(x, ['batch', 41472])))
expectError(concat(1, x, x, ids))
expectType<F<['batch', 81, 512]>>(concat(1, x))
expectType<Tensor<['batch', 162], 'i32'>>(concat(1, ids, ids))
expectType<F<['batch', 81, 515]>>(concat(2, x, null as unknown as F<['batch', 81, 3]>))
expectError(concat(-1, x, x))
expectError(concat(3, x, x))
expectError(concat(1, x, cast(x, 'i32')))
expectError(concat('1', x, x))

// ── element types stay, and are what is wanted ──────────────────────────────────────────────────────────────────────
declare const mask: Tensor<['batch', 81, 512], 'bool'>
expectType<Tensor<['batch', 81, 1], 'bool'>>(slice(mask, 2, 511, 1))
expectType<[Tensor<['batch', 80], 'i32'>, Tensor<['batch', 1], 'i32'>]>(split(ids, 1, [80, 1]))
expectType<Tensor<['batch', 83], 'i32'>>(pad(ids, 1, 0, 2))
expectType<Tensor<['81·batch'], 'i32'>>(reshape(ids, ['81·batch']))
expectType<Tensor<[81, 'batch'], 'i32'>>(transpose(ids, [1, 0]))
expectType<Tensor<[2, 'batch', 81], 'i32'>>(broadcastTo(ids, [2, 'batch', 81]))
expectType<F<['batch', 3]>>(broadcastTo(null as unknown as F<[]>, ['batch', 3]))
expectAssignable<F<['batch', 81, 512]>>(slice(x, 2, 0, 512))
expectNotAssignable<F<['batch', 81, 512]>>(slice(mask, 2, 0, 512))
expectNotAssignable<F<['batch', 81, 512]>>(slice(x, 2, 0, 511))

// A tuple of parts has as many as were asked for.
const parts = split(x, 2, [500, 12])
expectType<2>(parts.length)
expectType<8>(split(x, 2, 8).length)
