/** Losses: labels and targets that fit their logits, and such that do not. */
import { expectError, expectType } from 'tsd'
import { binaryCrossEntropy, cast, crossEntropy, mean, sum, type Tensor, type TokenLoss } from '../src/index.js'

type F<S extends readonly (number | string)[]> = Tensor<S, 'f32'>
declare const ids: Tensor<['batch', 81], 'i32'>
declare const column: F<['batch', 81, 1]>
declare const kind: TokenLoss

declare const logits: F<['batch', 81, 11]>
declare const halting: F<['batch']>
expectType<F<['batch', 81]>>(crossEntropy('stablemax', logits, ids))
expectType<F<['batch']>>(binaryCrossEntropy(halting, halting))
expectError(crossEntropy('stablemax', logits, halting))
expectError(crossEntropy('softmax', ids, ids))
expectError(crossEntropy('softmax', logits, null as unknown as Tensor<['batch', 82], 'i32'>))
expectError(crossEntropy('hinge', logits, ids))
expectError(binaryCrossEntropy(halting, column))
expectError(binaryCrossEntropy(halting, cast(halting, 'i32')))
expectType<F<[]>>(crossEntropy(kind, null as unknown as F<[11]>, null as unknown as Tensor<[], 'i32'>))
expectType<F<['batch', 81]>>(binaryCrossEntropy(mean(logits, 2), cast(ids, 'f32')))
expectType<F<[]>>(sum(binaryCrossEntropy(halting, halting), 0))
expectError(crossEntropy('softmax', null as unknown as F<[]>, null as unknown as Tensor<[], 'i32'>))
expectError(crossEntropy('softmax', logits, null as unknown as Tensor<['batch', 81], 'bool'>))
expectError(crossEntropy('softmax', logits, 3))
expectError(crossEntropy(logits, ids))
expectError(binaryCrossEntropy(ids, ids))
expectError(binaryCrossEntropy(halting, null as unknown as F<[]>))
expectError(binaryCrossEntropy(halting, null as unknown as F<['rows']>))
expectError(binaryCrossEntropy(halting, 1))
