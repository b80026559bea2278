/** Modules written as functions: parts by name, and what is computed with them. */
import { type DType, input, type Tensor } from '../ir/index.js'
import { agree, difference, type FixedRule, refuse, type Shape, showShape } from '../shape/index.js'
import { type AnyModule, defineModule, type Layer, type Module, type ParametersOf, type RuleOf } from './module.js'
import { bindParameters, type ParameterTree } from './parameters.js'
import { demandType, type Takes } from './typing.js'

/** The parts with their parameters filled in. */
export type Layers<Ps> = { readonly [K in keyof Ps]: Layer<RuleOf<Ps[K]>> }

export interface BlockDefinition<N extends string, Z extends Shape, Ps, Out extends Shape, D extends DType = 'f32'> {
  /** How messages call it. */
  readonly name: N
  /** The shape it takes; the compiler follows it through `compute`. */
  readonly input: readonly [...Z]
  /** Its modules by the name of their parameters. */
  readonly parts: Ps
  readonly compute: (
    parts: Layers<Ps>,
    x: Tensor<Z, 'f32'>,
  ) => Takes<`what follows ${N}`, 'f32', NoInfer<Out>, NoInfer<D>> & Tensor<Out, D>
}

/**
 * A module of one input shape, computed by a function of its parts and its input: what is not a chain of modules. Shapes
 * are checked inside `compute` where it is written, and when the block is made at run time.
 */
export const block = (<
  N extends string,
  Z extends Shape,
  Ps extends Readonly<Record<string, AnyModule>>,
  Out extends Shape,
>(
  definition: BlockDefinition<N, Z, Ps, Out>,
) => {
  const { name, input: takes, parts, compute } = definition
  const layersOf = (bound: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(Object.entries(parts).map(([key, part]) => [key, part.apply(bound[key] as never)])) as Layers<Ps>
  const leaf = (path: string, shape: Shape, dtype: DType = 'f32') => input(path, shape, dtype, 'streamed')
  const parameters = Object.fromEntries(Object.entries(parts).map(([key, part]) => [key, part.parameters]))
  // Computed once with nothing but shapes: what comes out, or the mistake inside, is known where the block is made.
  const unbound = bindParameters<ParameterTree>(parameters, ({ path, spec }) => leaf(path, spec.shape))
  const output = compute(
    layersOf(unbound as Readonly<Record<string, unknown>>),
    leaf('x', takes) as unknown as Tensor<Z, 'f32'>,
  )
  demandType(`what follows ${name}`, 'f32', output)
  const { shape } = output
  return defineModule({
    name,
    parameters,
    rule: (x) =>
      agree(x, takes)
        ? shape
        : refuse(`${name} cannot take ${showShape(x)}, it is made for ${showShape(takes)}: ${difference(x, takes)}`),
    probe: takes,
    compute: (bound: Readonly<Record<string, unknown>>, x) => compute(layersOf(bound), x as Tensor<Z, 'f32'>),
  })
}) as unknown as <
  const N extends string,
  const Z extends Shape,
  Ps extends Readonly<Record<string, AnyModule>>,
  Out extends Shape,
  D extends DType,
>(
  definition: BlockDefinition<N, Z, Ps, Out, D>,
) => Module<FixedRule<N, Z, Out>, { readonly [K in keyof Ps]: ParametersOf<Ps[K]> }>
