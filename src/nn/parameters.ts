/**
 * Parameter trees. A module declares its parameters as a tree of specs; binding turns the same tree into tensors, and a
 * flat list by path is what checkpoints store. Keys are the names of the published checkpoints, so a path
 * (`L_level.layers.0.mlp.down_proj.weight`) is the official name.
 */
import type { DType, Tensor } from '../ir/index.js'
import {
  type Dim,
  type First,
  type SameShape,
  type Shape,
  ShapeError,
  type Show,
  sameShape,
  showShape,
} from '../shape/index.js'

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

// ── trees that fit ──────────────────────────────────────────────────────────────────────────────────────────────────
/** `unknown` for a tree of tensors that fits the specs; otherwise what is wrong, a `ShapeError` a parameter. */
export type FittingParameters<P, T> = [T] extends [Bound<P>] ? unknown : ShapeError<Mismatch<P, T, ''>>

type Mismatch<P, T, Path extends string> =
  P extends ParameterSpec<infer S>
    ? [T] extends [Tensor<infer R, infer D>]
      ? SameShape<R, S> extends true
        ? [D] extends ['f32']
          ? never
          : `the parameter ${Path} is ${DType extends D ? 'of an unknown type' : `${D & string} ${Show<R>}`}, expected f32`
        : `the parameter ${Path} is ${Show<R>}, expected ${Show<S>}`
      : `the parameter ${Path} is missing, expected ${Show<S>}`
    : MismatchAt<PartKeys<P>, P, T, Path>
/** Distributes over the keys; as a mapped type the compiler would unfold it in search of a constraint. */
type MismatchAt<K, P, T, Path extends string> = K extends keyof P & string
  ? Mismatch<P[K], K extends keyof T ? T[K] : UnderNumber<K, T>, Below<Path, K>>
  : never
/** What stands under a key that is written as a number. */
type UnderNumber<K, T> = K extends `${infer N extends number}` ? (N extends keyof T ? T[N] : undefined) : undefined
type Below<Path extends string, K extends string> = Path extends '' ? K : `${Path}.${K}`
/** The keys of a node: names, or the positions of a tuple. */
type PartKeys<P> = P extends readonly unknown[] ? Extract<keyof P, `${number}`> : keyof P & string

/** Throws `ShapeError` for the first parameter whose tensor is missing or has another shape or type. */
export const demandParameters = (tree: ParameterTree, bound: unknown, path = ''): void => {
  if (isSpec(tree)) {
    const { shape, dtype } = (bound ?? {}) as { readonly shape?: Shape; readonly dtype?: DType }
    if (shape === undefined || !sameShape(shape, tree.shape))
      throw new ShapeError(
        `the parameter ${path} is ${shape === undefined ? 'missing' : showShape(shape)}, expected ${showShape(tree.shape)}`,
      )
    if (dtype !== 'f32') throw new ShapeError(`the parameter ${path} is ${dtype} ${showShape(shape)}, expected f32`)
    return
  }
  for (const [key, child] of Object.entries(tree as Readonly<Record<string, ParameterTree>>))
    demandParameters(
      child,
      (bound as Readonly<Record<string, unknown>> | undefined)?.[key],
      path === '' ? key : `${path}.${key}`,
    )
}

// ── trees and checkpoints ───────────────────────────────────────────────────────────────────────────────────────────
/** Every parameter's path with its shape. */
type Entries<P, Path extends string> =
  P extends ParameterSpec<infer S>
    ? { readonly path: Path; readonly shape: S }
    : number extends P['length' & keyof P]
      ? Entries<P[number & keyof P], `${Path}.${number}`>
      : EntriesAt<PartKeys<P>, P, Path>
type EntriesAt<K, P, Path extends string> = K extends keyof P & string ? Entries<P[K], Below<Path, K>> : never

