/**
 * Modules: a layer as a pure value. It declares its parameters as a tree of specs and says how outputs are made of
 * parameters and inputs; it holds no numbers and registers nothing. Its shape rule travels with it twice, as a type
 * (`F`) and as a function (`rule`), so a wrong composition is refused where it is written, in an editor and at run time.
 */
import type { DType, Tensor } from '../ir/index.js'
import {
  type Accept,
  type ApplyTyped,
  demand,
  type Rule,
  type Shape,
  ShapeError,
  type ShapeFn,
  showShape,
} from '../shape/index.js'
import type { Bound, ParameterTree } from './parameters.js'

/** A module with its parameters filled in: a function on tensors. */
export type Layer<F extends ShapeFn> = <In extends Shape, D extends DType>(
  x: Accept<ApplyTyped<F, NoInfer<In>, NoInfer<D>>> & Tensor<In, D>,
) => Output<ApplyTyped<F, In, D>>

/** The tensor of a shape; nothing for an error. */
export type Output<R> = R extends Shape ? Tensor<R, 'f32'> : never

declare const shapeRule: unique symbol

export interface Module<F extends ShapeFn, P extends ParameterTree = ParameterTree> {
  readonly name: string
  readonly parameters: P
  /** Element type of the input. */
  readonly takes: DType
  /** The shape rule at run time. */
  readonly rule: Rule
  /** The least one knows of a fitting input; compositions are checked with it. */
  readonly probe: Shape
  /** The shape rule at compile time; there is no such field at run time. */
  readonly [shapeRule]: F
  /** Fills in the parameters. A method, so that modules with other trees stay comparable. */
  apply(parameters: Bound<P>): Layer<F>
}

/** The shape rule of a module. */
export type RuleOf<M> = M extends { readonly [shapeRule]: infer F extends ShapeFn } ? F : never
/** The parameters of a module. */
export type ParametersOf<M> = M extends { readonly parameters: infer P extends ParameterTree } ? P : never

/** Any module, when its types no longer matter: after the check. */
export type AnyModule = Pick<Module<ShapeFn>, 'name' | 'takes' | 'rule' | 'probe'> & {
  readonly parameters: ParameterTree
  apply(parameters: never): unknown
}

interface Definition {
  readonly name: string
  readonly parameters: ParameterTree
  readonly takes?: DType
  readonly rule: Rule
  readonly probe: Shape
  /** The computation; shapes have been checked before it is called. */
  readonly compute: (parameters: never, x: Tensor) => Tensor
}

/** Makes a module whose types the caller does not need. */
export const makeModule = (definition: Definition): AnyModule => {
  const { name, parameters, takes = 'f32', rule, probe, compute } = definition
  const apply = (bound: unknown) => (x: Tensor) => {
    const shape = demand(rule(x.shape))
    if (x.dtype !== takes)
      throw new ShapeError(`${name} cannot take ${x.dtype} ${showShape(x.shape)}: expected ${takes}`)
    const result = compute(bound as never, x)
    // A rule and its computation disagreeing is our mistake, not the user's: say so where it happens.
    if (showShape(result.shape) !== showShape(shape))
      throw new Error(`${name}: the rule promises ${showShape(shape)}, the graph has ${showShape(result.shape)}`)
    return result
  }
  return { name, parameters, takes, rule, probe, apply }
}

/** Makes a module. `F` and `P` are the caller's claim, which the typed constructors around it make. */
export const defineModule = <F extends ShapeFn, P extends ParameterTree>(definition: Definition): Module<F, P> =>
  makeModule(definition) as never

/** A module as an untyped function; for the inside of combinators, whose rule has already been checked. */
export const run = (module: AnyModule, parameters: unknown, x: Tensor): Tensor =>
  (module.apply(parameters as never) as (x: Tensor) => Tensor)(x)
