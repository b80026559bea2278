/**
 * The sizes of an attention and where its numbers lie: packed projections [B, T, 3, H, d] (q, k, v), rows of the output
 * [B, T, H, d], statistics [B, H, T]. In all kernels `element` is that of the batch, `head` the head, and
 * `part` numbers the parts of the sequence that workgroups own.
 */
import { type Grid, gridOf } from '../grid.js'
import type { Target } from '../kernel.js'

export interface AttentionSpec {
  /** B */
  readonly batch: number
  /** T */
  readonly sequence: number
  /** H */
  readonly heads: number
  /** d */
  readonly headDim: number
  /** Operands of products may be rounded to f16, which matrix units want. */
  readonly precision?: 'f16'
  /** The projections lie in memory as f16, or the output of the forward pass shall; on GPUs whose WGSL has the type. */
  readonly halfInput?: boolean
  readonly halfOutput?: boolean
}

/** Numbers of a row are held in `chunks` vectors of `width`. */
export interface Vectors {
  readonly spec: AttentionSpec
  readonly width: 1 | 2 | 4
  readonly chunks: number
  readonly type: string
}

export const vectorsOf = (spec: AttentionSpec): Vectors => {
  const width = spec.headDim % 4 === 0 ? 4 : spec.headDim % 2 === 0 ? 2 : 1
  return { spec, width, chunks: spec.headDim / width, type: width === 1 ? 'f32' : `vec${width}f` }
}

/** A buffer of a line a token, and in it the vectors of this head's row, all numbers texts. */
export interface Rows {
  readonly buffer: string
  /** Number of the token's line. */
  readonly line: (token: string) => string
  /** The row's first vector in its line. */
  readonly first: string
  /** Address of the row, in vectors. */
  readonly address: (token: string) => string
}

const rowsOf = ({ spec, chunks }: Vectors, buffer: string, rowsOfLine: number, row: string): Rows => {
  const line = (token: string) => `(element * ${spec.sequence}u + ${token})`
  const first = `${row} * ${chunks}u`
  return { buffer, line, first, address: (token) => `(${line(token)} * ${rowsOfLine * chunks}u + ${first})` }
}

const PART = { q: 0, k: 1, v: 2 } as const

/** A third of the packed projections, or of their derivatives. */
export const packed = (vectors: Vectors, part: 'q' | 'k' | 'v', buffer = 'qkv'): Rows => {
  const { heads } = vectors.spec
  return rowsOf(vectors, buffer, 3 * heads, `(${PART[part] * heads}u + head)`)
}

export const output = (vectors: Vectors, buffer: string): Rows => rowsOf(vectors, buffer, vectors.spec.heads, 'head')

export const statistic = ({ spec }: Vectors, token: string): string =>
  `(element * ${spec.heads}u + head) * ${spec.sequence}u + ${token}`

/** Inputs and output of the backward kernels, each of which writes a part of dQkv. */
export const backwardBindings = ({ type }: Vectors) =>
  [
    ['qkv', type],
    ['dOut', type],
    ['lse', 'f32'],
    ['delta', 'f32'],
    ['dQkv', type],
  ] as const

type Bindings = readonly (readonly [name: string, type: string])[]
export const declare = (bindings: Bindings): readonly string[] =>
  bindings.map(([name, type], i) => `@group(0) @binding(${i}) var<storage, read_write> ${name}: array<${type}>;`)

/** Keeps a token within the sequence, so that loads stay in bounds; what is loaded so is masked. */
export const clamp = ({ spec }: Vectors, token: string): string => `min(${token}, ${spec.sequence - 1}u)`

/** A workgroup for `rows` rows of every head. */
export const partsOf = ({ batch, sequence, heads }: AttentionSpec, rows: number, target: Target): Grid =>
  gridOf(target, ['part', Math.ceil(sequence / rows)], ['head', heads], ['element', batch])

export const describeSpec = ({ batch, sequence, heads, headDim }: AttentionSpec): string =>
  `[${batch},${sequence},${heads},${headDim}]`