/** The shapes of a tree by path, as a checkpoint's header lists them. */
export type ParameterShapes<P> = [ParameterTree] extends [P]
  ? Readonly<Record<string, Shape>>
  : Entries<P, ''> extends infer E
    ? {
        readonly [X in E as X extends { readonly path: infer Path extends string } ? Path : never]: X extends {
          readonly shape: infer S
        }
          ? S
          : never
      }
    : never

// (Here and below `P` has no bound: with one, the compiler would unfold the recursive tree in search of a constraint.)
export const parameterShapes = ((tree: ParameterTree) =>
  Object.fromEntries(flattenParameters(tree).map(({ path, spec }) => [path, spec.shape]))) as unknown as <const P>(
  tree: P,
) => ParameterShapes<P>

/** `unknown` where the checkpoint holds what the tree needs and no more; otherwise a `ShapeError`, at the tensor at fault. */
export type FittingCheckpoint<P, C> = string extends keyof C ? unknown : CheckpointErrors<ParameterShapes<P>, C>
type CheckpointErrors<Want, C> = First<
  Lacking<Exclude<keyof Want, keyof C>, Want>,
  {
    readonly [K in keyof C]: K extends keyof Want & string
      ? WrongShape<K, C[K], Want[K]>
      : ShapeError<`the checkpoint has ${K & string}, which the model has not`>
  }
>
type WrongShape<Path extends string, Have, Want> = Have extends Shape
  ? Want extends Shape
    ? SameShape<Have, Want> extends true
      ? unknown
      : ShapeError<`the checkpoint's ${Path} is ${Show<Have>}, expected ${Show<Want>}`>
    : never
  : never
type Lacking<Paths, Want> = [Paths] extends [never]
  ? unknown
  : ShapeError<
      { [K in Paths & string]: `the checkpoint has no ${K}, expected ${Show<Want[K & keyof Want]>}` }[Paths & string]
    >

/** In what tensors of these names and shapes differ from the tree: a sentence a tensor. `it` and `its` are whose they are. */
export const parameterMismatches = (
  tree: ParameterTree,
  shapes: Readonly<Record<string, Shape>>,
  { it, its }: { readonly it: string; readonly its: string },
): readonly string[] => {
  const wanted = flattenParameters(tree)
  const lacking = wanted.flatMap(({ path, spec }) => {
    const have = shapes[path]
    if (have === undefined) return [`${it} has no ${path}, expected ${showShape(spec.shape)}`]
    return sameShape(have, spec.shape)
      ? []
      : [`${its} ${path} is ${showShape(have)}, expected ${showShape(spec.shape)}`]
  })
  const names = new Set(wanted.map(({ path }) => path))
  const extra = Object.keys(shapes).filter((path) => !names.has(path))
  return [...lacking, ...extra.map((path) => `${it} has ${path}, which the model has not`)]
}

/** Why a checkpoint with tensors of these shapes cannot be loaded into a tree: a sentence a parameter; none if it can. */
export const checkpointMismatches = (tree: ParameterTree, shapes: Readonly<Record<string, Shape>>): readonly string[] =>
  parameterMismatches(tree, shapes, { it: 'the checkpoint', its: "the checkpoint's" })

/**
 * Demands that a checkpoint with tensors of these shapes (`{ 'lm_head.weight': [11, 512], … }`) fits the tree. Shapes the
 * compiler knows are checked when compiling; throws `ShapeError` with the first sentence otherwise.
 */
export const demandCheckpoint = ((tree: ParameterTree, shapes: Readonly<Record<string, Shape>>): void => {
  const first = checkpointMismatches(tree, shapes)[0]
  if (first !== undefined) throw new ShapeError(first)
}) as unknown as <const P, const C extends Readonly<Record<string, Shape>>>(
  tree: P,
  shapes: FittingCheckpoint<P, C> & C,
) => void

// ── making and walking trees ────────────────────────────────────────────────────────────────────────────────────────
export const parameter = <const S extends Shape>(
  shape: readonly [...S],
  initialiser: Initialiser,
  training: Training = 'dense',
): ParameterSpec<S> => ({ parameter: true, shape: shape as readonly Dim[] as S, initialiser, training })

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
