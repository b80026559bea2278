/**
 * The parameter arena: all dense parameters one after another in one flat f32 tensor, so that the optimiser is a single
 * elementwise expression over it. A parameter is a reshaped slice; offsets are multiples of 64 elements (256 bytes, the
 * alignment WebGPU wants of a binding); the gaps are 0 and stay 0. Rows and fixed vectors are tensors of their own names.
 */
import { input, reshape, slice, type Tensor } from '../ir/index.js'
import { flattenParameters, type NamedParameter, type ParameterTree } from '../nn/index.js'

const ALIGNMENT = 64

export interface ArenaEntry {
  readonly path: string
  readonly shape: readonly number[]
  readonly offset: number
  readonly size: number
}

export interface Arena {
  /** Elements. */
  readonly size: number
  readonly entries: readonly ArenaEntry[]
}

/** A parameter that lives outside the arena under its own name. */
export interface ParameterAlone {
  readonly path: string
  readonly shape: readonly number[]
  readonly size: number
}

const sizes = (shape: NamedParameter['spec']['shape'], path: string): readonly number[] =>
  shape.map((d) => {
    if (typeof d !== 'number') throw new Error(`the parameter ${path} has the dim "${d}"; parameters need numbers`)
    return d
  })
const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)
const alone = ({ path, spec }: NamedParameter): ParameterAlone => {
  const shape = sizes(spec.shape, path)
  return { path, shape, size: product(shape) }
}

/** Where each dense parameter lies. */
export const arenaOf = (tree: ParameterTree): Arena => {
  const dense = flattenParameters(tree).filter(({ spec }) => spec.training === 'dense')
  const { entries, size } = dense.map(alone).reduce<Arena>(
    (arena, p) => ({
      entries: [...arena.entries, { ...p, offset: arena.size }],
      size: arena.size + Math.ceil(p.size / ALIGNMENT) * ALIGNMENT,
    }),
    { entries: [], size: 0 },
  )
  return { entries, size }
}

/** Parameters outside the arena: puzzle rows and fixed vectors. */
export const parametersOutside = (tree: ParameterTree): readonly ParameterAlone[] =>
  flattenParameters(tree)
    .filter(({ spec }) => spec.training !== 'dense')
    .map(alone)

/** Names of the resident tensors that hold the parameters. */
export const residentParameters = (tree: ParameterTree): readonly string[] => [
  'parameters',
  ...parametersOutside(tree).map(({ path }) => path),
]

/** The parameters as graph nodes: slices of the resident `parameters`, or residents of their own. */
export interface BoundArena {
  readonly arena: Arena
  /** The resident tensor, flat. */
  readonly flat: Tensor
  /** The node of a parameter: what a gradient is taken with respect to. The same node at every call. */
  readonly node: (path: string) => Tensor
}

/** `resident`: the tensor that holds the dense parameters, or the average of them. */
export const bindArena = (tree: ParameterTree, resident: 'parameters' | 'average' = 'parameters'): BoundArena => {
  const arena = arenaOf(tree)
  const flat = input(resident, [arena.size], 'f32', 'resident')
  const nodes = new Map<string, Tensor>([
    ...arena.entries.map(
      ({ path, shape, offset, size }) => [path, reshape(slice(flat, [offset], [size]), shape)] as const,
    ),
    ...parametersOutside(tree).map(({ path, shape }) => [path, input(path, shape, 'f32', 'resident')] as const),
  ])
  const node = (path: string): Tensor => {
    const found = nodes.get(path)
    if (found === undefined) throw new Error(`there is no parameter ${path}`)
    return found
  }
  return { arena, flat, node }
}

export type NamedValues = Readonly<Record<string, Float32Array>>

/** Values by official name → contents of the residents that hold the parameters. */
export const toResidents = (tree: ParameterTree, values: NamedValues): NamedValues => {
  const of = (path: string, size: number): Float32Array => {
    const value = values[path]
    if (value?.length !== size) throw new Error(`${path} has ${value?.length ?? 'no'} values, expected ${size}`)
    return value
  }
  const arena = arenaOf(tree)
  const flat = new Float32Array(arena.size)
  for (const { path, offset, size } of arena.entries) flat.set(of(path, size), offset)
  return {
    parameters: flat,
    ...Object.fromEntries(parametersOutside(tree).map(({ path, size }) => [path, of(path, size)])),
  }
}

/** The named pieces of a flat arena tensor: parameters, moments or gradients. */
export const unpackArena = ({ entries }: Arena, flat: Float32Array): NamedValues =>
  Object.fromEntries(entries.map(({ path, offset, size }) => [path, flat.slice(offset, offset + size)]))

/** Contents of the residents → values by official name. */
export const fromResidents = (tree: ParameterTree, residents: NamedValues): NamedValues => {
  const flat = residents.parameters
  if (flat === undefined) throw new Error('the residents lack "parameters"')
  return {
    ...unpackArena(arenaOf(tree), flat),
    ...Object.fromEntries(parametersOutside(tree).map(({ path }) => [path, residents[path]!])),
  }
}
