/**
 * Attention on GPUs: one invocation owns one row of d numbers (a query or a key) in registers and meets all rows of the
 * other kind, four at a time. These come from two tiles in workgroup memory, which all invocations fill together:
 *
 *      invocation i:  row i ──┐                 ┌─ tile of ≤ 32 rows, e.g. of k ─┐
 *                             ├─ 4 products  ←──┤ t  t+1  t+2  t+3  …            │
 *      in registers:  sums ───┘                 └─ and of v ─────────────────────┘
 *
 * Software adapters without subgroups take the same way without tiles, one row at a time: barriers are dear there.
 */
import { type Grid, range } from '../grid.js'
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

export interface RowPlan extends Vectors {
  /** Invocations of a workgroup, a row each. */
  readonly rows: number
  /** Rows of the other kind met at a time. */
  readonly block: number
  /** Rows held in workgroup memory, a multiple of `block`; 0: none. */
  readonly tile: number
  /** Whether one kernel writes both dk and dv. */
  readonly together: boolean
  readonly grid: Grid
}

const BLOCK = 4
const MOST_TILE_ROWS = 32
/** The two tiles together: what WebGPU promises everywhere. Small, so that several workgroups fit on a multiprocessor. */
const TILE_BYTES = 16384
const WARP = 32
/** Most numbers of a row for which k, v, dk and dv stay in the registers of an invocation (255 on NVIDIA). */
const MOST_TOGETHER = 32

export const planRows = (spec: AttentionSpec, target: Target): RowPlan => {
  const { adapterClass, maxWorkgroupMemoryBytes } = target
  const grid = (rows: number) => partsOf(spec, rows, target)
  const vectors = { ...vectorsOf(spec), together: spec.headDim <= MOST_TOGETHER }
  if (adapterClass === 'software') return { ...vectors, rows: 16, block: 1, tile: 0, grid: grid(16) }
  const bytes = Math.min(TILE_BYTES, maxWorkgroupMemoryBytes)
  const fitting = Math.min(MOST_TILE_ROWS, Math.floor(bytes / (8 * spec.headDim)), spec.sequence + BLOCK - 1)
  const tile = Math.floor(fitting / BLOCK) * BLOCK
  // A short sequence takes one workgroup, which then loads everything only once.
  const rows = spec.sequence <= 4 * WARP ? Math.ceil(spec.sequence / WARP) * WARP : 2 * WARP
  return { ...vectors, rows, block: tile === 0 ? 1 : BLOCK, tile, grid: grid(rows) }
}

/** The kinds of rows that are met (at most two), by the names which `met` knows them by. */
export type Met = readonly (readonly [name: string, rows: Rows])[]

/** Chunk c of the j-th row of the block. */
const met = ({ tile, chunks }: RowPlan, name: string, rows: Rows, j: number, c: number): string =>
  tile === 0 ? `${rows.buffer}[${name}_at${j} + ${c}u]` : `${name}_tile[(e + ${j}u) * ${chunks}u + ${c}u]`

/** Runs `body` for every block; `t + j` is its j-th row. */
export const forBlocks = (plan: RowPlan, kinds: Met, body: readonly string[]): readonly string[] => {
  const { spec, tile, block, chunks, rows } = plan
  if (tile === 0)
    return [
      `for (var t = 0u; t < ${spec.sequence}u; t += ${block}u) {`,
      ...kinds.flatMap(([name, { address }]) =>
        range(block).map((j) => `let ${name}_at${j} = ${address(clamp(plan, `t + ${j}u`))};`),
      ),
      ...body,
      '}',
    ]
  return [
    `for (var start = 0u; start < ${spec.sequence}u; start += ${tile}u) {`,
    'workgroupBarrier();',
    `for (var i = lane; i < ${tile * chunks}u; i += ${rows}u) {`,
    `let token = ${clamp(plan, `start + i / ${chunks}u`)};`,
    ...kinds.map(([name, { buffer, address }]) => `${name}_tile[i] = ${buffer}[${address('token')} + i % ${chunks}u];`),
    '}',
    'workgroupBarrier();',
    `let end = min(${tile}u, ${spec.sequence}u - start);`,
    `for (var e = 0u; e < end; e += ${block}u) {`,
    'let t = start + e;',
    ...body,
    '}',
    '}',
  ]
}

