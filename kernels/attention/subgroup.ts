/**
 * Attention on software adapters, a subgroup of 8 invocations (one workgroup) at a time. A subgroup owns R rows of one
 * kind (queries, or in the backward pass also keys) and walks over the rows of the other kind in blocks of 8·Q:
 *
 *      inner products                             weighted sums
 *      lane l holds Q rows of the block           lane l holds every 8th vector of columns
 *
 *         row l·Q … l·Q+Q−1                           vectors l, l + 8, …
 *        ┌───┬───┬─    ─┬───┐                        ┌───┬───┬─   ─┬───┐
 *      R │s00│s01│  …   │   │  s += a[r]·b[l·Q+q]  R │ o │   │  …  │   │  o += p[r, j·Q+q]·x[j·Q+q]
 *        └───┴───┴─    ─┴───┘                        └───┴───┴─   ─┴───┘
 *      a handed round by subgroupBroadcast        p handed round by subgroupShuffle
 *
 * as the matmul kernels for these adapters do, and for the same reasons (no workgroup memory, whose barriers are slow
 * there; every loaded or handed-round number used several times; loop bodies of some hundred instructions; rows read as
 * images where they can be).
 */
import { type Grid, range } from '../grid.js'
import { canBeImage, declareImage, type ImageSpec } from '../image.js'
import type { Kernel, Target } from '../kernel.js'
import {
  type AttentionSpec,
  clamp,
  declare,
  describeSpec,
  partsOf,
  type Rows,
  type Vectors,
  vectorsOf,
} from './spec.js'

/** Lanes of a subgroup. */
export const LANES = 8

export interface Tile extends Vectors {
  /** R, rows a subgroup owns. */
  readonly rows: number
  /** Q, rows of the other kind that each lane meets at a time. */
  readonly keys: number
  /** Vectors of columns that each lane owns, ⌈chunks / 8⌉. */
  readonly columns: number
  readonly grid: Grid
  /** Rows are read as images. */
  readonly hasImages: boolean
}

/** Most multiplications of vectors in a loop body: beyond it leaves the instruction cache and takes seconds to compile. */
const LARGEST_BODY = 120
const MOST_ROWS = 17
const MOST_KEYS = 4
/** Times on lavapipe, in multiply-adds of a subgroup: loading a vector by every lane, handing a number round, an exponential. */
const COST = { load: 25, hand: 0.5, exp: 30 } as const

/**
 * The tile with the least estimated time. `sums`: the most inner products, or weighted sums, that a loop of the kernel makes.
 */
export const planTile = (spec: AttentionSpec, sums: 1 | 2, target: Target): Tile => {
  const vectors = vectorsOf(spec)
  const { chunks, width } = vectors
  const images = Object.values(ROWS_OF_LINE).map((rows) => imageSpec(spec, 0, rows))
  const hasImages = target.hasImages === true && width === 4 && images.every(canBeImage)
  const columns = Math.ceil(chunks / LANES)
  const time = (rows: number, keys: number): number => {
    const products = chunks * ((keys + Math.ceil(rows / LANES)) * COST.load + rows * width * (keys + COST.hand))
    const weighted = LANES * keys * (columns * COST.load + rows * (columns * width + COST.hand))
    const blocks = Math.ceil(spec.sequence / rows) * Math.ceil(spec.sequence / (LANES * keys))
    return blocks * (sums * (products + weighted) + rows * (keys + 1) * COST.exp)
  }
  const tiles = range(MOST_ROWS)
    .flatMap((r) => range(MOST_KEYS).map((q) => ({ rows: r + 1, keys: q + 1 })))
    .filter(({ rows, keys }) => rows * keys === 1 || rows * keys * columns * sums <= LARGEST_BODY)
    .map((tile) => ({ ...tile, time: time(tile.rows, tile.keys) }))
  const { rows, keys } = tiles.reduce((best, tile) => (tile.time < best.time ? tile : best))
  return { ...vectors, rows, keys, columns, hasImages, grid: partsOf(spec, rows, target) }
}

/** What rows are read from, with how many of a head a line has. */
const ROWS_OF_LINE: Readonly<Record<string, number>> = { qkv: 3, dOut: 1 }

