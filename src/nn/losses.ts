/**
 * Losses, as graphs. B batch, S puzzle tokens, V vocabulary; labels i32, −100 is ignored.
 *
 *   token loss    −log p_y over softmax, or over stablemax: s(x) = x + 1 for x ≥ 0, 1/(1 − x) for x < 0, p = s / Σ s
 *   Q losses      binary cross-entropy with logits: log(1 + eˣ) − x·t
 *
 * HRM §2 and its official code; the numbers of `oracle-ops` hold.
 */
import {
  add,
  and,
  argmax,
  cast,
  constant,
  type DType,
  div,
  equal,
  exp,
  iota,
  lessEqual,
  log,
  log1p,
  max,
  maximum,
  mul,
  not,
  reciprocal,
  select,
  softplus,
  stopGradient,
  sub,
  sum,
  type Tensor,
  unsqueeze,
} from '../ir/index.js'
import {
  type Accept,
  type CrossEntropy,
  crossEntropyRule,
  demand,
  type ElementwiseLoss,
  elementwiseLossRule,
  type First,
  type Shape,
} from '../shape/index.js'
import { demandType, type Takes, type TensorOf } from './typing.js'

export type TokenLoss = 'stablemax' | 'softmax'

/** The label of a token that does not count. */
export const IGNORED = -100

/** ±1 by the sign of x, +1 at 0: |x| = σ·x then has derivative 1 at 0, as stablemax has. */
const signOf = (x: Tensor): Tensor => select(lessEqual(constant(0), x), constant(1), constant(-1))

/** log s(x) = sign(x)·log1p|x|: safe in f32, gradient 1 / (1 + |x|). */
const logStable = (x: Tensor): Tensor => {
  const σ = signOf(x)
  return mul(σ, log1p(mul(σ, x)))
}
const stable = (x: Tensor): Tensor => {
  const onePlus = add(mul(signOf(x), x), 1)
  return select(lessEqual(constant(0), x), onePlus, reciprocal(onePlus))
}

/** log p over the last axis, for the two ways from scores to probabilities: [..., V] → (scores, log of their sum [..., 1]). */
const normaliser = (kind: TokenLoss, logits: Tensor): { readonly scores: Tensor; readonly total: Tensor } => {
  const axis = logits.shape.length - 1
  if (kind === 'stablemax')
    return { scores: logStable(logits), total: unsqueeze(log(sum(stable(logits), [axis])), axis) }
  const scores = sub(logits, stopGradient(unsqueeze(max(logits, [axis]), axis)))
  return { scores, total: unsqueeze(log(sum(exp(scores), [axis])), axis) }
}

/** log p of every class. [..., V] → the same. */
export const logProbabilities = (kind: TokenLoss, logits: Tensor): Tensor => {
  const { scores, total } = normaliser(kind, logits)
  return sub(scores, total)
}

/** −log p of the label; 0 where it is ignored. Logits [..., V], labels i32 [...] → [...] */
export const crossEntropy = ((kind: TokenLoss, logits: Tensor, labels: Tensor): Tensor => {
  demandType('crossEntropy of logits', 'f32', logits)
  demandType('crossEntropy with labels', 'i32', labels)
  demand(crossEntropyRule(logits.shape, labels.shape))
  const axis = logits.shape.length - 1
  const { scores, total } = normaliser(kind, logits)
  const isLabel = equal(iota(logits.shape, axis), unsqueeze(labels, axis))
  const ofLabel = sum(select(isLabel, scores, 0), [axis])
  return select(isIgnored(labels), 0, sub(sum(total, [axis]), ofLabel))
}) as unknown as <X extends Shape, D extends DType, Y extends Shape, E extends DType>(
  kind: TokenLoss,
  logits: Takes<'crossEntropy of logits', 'f32', NoInfer<X>, NoInfer<D>> & Tensor<X, D>,
  labels: First<Takes<'crossEntropy with labels', 'i32', NoInfer<Y>, NoInfer<E>>, Accept<CrossEntropy<X, NoInfer<Y>>>> &
    Tensor<Y, E>,
) => TensorOf<CrossEntropy<X, Y>, 'f32'>

/** log(1 + eˣ) − x·t, elementwise; logits and targets of one shape. */
export const binaryCrossEntropy = ((logits: Tensor, targets: Tensor): Tensor => {
  for (const x of [logits, targets]) demandType('binaryCrossEntropy', 'f32', x)
  demand(elementwiseLossRule('binaryCrossEntropy', logits.shape, targets.shape))
  return sub(softplus(logits), mul(logits, targets))
}) as unknown as <X extends Shape, D extends DType, Y extends Shape, E extends DType>(
  logits: Takes<'binaryCrossEntropy', 'f32', NoInfer<X>, NoInfer<D>> & Tensor<X, D>,
  targets: First<
    Takes<'binaryCrossEntropy', 'f32', NoInfer<Y>, NoInfer<E>>,
    Accept<ElementwiseLoss<'binaryCrossEntropy', X, NoInfer<Y>>>
  > &
    Tensor<Y, E>,
) => TensorOf<ElementwiseLoss<'binaryCrossEntropy', X, Y>, 'f32'>

const isIgnored = (labels: Tensor): Tensor => equal(labels, IGNORED)

/** How right the answers are, per example. */
export interface Correctness {
  /** Labels that count, f32 [B]. */
  readonly labelled: Tensor
  /** The same, at least 1: what sums over tokens are divided by. */
  readonly divisor: Tensor
  /** Tokens that are right, f32 [B]. */
  readonly right: Tensor
  /** The whole sequence is right, bool [B]; an example without labels is. */
  readonly exact: Tensor
}

/** Compares the most likely tokens i32 [B, S] with the labels [B, S]. */
export const correctness = (predictions: Tensor, labels: Tensor): Correctness => {
  const count = (x: Tensor) => sum(cast(x, 'f32'), [1])
  const counts = not(isIgnored(labels))
  const labelled = count(counts)
  const right = count(and(counts, equal(predictions, labels)))
  return { labelled, divisor: maximum(labelled, 1), right, exact: equal(labelled, right) }
}

/** The tokens a segment answers. Logits [B, S, V] → i32 [B, S] */
export const predict = (logits: Tensor): Tensor => argmax(logits)

/** Per-example mean of the token losses, [B]. */
export const answerLoss = (kind: TokenLoss, logits: Tensor, labels: Tensor, divisor: Tensor): Tensor =>
  div(sum(crossEntropy(kind, logits, labels), [1]), divisor)
