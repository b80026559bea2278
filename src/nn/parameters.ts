/**
 * Parameter trees. A module declares its parameters as a tree of specs; binding turns the same tree into tensors, and a
 * flat list by path is what checkpoints store. Keys are the names of the published checkpoints, so a path
 * (`L_level.layers.0.mlp.down_proj.weight`) is the official name.
 */
import type { Tensor } from '../ir/index.js'
import type { Shape } from '../shape/index.js'

export type Initialiser =
  /** Normal cut at ±2σ, rescaled so that the standard deviation after truncation is `std`. */
  { readonly kind: 'truncatedNormal'; readonly std: number } | { readonly kind: 'constant'; readonly value: number }

/** `dense`: every step changes all of it; `rows`: only the rows of the batch (puzzle embedding); `fixed`: saved, never trained. */
export type Training = 'dense' | 'rows' | 'fixed'

export interface ParameterSpec<out S extends Shape = Shape> {
  readonly parameter: true
  readonly shape: S
  readonly initialiser: Initialiser
  readonly training: Training
}

export type ParameterTree = ParameterSpec | readonly ParameterTree[] | { readonly [key: string]: ParameterTree }

/** Any tree of tensors. */
export type TensorTree = Tensor | readonly TensorTree[] | { readonly [key: string]: TensorTree }

/** The same tree with a tensor for every spec. */
export type Bound<P> = [ParameterTree] extends [P]
  ? TensorTree
  : P extends ParameterSpec<infer S>
    ? Tensor<S, 'f32'>
    : { readonly [K in keyof P]: Bound<P[K]> }

export const parameter = <const S extends Shape>(
  shape: S,
  initialiser: Initialiser,
  training: Training = 'dense',
): ParameterSpec<S> => ({ parameter: true, shape, initialiser, training })

const isSpec = (tree: ParameterTree): tree is ParameterSpec => 'parameter' in tree && tree.parameter === true

export interface NamedParameter {
  readonly path: string
  readonly spec: ParameterSpec
}

/** All parameters by path, in the order of the tree. */
export const flattenParameters = (tree: ParameterTree, path = ''): readonly NamedParameter[] =>
  isSpec(tree)
    ? [{ path, spec: tree }]
    : Object.entries(tree as Readonly<Record<string, ParameterTree>>).flatMap(([key, child]) =>
        flattenParameters(child, path === '' ? key : `${path}.${key}`),
      )

/** Replaces every spec by the tensor that `leaf` makes of it. */
export const bindParameters = <const P extends ParameterTree>(
  tree: P,
  leaf: (parameter: NamedParameter) => Tensor,
): Bound<P> => bindAt(tree, leaf, '') as Bound<P>

const bindAt = (tree: ParameterTree, leaf: (parameter: NamedParameter) => Tensor, path: string): unknown => {
  if (isSpec(tree)) return leaf({ path, spec: tree })
  const child = (t: ParameterTree, key: string | number) => bindAt(t, leaf, path === '' ? `${key}` : `${path}.${key}`)
  return Array.isArray(tree)
    ? tree.map(child)
    : Object.fromEntries(Object.entries(tree).map(([key, t]) => [key, child(t as ParameterTree, key)]))
}
