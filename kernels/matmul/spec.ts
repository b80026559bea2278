/** What a matmul kernel is asked for; the families in this folder answer it. */
import { type Grid, gridOf } from '../grid.js'
import type { Target } from '../kernel.js'

/** C[m,n] = A·B in float32. nn: A [m,k], B [k,n]; nt: A [m,k], B [n,k]; tn: A [k,m], B [k,n]. */
type Layout = 'nn' | 'nt' | 'tn'

/**
 * What is made of C, pair by pair, instead of storing it: a gate's value with what it gates, two numbers to be turned. Of
 * single products in the layout nt, by the variants that keep pairs together (`takesPairs`).
 */
export interface Epilogue {
  /** Names what it makes. */
  readonly key: string
  /** So many first columns, then their partners, over and over: 2·apart divides n. */
  readonly apart: number
  /** How many storage bindings it has; they are numbered from 2 on, in place of C. */
  readonly bindings: number
  /** Its text has the type f16. */
  readonly usesF16: boolean
  /**
   * Declares them and `fn finish(row: u32, group: u32, place: u32, x: f32, y: f32)`, which is called once for every pair: x at
   * column 2·apart·group + place, y `apart` further.
   */
  readonly wgsl: string
}

export interface MatmulSpec {
  readonly layout: Layout
  /** Independent products, their operands one after another. */
  readonly batch: number
  /** The same A (or B) in every product. */
  readonly broadcastA?: boolean
  readonly broadcastB?: boolean
  readonly m: number
  readonly n: number
  readonly k: number
  readonly epilogue?: Epilogue
  /** The operands are rounded to f16 before they are multiplied (`quantizeToF16`); sums are f32. Absent: they are not. */
  readonly precision?: 'f16'
  /** Operands that lie in memory as f16: on GPUs whose WGSL has the type. */
  readonly halves?: readonly ('A' | 'B')[]
}

/** Tile parameters of a family. */
export type MatmulVariant =
  /** 8·rows rows by 32 columns a subgroup of 8 lanes, `depth` steps of k at a time. */
  | { readonly family: 'subgroup'; readonly rows: 1 | 2 | 4; readonly depth: 2 | 4 }
  /** `rows` rows and one 4-vector of columns an invocation; needs nothing of the adapter. */
  | { readonly family: 'plain'; readonly rows: 4 | 8 }
  /** across·rows rows by across·4 columns a workgroup of across² invocations, operands in workgroup memory. */
  | { readonly family: 'tiled'; readonly across: 8 | 16; readonly rows: 4 | 8; readonly depth: 8 | 16 }
  /** down×across subgroups a workgroup, each of rows×columns accumulators of the matrix unit; f16 only. */
  | ({ readonly family: 'matrix' } & MatrixTile)

export interface MatrixTile {
  readonly down: 1 | 2
  readonly across: 1 | 2 | 4
  readonly rows: 1 | 2 | 4
  readonly columns: 1 | 2 | 4
  /** Steps of k a tile of the operands has: a multiple of the unit's. */
  readonly depth: 16 | 32
}

/** E.g. `subgroup 2×2`; tells the variants of an adapter apart. */
export const variantName = (variant: MatmulVariant): string => {
  switch (variant.family) {
    case 'subgroup':
      return `subgroup ${variant.rows}×${variant.depth}`
    case 'plain':
      return `plain ${variant.rows}`
    case 'tiled':
      return `tiled ${variant.across * variant.rows}×${variant.across * 4}×${variant.depth}`
    case 'matrix':
      return `matrix ${variant.down}·${variant.rows}×${variant.across}·${variant.columns}×${variant.depth}`
  }
}

/** A loaded value as it enters the product: itself, or rounded where the operands are f16. */
export const rounded = ({ precision }: Pick<MatmulSpec, 'precision'>, value: string): string =>
  precision === 'f16' ? `quantizeToF16(${value})` : value

/** Declares the bindings of a matmul: A, B, and C or what the epilogue has. */
export const declareOperands = (
  spec: MatmulSpec,
  types: { readonly a: string; readonly b: string; readonly c: string },
): string => {
  const storage = (binding: number, name: string, type: string) =>
    `@group(0) @binding(${binding}) var<storage, read_write> ${name}: array<${type}>;`
  return [storage(0, 'A', types.a), storage(1, 'B', types.b), spec.epilogue?.wgsl ?? storage(2, 'C', types.c)].join(
    '\n',
  )
}

export const bindingCount = (spec: MatmulSpec): number => 2 + (spec.epilogue?.bindings ?? 1)

/** Whether an invocation, or a subgroup with its matrix unit, has both columns of a pair. */
export const takesPairs = (variant: MatmulVariant): boolean => variant.family !== 'matrix' || variant.columns % 2 === 0

/** Whether the operand lies in memory as f16. */
export const isHalf = ({ halves }: MatmulSpec, name: 'A' | 'B'): boolean => halves?.includes(name) === true

/** Texts about the pair of columns number `p` (an expression), where there is an epilogue. */
export const pairsOf = ({ layout, batch, n, epilogue }: MatmulSpec) => {
  if (epilogue === undefined) return undefined
  const { apart } = epilogue
  if (layout !== 'nt' || batch !== 1 || !Number.isInteger(apart) || n % (2 * apart) !== 0)
    throw new Error('matmul: an epilogue takes one product in the layout nt, whose columns are whole groups of pairs')
  const isOneGroup = n === 2 * apart
  const group = (p: string) => (isOneGroup ? '0u' : `(${p}) / ${apart}u`)
  const place = (p: string) => (isOneGroup ? p : `(${p}) % ${apart}u`)
  return {
    count: n / 2,
    apart,
    /** The column of its first element, or of the second. */
    column: (p: string, isSecond: boolean) =>
      `${isOneGroup ? p : `${group(p)} * ${2 * apart}u + ${place(p)}`}${isSecond ? ` + ${apart}u` : ''}`,
    finish: (row: string, p: string, x: string, y: string) => `finish(${row}, ${group(p)}, ${place(p)}, ${x}, ${y});`,
  }
}

export type Pairs = NonNullable<ReturnType<typeof pairsOf>>

export const nameOf = (spec: MatmulSpec, variant: MatmulVariant): string =>
  [
    `matmul.${spec.layout}`,
    `${spec.batch > 1 ? `${spec.batch}×` : ''}${spec.m}×${spec.n}×${spec.k}`,
    variantName(variant),
    ...(spec.precision === undefined ? [] : [spec.precision]),
    ...(spec.halves === undefined ? [] : [`from ${spec.halves.join(', ')} in f16`]),
    ...(spec.epilogue === undefined ? [] : [`+${spec.epilogue.key}`]),
  ].join(' ')

/** Elements between one product's operand and the next. */
export const batchStrides = (spec: MatmulSpec) => ({
  a: spec.broadcastA === true ? 0 : spec.m * spec.k,
  b: spec.broadcastB === true ? 0 : spec.k * spec.n,
  c: spec.m * spec.n,
})

/** `tileColumn` along n, `tileRow` along m, `product`. */
export const tileGrid = (target: Target, columns: number, rows: number, products: number): Grid =>
  gridOf(target, ['tileColumn', columns], ['tileRow', rows], ['product', products])