/** A line a token, in one strip. */
const imageSpec = ({ batch, sequence, heads, headDim }: AttentionSpec, binding: number, rows: number): ImageSpec => {
  const line = rows * heads * headDim
  return { binding, line, lines: batch * sequence, strip: line / 4 }
}

const isImage = ({ hasImages }: Tile, buffer: string): boolean => hasImages && ROWS_OF_LINE[buffer] !== undefined

/** Where a token's row begins, and a vector of such a row. */
const begin = (tile: Tile, { buffer, line, address }: Rows, token: string): string =>
  isImage(tile, buffer) ? line(token) : address(token)
const load = (tile: Tile, { buffer, first }: Rows, at: string, vector: string): string =>
  isImage(tile, buffer) ? `load_${buffer}(${first} + ${vector}, ${at})` : `${buffer}[${at} + ${vector}]`

export const everyRow = ({ rows }: Tile, text: (r: number) => string): readonly string[] => range(rows).map(text)
export const everyPair = ({ rows, keys }: Tile, text: (r: number, q: number) => string): readonly string[] =>
  range(rows).flatMap((r) => range(keys).map((q) => text(r, q)))
const everyColumn = ({ columns }: Tile, text: (i: number) => string): string => range(columns).map(text).join(' ')

/** The q-th row of the block that this lane meets. */
export const otherRow = (tile: Tile, q: number): string => clamp(tile, `t + lane * ${tile.keys}u + ${q}u`)

const isRagged = ({ spec, keys }: Tile) => spec.sequence % (LANES * keys) !== 0

/** `beyond{q}`: whether the q-th row of this lane lies beyond the end. */
export const findEnd = (tile: Tile): readonly string[] =>
  isRagged(tile)
    ? range(tile.keys).map((q) => `let beyond${q} = t + lane * ${tile.keys}u + ${q}u >= ${tile.spec.sequence}u;`)
    : []

/** `text`, but `instead` for rows beyond the end. */
export const masked = (tile: Tile, q: number, text: string, instead: string): string =>
  isRagged(tile) ? `select(${text}, ${instead}, beyond${q})` : text

export interface Product {
  /** Sums are called `{sum}{r}_{q}`. */
  readonly sum: string
  /** Rows of this subgroup. */
  readonly own: Rows
  readonly other: Rows
}

/** Addresses of this subgroup's rows, 8 at a time; outside the loop over blocks, since the driver hoists nothing. */
export const ownAddresses = (tile: Tile, products: readonly Product[]): readonly string[] =>
  products.flatMap(({ sum, own }) =>
    range(Math.ceil(tile.rows / LANES)).map(
      (p) => `let ${sum}_own${p} = ${begin(tile, own, clamp(tile, `first + ${p * LANES}u + lane`))};`,
    ),
  )

/** `{sum}{r}_{q}` = own row r · q-th row of this lane in the block at `t`. */
export const innerProducts = (tile: Tile, products: readonly Product[]): readonly string[] => [
  ...products.flatMap(({ sum, other }) => [
    ...everyPair(tile, (r, q) => `var ${sum}${r}_${q} = 0.0;`),
    ...range(tile.keys).map((q) => `let ${sum}_other${q} = ${begin(tile, other, otherRow(tile, q))};`),
  ]),
  `for (var c = 0u; c < ${tile.chunks}u; c++) {`,
  ...products.flatMap((product) => ['{', ...addChunk(tile, product), '}']),
  '}',
]

const addChunk = (tile: Tile, { sum, own, other }: Product): readonly string[] => {
  const components = tile.width === 1 ? [''] : ['.x', '.y', '.z', '.w'].slice(0, tile.width)
  return [
    ...range(tile.keys).map((q) => `let b${q} = ${load(tile, other, `${sum}_other${q}`, 'c')};`),
    ...range(Math.ceil(tile.rows / LANES)).map((p) => `let a${p} = ${load(tile, own, `${sum}_own${p}`, 'c')};`),
    ...range(tile.rows).flatMap((r) =>
      components.map((component) => {
        const a = `subgroupBroadcast(a${Math.floor(r / LANES)}${component}, ${r % LANES}u)`
        const additions = range(tile.keys).map((q) => `${sum}${r}_${q} += a * b${q}${component};`)
        return `{ let a = ${a}; ${additions.join(' ')} }`
      }),
    ),
  ]
}

