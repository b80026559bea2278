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
import { demandParameters, type FittingParameters, type ParameterTree } from './parameters.js'
import { demandType, type TensorOf } from './typing.js'

declare const shapeRule: unique symbol

/** A module with its parameters filled in: a function on tensors, which still carries its rule (for `flow`). */
export interface Layer<F extends ShapeFn>
  extends Pick<Module<F>, 'speaker' | 'takes' | 'rule' | 'probe' | typeof shapeRule> {
  <In extends Shape, D extends DType>(
    x: Accept<ApplyTyped<F, NoInfer<In>, NoInfer<D>>> & Tensor<In, D>,
  ): TensorOf<ApplyTyped<F, In, D>, 'f32'>
}

export interface Module<F extends ShapeFn, P extends ParameterTree = ParameterTree> {
  readonly name: string
  /** The name of the innermost module that takes the input: the one that refuses a wrong element type. */
  readonly speaker: string
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
  apply<const T>(parameters: FittingParameters<P, T> & T): Layer<F>
}

/** The shape rule of a module. */
export type RuleOf<M> = M extends { readonly [shapeRule]: infer F extends ShapeFn } ? F : never
/** The parameters of a module. */
export type ParametersOf<M> = M extends { readonly parameters: infer P extends ParameterTree } ? P : never

/** Any module, when its types no longer matter: after the check. */
export type AnyModule = Pick<Module<ShapeFn>, 'name' | 'speaker' | 'takes' | 'rule' | 'probe'> & {
  readonly parameters: ParameterTree
  /** Of a stack: what is stacked. */
  readonly layer?: AnyModule
  apply(parameters: never): unknown
}

/** Any layer, when its types no longer matter. */
export type AnyLayer = Pick<Layer<ShapeFn>, 'speaker' | 'takes' | 'rule' | 'probe'> & ((x: never) => unknown)

/** What modules and layers have in common. */
export type AnyPart = Pick<AnyModule, 'speaker' | 'rule' | 'takes' | 'probe'>
/** Throws for a module that takes ids where f32 comes in, which is what modules give. */
export const demandFloats = ({ speaker, takes }: AnyPart, shape: Shape): void => {
  if (takes !== 'f32') throw new ShapeError(`${speaker} cannot take f32 ${showShape(shape)}: expected ${takes}`)
}

interface Definition {
  readonly name: string
  /** Default: `name`. */
  readonly speaker?: string
  readonly parameters: ParameterTree
  readonly takes?: DType
  readonly rule: Rule
  readonly probe: Shape
  /** The computation; shapes have been checked before it is called. */
  readonly compute: (parameters: never, x: Tensor) => Tensor
}

/** Makes a module whose types the caller does not need. */
export const makeModule = (definition: Definition): AnyModule => {
  const { name, speaker = name, parameters, takes = 'f32', rule, probe, compute } = definition
  const apply = (bound: unknown) => {
    demandParameters(parameters, bound)
    const layer = (x: Tensor) => {
      demandType(speaker, takes, x)
      const shape = demand(rule(x.shape))
      const result = compute(bound as never, x)
      // A rule and its computation disagreeing is our mistake, not the user's: say so where it happens.
      if (showShape(result.shape) !== showShape(shape))
        throw new Error(`${name}: the rule promises ${showShape(shape)}, the graph has ${showShape(result.shape)}`)
      return result
    }
    return Object.assign(layer, { speaker, takes, rule, probe })
  }
  return { name, speaker, parameters, takes, rule, probe, apply }
}

/** Makes a module. `F` and `P` are the caller's claim, which the typed constructors around it make. */
export const defineModule = <F extends ShapeFn, P extends ParameterTree>(definition: Definition): Module<F, P> =>
  makeModule(definition) as never

/** A module as an untyped function; for the inside of combinators, whose rule has already been checked. */
export const run = (module: AnyModule, parameters: unknown, x: Tensor): Tensor =>
  (module.apply(parameters as never) as (x: Tensor) => Tensor)(x)