/** `text`, but `instead` where the j-th row of the block lies beyond the end. */
export const masked = ({ spec, block }: RowPlan, j: number, text: string, instead: string): string => {
  const rest = spec.sequence % block
  return rest === 0 || j < rest ? text : `select(${text}, ${instead}, t + ${j}u >= ${spec.sequence}u)`
}

/** `{sum}{j}` = own row `own` · j-th row of the block. */
export const products = (plan: RowPlan, sum: string, own: string, name: string, rows: Rows): readonly string[] => [
  ...range(plan.block).map((j) => `var ${sum}${j} = 0.0;`),
  ...range(plan.chunks).flatMap((c) =>
    range(plan.block).map((j) => {
      const other = met(plan, name, rows, j, c)
      return `${sum}${j} += ${plan.width === 1 ? `${own}${c} * ${other}` : `dot(${own}${c}, ${other})`};`
    }),
  ),
]

/** `{into}` += Σ_j `{weight}{j}` · j-th row of the block. */
export const accumulate = (plan: RowPlan, into: string, weight: string, name: string, rows: Rows): readonly string[] =>
  range(plan.chunks).map((c) => {
    const terms = range(plan.block).map((j) => `${weight}${j} * ${met(plan, name, rows, j, c)}`)
    return `${into}${c} += ${terms.join(' + ')};`
  })

/** `name0 … name{chunks−1}`: this invocation's row in registers. */
export const loadRow = ({ chunks }: RowPlan, name: string, { buffer, address }: Rows): readonly string[] => [
  `let ${name}_at = ${address('row')};`,
  ...range(chunks).map((c) => `let ${name}${c} = ${buffer}[${name}_at + ${c}u];`),
]
export const zeroRow = ({ chunks, type }: RowPlan, name: string): readonly string[] =>
  range(chunks).map((c) => `var ${name}${c} = ${type}();`)
/** `as`: what becomes of a vector on its way. */
export const storeRow = (
  { chunks }: RowPlan,
  name: string,
  { buffer, address }: Rows,
  as = (vector: string) => vector,
): readonly string[] => [
  `let ${name}_to = ${address('row')};`,
  ...range(chunks).map((c) => `${buffer}[${name}_to + ${c}u] = ${as(`${name}${c}`)};`),
]
/** A vector of numbers that are kept in f16. */
export const halfType = ({ width }: Vectors): string => (width === 1 ? 'f16' : `vec${width}h`)
/** Only where this invocation's row is there. */
export const guarded = (plan: RowPlan, statements: readonly string[]): readonly string[] =>
  plan.spec.sequence % plan.rows === 0 ? statements : [`if (row_ < ${plan.spec.sequence}u) {`, ...statements, '}']

export const rowKernel = (
  plan: RowPlan,
  name: string,
  bindings: readonly (readonly [name: string, type: string])[],
  kinds: Met,
  body: readonly string[],
): Kernel => ({
  name: `${name} ${describeSpec(plan.spec)}`,
  bindings: bindings.length,
  workgroups: plan.grid.workgroups,
  wgsl: [
    ...(bindings.some(([, type]) => type === halfType(plan)) ? ['enable f16;'] : []),
    ...declare(bindings),
    ...(plan.tile === 0
      ? []
      : kinds.map(([kind]) => `var<workgroup> ${kind}_tile: array<${plan.type}, ${plan.tile * plan.chunks}>;`)),
    `@compute @workgroup_size(${plan.rows})`,
    'fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {',
    plan.grid.wgsl,
    `let row_ = part * ${plan.rows}u + lane;`,
    `let row = ${clamp(plan, 'row_')};`,
    ...body,
    '}',
  ].join('\n'),
})
