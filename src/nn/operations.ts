/**
 * The graph's operations with typed shapes: what a model's definition computes with. Each is a shape rule (type and
 * function, `src/shape/rules`) on top of the untyped builder; the sentence of a refusal is the same in both.
 */

import type { DType, Tensor } from '../ir/index.js'
import * as ir from '../ir/index.js'
import { type Accept, type Broadcast, broadcastRule, demand, type Shape } from '../shape/index.js'

/** The tensor of a shape; nothing for an error. */
export type TensorOf<R, D extends DType> = R extends Shape ? Tensor<R, D> : never

type Pairwise<Name extends string> = <A extends Shape, D extends DType, B extends Shape>(
  a: Tensor<A, D>,
  b: Accept<Broadcast<Name, A, B>> & Tensor<B, NoInfer<D>>,
) => TensorOf<Broadcast<Name, A, B>, D>

const pairwise = <Name extends string>(name: Name, build: (a: Tensor, b: Tensor) => Tensor): Pairwise<Name> =>
  ((a: Tensor, b: Tensor) => {
    demand(broadcastRule(name, a.shape, b.shape))
    return build(a, b)
  }) as Pairwise<Name>

/** a + b, aligned at the end. */
export const add: Pairwise<'add'> = pairwise('add', ir.add)
