/** What a matmul kernel is asked for; the families in this folder answer it. */
import type { Target } from '../kernel.js'

/** C[m,n] = A·B in float32. nn: A [m,k], B [k,n]; nt: A [m,k], B [n,k]; tn: A [k,m], B [k,n]. */
type Layout = 'nn' | 'nt' | 'tn'

/** Applied to every element before it is stored, e.g. a residual addition. */
interface Epilogue {
  /** Identifies the text. */
  readonly key: string
  /** Extra storage bindings between B and C, each f32 with exactly C's shape. */
  readonly inputs: number
  /** `value` and `extra` are f32 (width 1) or vec4f (width 4) expressions at the same elements. */
  readonly apply: (value: string, extra: readonly string[], width: 1 | 4) => string
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
}

/** Tile parameters of a family. */
export type MatmulVariant =
  /** 8·rows rows by 32 columns a subgroup of 8 lanes, `depth` steps of k at a time. */
  | { readonly family: 'subgroup'; readonly rows: 1 | 2 | 4; readonly depth: 1 | 2 | 4 }
  /** `rows` rows and one 4-vector of columns an invocation; needs nothing of the adapter. */
  | { readonly family: 'plain'; readonly rows: 4 | 8 }
  /** A square tile of C a workgroup, operands in workgroup memory; 4×4 elements an invocation. */
  | { readonly family: 'tiled'; readonly tile: 32 | 64; readonly depth: 8 | 16 }

/** Declares the bindings of a matmul: A, B, the epilogue's inputs, C. */
export const declareOperands = (
  spec: MatmulSpec,
  types: { readonly a: string; readonly b: string; readonly c: string },
): string => {
  const extras = spec.epilogue?.inputs ?? 0
  const storage = (binding: number, name: string, type: string) =>
    `@group(0) @binding(${binding}) var<storage, read_write> ${name}: array<${type}>;`
  return [
    storage(0, 'A', types.a),
    storage(1, 'B', types.b),
    ...Array.from({ length: extras }, (_, i) => storage(2 + i, `E${i}`, types.c)),
    storage(2 + extras, 'C', types.c),
  ].join('\n')
}

/** `C[address] = value;` with the epilogue applied. */
export const storeResult = (spec: MatmulSpec, address: string, value: string, width: 1 | 4): string => {
  const { epilogue } = spec
  if (epilogue === undefined) return `C[${address}] = ${value};`
  const extra = Array.from({ length: epilogue.inputs }, (_, i) => `E${i}[${address}]`)
  return `C[${address}] = ${epilogue.apply(value, extra, width)};`
}

export const bindingCount = (spec: MatmulSpec): number => 3 + (spec.epilogue?.inputs ?? 0)

export const nameOf = (spec: MatmulSpec, variant: string): string =>
  `matmul.${spec.layout} ${spec.batch > 1 ? `${spec.batch}×` : ''}${spec.m}×${spec.n}×${spec.k} ${variant}${spec.epilogue ? ` +${spec.epilogue.key}` : ''}`

/** Elements between one product's operand and the next. */
export const batchStrides = (spec: MatmulSpec) => ({
  a: spec.broadcastA === true ? 0 : spec.m * spec.k,
  b: spec.broadcastB === true ? 0 : spec.k * spec.n,
  c: spec.m * spec.n,
})

/** Tiles along x and y, products along z; throws beyond what the adapter can dispatch, which no model reaches. */
export const tileGrid = (target: Target, x: number, y: number, z: number): readonly [number, number, number] => {
  if (Math.max(x, y, z) > target.maxWorkgroupsPerDimension)
    throw new Error(`matmul: a grid of ${x}×${y}×${z} tiles exceeds ${target.maxWorkgroupsPerDimension} a dimension`)
  return [x, y, z]
}