export interface WeightedSum {
  /** Sums are called `{into}{r}_{i}`: vector of columns `lane + 8i`. */
  readonly into: string
  /** Weights are called `{weight}{r}_{q}`, zero beyond the end. */
  readonly weight: string
  readonly from: Rows
}

export const zeroSums = (tile: Tile, into: string): readonly string[] =>
  everyRow(tile, (r) => everyColumn(tile, (i) => `var ${into}${r}_${i} = ${tile.type}();`))

export const scaleSums = (tile: Tile, into: string, factor: (r: number) => string): readonly string[] =>
  everyRow(tile, (r) => `{ let f = ${factor(r)}; ${everyColumn(tile, (i) => `${into}${r}_${i} *= f;`)} }`)

/** `{into}{r}` += Σ over the rows of the block: `{weight}{r}` of it · the row. */
export const weightedSums = (tile: Tile, sums: readonly WeightedSum[]): readonly string[] => [
  `for (var j = 0u; j < ${filledLanes(tile)}; j++) {`,
  ...sums.flatMap(({ into, weight, from }) => [
    '{',
    ...range(tile.keys).flatMap((q) => [
      `let from${q} = ${begin(tile, from, clamp(tile, `t + j * ${tile.keys}u + ${q}u`))};`,
      everyColumn(tile, (i) => `let x${q}_${i} = ${load(tile, from, `from${q}`, `column${i}`)};`),
    ]),
    ...everyPair(
      tile,
      (r, q) =>
        `{ let w = subgroupShuffle(${weight}${r}_${q}, j); ${everyColumn(tile, (i) => `${into}${r}_${i} += w * x${q}_${i};`)} }`,
    ),
    '}',
  ]),
  '}',
]

/** Lanes which a row of this block lies in. */
const filledLanes = (tile: Tile): string =>
  isRagged(tile) ? `min(${LANES}u, (${tile.spec.sequence + tile.keys - 1}u - t) / ${tile.keys}u)` : `${LANES}u`

/** Stores the sums of every own row. */
export const storeSums = (tile: Tile, into: string, to: Rows): readonly string[] =>
  everyRow(tile, (r) => {
    const stores = everyColumn(tile, (i) => {
      const store = `${to.buffer}[to + column${i}] = ${into}${r}_${i};`
      return isWhole(tile, i) ? store : `if (lane + ${i * LANES}u < ${tile.chunks}u) { ${store} }`
    })
    return ifOwn(tile, r, `let to = ${to.address(`(first + ${r}u)`)}; ${stores}`)
  })

/** The statement, where own row r is there. */
export const ifOwn = ({ spec, rows }: Tile, r: number, statement: string): string =>
  spec.sequence % rows === 0 ? `{ ${statement} }` : `if (first + ${r}u < ${spec.sequence}u) { ${statement} }`

/** Whether every lane has an i-th vector of columns. */
const isWhole = ({ chunks }: Tile, i: number) => (i + 1) * LANES <= chunks

export const openBlocks = ({ spec, keys }: Tile): string =>
  `for (var t = 0u; t < ${spec.sequence}u; t += ${LANES * keys}u) {`

export const tileKernel = (
  tile: Tile,
  name: string,
  bindings: readonly (readonly [name: string, type: string])[],
  body: readonly string[],
): Kernel => {
  const images = bindings.flatMap(([buffer], binding) =>
    isImage(tile, buffer) ? [imageSpec(tile.spec, binding, ROWS_OF_LINE[buffer]!)] : [],
  )
  const wgsl = [
    'enable subgroups;',
    ...declare(bindings),
    ...images.map((image, i) => declareImage(bindings.length + i, bindings[image.binding]![0], image)),
    `@compute @workgroup_size(${LANES})`,
    'fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(subgroup_invocation_id) lane: u32) {',
    tile.grid.wgsl,
    `let first = part * ${tile.rows}u;`,
    ...range(tile.columns).map((i) => {
      const column = `lane + ${i * LANES}u`
      return `let column${i} = ${isWhole(tile, i) ? column : `min(${column}, ${tile.chunks - 1}u)`};`
    }),
    ...body,
    '}',
  ].join('\n')
  return {
    name: `${name} ${describeSpec(tile.spec)} ${tile.rows}×${LANES * tile.keys}`,
    bindings: bindings.length,
    ...(images.length > 0 && { images }),
    workgroups: tile.grid.workgroups,
    wgsl,
  }
}
