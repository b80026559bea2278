/**
 * What the attention kernels share: one invocation owns one row of d numbers (a query or a key) in registers and meets all
 * rows of the other kind. On software adapters eight of those come at a time, one loaded by each lane of the subgroup and
 * handed round with subgroupBroadcast, which costs an eighth of the loads; elsewhere they come one by one, every
 * invocation reading the same address.
 *
 * Memory: packed projections [B, T, 3, H, d] (q, k, v), rows of the output [B, T, H, d], statistics [B, H, T].
 */
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
}

export const range = (n: number) => Array.from({ length: n }, (_, i) => i)

export interface RowPlan {
  readonly spec: AttentionSpec
  /** Invocations of a workgroup, a row each. */
  readonly rows: number
  /** Rows of the other kind met at a time. */
  readonly block: 1 | 8
  /** Numbers of a row are held in `chunks` vectors of `width`. */
  readonly width: 1 | 2 | 4
  readonly chunks: number
  readonly type: string
}

export const planRows = (spec: AttentionSpec, target: Target): RowPlan => {
  const broadcasts = target.adapterClass === 'software' && target.subgroupSize === 8
  const width = spec.headDim % 4 === 0 ? 4 : spec.headDim % 2 === 0 ? 2 : 1
  return {
    spec,
    rows: broadcasts ? 8 : target.adapterClass === 'software' ? 16 : 64,
    block: broadcasts ? 8 : 1,
    width,
    chunks: spec.headDim / width,
    type: width === 1 ? 'f32' : `vec${width}f`,
  }
}

export const gridOfRows = ({ spec, rows }: RowPlan): readonly [number, number, number] => [
  Math.ceil(spec.sequence / rows),
  spec.heads,
  spec.batch,
]

/** Which third of the packed projections. */
const PART = { q: 0, k: 1, v: 2 } as const
type Part = keyof typeof PART

/** Address (in vectors) of a token's row in the packed projections, or in an output. */
export const packedAddress = ({ spec, chunks }: RowPlan, part: Part, token: string): string =>
  `(((workgroup.z * ${spec.sequence}u + ${token}) * 3u + ${PART[part]}u) * ${spec.heads}u + workgroup.y) * ${chunks}u`
export const outputAddress = ({ spec, chunks }: RowPlan, token: string): string =>
  `((workgroup.z * ${spec.sequence}u + ${token}) * ${spec.heads}u + workgroup.y) * ${chunks}u`
export const statisticsAddress = ({ spec }: RowPlan, token: string): string =>
  `(workgroup.z * ${spec.heads}u + workgroup.y) * ${spec.sequence}u + ${token}`

/** `name0 … name{chunks−1}`: a row in registers. */
export const loadRow = ({ chunks }: RowPlan, name: string, buffer: string, address: string): readonly string[] => [
  `let ${name}_at = ${address};`,
  ...range(chunks).map((c) => `let ${name}${c} = ${buffer}[${name}_at + ${c}u];`),
]
export const zeroRow = ({ chunks, type }: RowPlan, name: string): readonly string[] =>
  range(chunks).map((c) => `var ${name}${c} = ${type}();`)
export const storeRow = ({ chunks }: RowPlan, name: string, buffer: string, address: string): readonly string[] => [
  `let ${name}_to = ${address};`,
  ...range(chunks).map((c) => `${buffer}[${name}_to + ${c}u] = ${name}${c};`),
]

export const dotText = ({ width }: RowPlan, a: string, b: string): string =>
  width === 1 ? `${a} * ${b}` : `dot(${a}, ${b})`

/** Value `name` of row `j` of the block, loaded by lane j. */
export const fromLane = ({ block }: RowPlan, name: string, j: number): string =>
  block === 1 ? name : `subgroupBroadcast(${name}, ${j}u)`

/** Opens the loop over the rows of the other kind: `other` is the row this lane loads, `t + j` the j-th of the block. */
export const openLoop = ({ spec, block }: RowPlan): readonly string[] => {
  const last = spec.sequence - 1
  if (block === 1) return [`for (var t = 0u; t < ${spec.sequence}u; t++) {`, 'let other = t;']
  const other = spec.sequence % block === 0 ? 't + lane' : `min(t + lane, ${last}u)`
  return [`for (var t = 0u; t < ${spec.sequence}u; t += ${block}u) {`, `let other = ${other};`]
}

/** The test whether row j of the block lies beyond the end; none where it never does. */
export const isBeyond = ({ spec, block }: RowPlan, j: number): string | undefined => {
  const rest = spec.sequence % block
  return rest === 0 || j < rest ? undefined : `t + ${j}u >= ${spec.sequence}u`
}

/** The head of every attention kernel: this invocation's row, clamped so that loads stay in bounds. */
export const header = (
  plan: RowPlan,
  bindings: readonly (readonly [name: string, type: string])[],
): readonly string[] => [
  ...(plan.block === 8 ? ['enable subgroups;'] : []),
  ...bindings.map(([name, type], i) => `@group(0) @binding(${i}) var<storage, read_write> ${name}: array<${type}>;`),
  `@compute @workgroup_size(${plan.rows})`,
  'fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {',
  `let row_ = workgroup.x * ${plan.rows}u + lane;`,
  `let row = min(row_, ${plan.spec.sequence - 1}u);`,
]

export const guarded = (plan: RowPlan, statements: readonly string[]): readonly string[] =>
  plan.spec.sequence % plan.rows === 0 ? statements : [`if (row_ < ${plan.spec.sequence}u) {`, ...statements, '}']

export const describeSpec = ({ batch, sequence, heads, headDim }: AttentionSpec): string =>
  `[${batch},${sequence},${heads},${headDim}]`
