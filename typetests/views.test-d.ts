/** Views, joins, patterns and computed dims: the exact type of right ones, and wrong ones refused. */
import { expectError, expectType } from 'tsd'
import {
  addDims,
  broadcastTo,
  ceilDivideDims,
  concat,
  divideDims,
  einsum,
  input,
  multiplyDims,
  pad,
  rearrange,
  reshape,
  roundUpDims,
  slice,
  split,
  type Tensor,
  transpose,
  unsqueeze,
} from '../src/index.js'

type F<S extends readonly (number | string)[]> = Tensor<S, 'f32'>
declare const x: F<['batch', 81, 512]>
declare const ids: Tensor<['batch', 81], 'i32'>
declare const weight: F<[512, 11]>

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

// ── patterns ────────────────────────────────────────────────────────────────────────────────────────────────────────
expectType<F<['batch', 8, 81, 64]>>(rearrange(x, 'b t (h d) -> b h t d', { h: 8 }))
expectType<F<['81·batch', 512]>>(rearrange(x, 'b t d -> (b t) d'))
expectType<F<[512, 'batch', 81]>>(rearrange(x, '... d -> d ...'))
expectType<Tensor<['batch', 81, 1], 'i32'>>(rearrange(ids, 'b t -> b t 1'))
expectError(rearrange(x, 'b t (h d) -> b h t d', { h: 7 }))
expectError(rearrange(x, 'b t (h d) -> b h t d'))
expectError(rearrange(x, 'b t -> t b'))
expectError(rearrange(x, 'b t d -> b t'))

expectType<F<['batch', 81, 11]>>(einsum('b t d, d v -> b t v', x, weight))
expectType<F<['batch', 81, 81]>>(einsum('b t d, b s d -> b t s', x, x))
expectType<F<['batch']>>(einsum('b t d -> b', x))
expectType<F<['batch', 81, 11]>>(einsum('... d, d v -> ... v', x, weight))
expectError(einsum('b t d, v d -> b t v', x, weight))
expectError(einsum('b t d, d v -> b t w', x, weight))
expectError(einsum('b t d, d v -> b t v', x))
expectError(einsum('b t -> b', ids))
expectError(einsum('btd,dv->btv', x, weight))

// ── computed dims, up to 10⁷ ────────────────────────────────────────────────────────────────────────────────────────
expectType<10_000_000>(addDims(9_999_999, 1))
expectType<100_000_000_000_000>(multiplyDims(10_000_000, 10_000_000))
expectType<1_111_111>(divideDims(9_999_999, 9))
expectType<1_428_572>(ceilDivideDims(10_000_000, 7))
expectType<10_000_128>(roundUpDims(10_000_000, 256))
expectType<'8·batch'>(multiplyDims('batch', 8))
expectType<'batch + 1'>(addDims('batch', 1))
expectType<'2·batch'>(divideDims(multiplyDims('batch', 8), 4))
expectType<'batch·rows + rows'>(multiplyDims(addDims(1, 'batch'), 'rows'))
expectType<'batch'>(ceilDivideDims('8·batch', 8))
expectType<'8·batch'>(roundUpDims('8·batch', 4))
expectError(divideDims(512, 7))
expectError(divideDims('batch', 8))
expectError(ceilDivideDims('batch', 8))
expectError(roundUpDims('batch', 256))
expectError(divideDims(512, 0))
expectError(addDims(512, -1))
expectError(multiplyDims(512, 0.5))
