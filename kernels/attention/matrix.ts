/**
 * Attention on matrix units (tensor cores), f16 operands and f32 sums. A subgroup owns m rows (queries, or in the backward
 * pass also keys), whose matrices it keeps in registers, and meets all rows of the other kind from workgroup memory, a span of
 * columns at a time:
 *
 *            span
 *        ┌─────────┐          own rows · otherᵀ  →  staged (f32)  →  each lane: weights of a part of a row
 *      m │ scores  │                                  →  weights (f16)  →  · other rows  →  sums in registers
 *        └─────────┘
 *
 * The unit gives no way to single elements, so the scores go through workgroup memory to the lanes and come back as weights.
 * For the same reason sums in registers cannot be rescaled row by row: the forward pass looks for the largest score of every
 * row first, then computes all scores again (Dao et al., 2022, would rescale).
 *
 * Rows beyond the end of the sequence are zeros; as columns they get no weight, as rows they are not stored. Written for
 * 16×16×16 units; any will do whose sizes divide those of a head. Nothing is shuffled across subgroups: see `matmul/matrix.ts`.
 */
import { type Grid, range } from '../grid.js'
import type { Kernel, MatrixUnit, Target } from '../kernel.js'
import { type AttentionSpec, declare, describeSpec, partsOf, type Rows, type Vectors, vectorsOf } from './spec.js'

export interface MatrixPlan extends Vectors {
  readonly unit: MatrixUnit
  /** Of a workgroup; each owns `unit.m` rows. */
  readonly subgroups: number
  /** Rows a workgroup owns, and rows that its memory holds of a kind: as many, in whole spans. */
  readonly rows: number
  readonly held: number
  /** Columns of scores that a subgroup has at a time. */
  readonly span: number
  /** Elements from one row to the next: of a tile of rows (in 4-vectors), of scores, of weights. */
  readonly stride: { readonly tile: number; readonly staged: number; readonly weights: number }
  readonly grid: Grid
}

/** How many tiles of weights a kernel keeps beside the two tiles of rows; with two also the statistics of columns. */
type Weights = 0 | 1 | 2

const MOST_SUBGROUPS = 6
/** Other banks for the next row, and rows of whole 16 bytes, which Vulkan wants. */
const PADDING = { halves: 8, singles: 4 } as const

/** Undefined where no plan fits the head or the adapter. */
export const planMatrix = (spec: AttentionSpec, weights: Weights, target: Target): MatrixPlan | undefined => {
  const { matrix: unit, maxWorkgroupMemoryBytes, maxWorkgroupInvocations } = target
  const { headDim, sequence } = spec
  if (spec.precision !== 'f16' || unit === undefined) return undefined
  const { m, n, k, subgroupSize } = unit
  const isWhole = [n, k, 4].every((size) => headDim % size === 0) && subgroupSize % m === 0
  if (!isWhole) return undefined
  const step = Math.max(n, k)
  const tiles = Math.ceil(sequence / m)
  for (let most = MOST_SUBGROUPS; most > 0; most--) {
    // Workgroups of equal size.
    const subgroups = Math.ceil(tiles / Math.ceil(tiles / most))
    const rows = subgroups * m
    for (const span of [2 * step, step]) {
      const held = Math.ceil(rows / span) * span
      const stride = {
        tile: (headDim + PADDING.halves) / 4,
        staged: span + PADDING.singles,
        weights: span + PADDING.halves,
      }
      const perSubgroup = m * (4 * stride.staged + 2 * weights * stride.weights)
      const bytes = 2 * held * 8 * stride.tile + subgroups * perSubgroup + (weights === 2 ? 2 * 4 * held : 0)
      if (bytes > maxWorkgroupMemoryBytes || subgroups * subgroupSize > maxWorkgroupInvocations) continue
      return { ...vectorsOf(spec), unit, subgroups, rows, held, span, stride, grid: partsOf(spec, rows, target) }
    }
  }
  return undefined
}

const of = ({ unit }: MatrixPlan, kind: 'left' | 'right' | 'result'): string => {
  const sizes = { left: [unit.k, unit.m], right: [unit.n, unit.k], result: [unit.n, unit.m] }[kind]
  return `subgroup_matrix_${kind}<${kind === 'result' ? 'f32' : 'f16'}, ${sizes.join(', ')}>`
}

/** Chunks of a head along which products sum, and along which sums are kept. */
const summed = ({ spec, unit }: MatrixPlan) => range(spec.headDim / unit.k)
const kept = ({ spec, unit }: MatrixPlan) => range(spec.headDim / unit.n)

type Tile = 'tileA' | 'tileB'
/** Which rows go into which tile, from row number `first` on. */
type Filling = readonly [tile: Tile, rows: Rows, first: string]

/** Fills tiles; zeros beyond the end. All is asked of memory before the first of it is needed: that is what takes long. */
export const stage = (plan: MatrixPlan, ...fillings: readonly Filling[]): readonly string[] => {
  const { spec, held, chunks, subgroups, unit, stride } = plan
  const [vectors, invocations] = [held * chunks, subgroups * unit.subgroupSize]
  const shares = range(Math.ceil(vectors / invocations)).map((i) => {
    const at = `(thread + ${i * invocations}u)`
    const isThere = (i + 1) * invocations > vectors ? [`${at} < ${vectors}u`] : []
    return { i, line: `${at} / ${chunks}u`, place: `${at} % ${chunks}u`, isThere }
  })
  const names = ['x', 'y']
  return [
    '{',
    ...shares.flatMap(({ i, line, place, isThere }) => [
      ...fillings.flatMap(([, { buffer, address }, first], f) => {
        const [vector, token] = [`${names[f]}${i}`, `${names[f]}Token${i}`]
        const guards = [...isThere, `${token} < ${spec.sequence}u`].join(' && ')
        return [
          `let ${token} = ${first} + ${line}; var ${vector} = vec4h();`,
          `if (${guards}) { ${vector} = vec4h(${buffer}[${address(token)} + ${place}]); }`,
        ]
      }),
    ]),
    ...shares.flatMap(({ i, line, place, isThere }) => {
      const stores = fillings.map(([tile], f) => `${tile}[${line} * ${stride.tile}u + ${place}] = ${names[f]}${i};`)
      return isThere.length === 0 ? stores : [`if (${isThere[0]}) {`, ...stores, '}']
    }),
    '}',
  ]
}

/** This subgroup's rows of a tile as matrices `name0 …`, which stay when the tile is filled anew. */
export const own = (plan: MatrixPlan, name: string, tile: Tile): readonly string[] =>
  summed(plan).map(
    (c) =>
      `let ${name}${c} = subgroupMatrixLoad<${of(plan, 'left')}, row_major>(&${tile}, subgroup * ${plan.unit.m * plan.stride.tile}u + ${(c * plan.unit.k) / 4}u, ${plan.stride.tile}u);`,
  )

/** staged = own rows `name` · (rows `at … at + span` of a tile)ᵀ. */
export const scores = (plan: MatrixPlan, name: string, tile: Tile): readonly string[] =>
  range(plan.span / plan.unit.n).flatMap((j) => [
    `{ var c = ${of(plan, 'result')}();`,
    ...summed(plan).map(
      (c) =>
        `c = subgroupMatrixMultiplyAccumulate(${name}${c}, subgroupMatrixLoad<${of(plan, 'right')}, col_major>(&${tile}, (at + ${j * plan.unit.n}u) * ${plan.stride.tile}u + ${(c * plan.unit.k) / 4}u, ${plan.stride.tile}u), c);`,
    ),
    `subgroupMatrixStore<row_major>(&staged, ownStaged + ${j * plan.unit.n}u, c, ${plan.stride.staged}u); }`,
  ])

export const zero = (plan: MatrixPlan, name: string): readonly string[] =>
  kept(plan).map((j) => `var ${name}${j} = ${of(plan, 'result')}();`)

/** Sums `name` += weights · rows `at … at + span` of a tile. */
export const addWeighted = (plan: MatrixPlan, name: string, weights: string, tile: Tile): readonly string[] => [
  '{',
  ...range(plan.span / plan.unit.k).flatMap((s) => [
    `let weight${s} = subgroupMatrixLoad<${of(plan, 'left')}, row_major>(&${weights}, ownWeights + ${s * plan.unit.k}u, ${plan.stride.weights}u);`,
    ...kept(plan).map(
      (j) =>
        `${name}${j} = subgroupMatrixMultiplyAccumulate(weight${s}, subgroupMatrixLoad<${of(plan, 'right')}, row_major>(&${tile}, (at + ${s * plan.unit.k}u) * ${plan.stride.tile}u + ${(j * plan.unit.n) / 4}u, ${plan.stride.tile}u), ${name}${j});`,
    ),
  ]),
  '}',
]

/** Lanes that share a row. */
const perRow = ({ unit }: MatrixPlan) => unit.subgroupSize / unit.m

/** For the columns of a span that are this lane's, number i among them: `column` in the span, `score` in workgroup memory. */
export const columns = (plan: MatrixPlan, body: (i: number, column: string, score: string) => string) =>
  range(plan.span / perRow(plan)).map((i) => {
    const column = `(share + ${i * perRow(plan)}u)`
    return body(i, column, `staged[ownStaged + line * ${plan.stride.staged}u + ${column}]`)
  })

/** Where a column's weight goes. */
export const weightAt = ({ stride }: MatrixPlan, column: string): string =>
  `ownWeights + line * ${stride.weights}u + ${column}`

/** `name` becomes what `join` makes of the values of all lanes that share the row. */
export const joined = (plan: MatrixPlan, name: string, join: (a: string, b: string) => string): readonly string[] => {
  const at = (share: string) => `staged[ownStaged + line * ${plan.stride.staged}u + ${share}]`
  return [
    'workgroupBarrier();',
    `${at('share')} = ${name};`,
    'workgroupBarrier();',
    `${name} = ${range(perRow(plan))
      .map((i) => at(`${i}u`))
      .reduce(join)};`,
    'workgroupBarrier();',
  ]
}

/** Stores the sums `name` into the rows of a buffer; `as`: what becomes of a number on its way. */
export const storeSums = (
  plan: MatrixPlan,
  name: string,
  { buffer, address }: Rows,
  as = (value: string) => value,
): readonly string[] => {
  const { n } = plan.unit
  const each = plan.span / n
  return range(Math.ceil(kept(plan).length / each)).flatMap((part) => {
    const first = part * each
    const here = range(Math.min(each, kept(plan).length - first))
    return [
      ...here.map(
        (j) =>
          `subgroupMatrixStore<row_major>(&staged, ownStaged + ${j * n}u, ${name}${first + j}, ${plan.stride.staged}u);`,
      ),
      'workgroupBarrier();',
      `if (row < ${plan.spec.sequence}u) {`,
      `let to = (${address('row')}) * ${plan.width}u + ${first * n}u;`,
      ...columns(plan, (i, column, value) =>
        i * perRow(plan) >= here.length * n ? '' : `${buffer}[to + ${column}] = ${as(value)};`,
      ),
      '}',
      'workgroupBarrier();',
    ]
  })
}

/** Whether a tile has all rows of a kind. */
export const isHeldWhole = ({ spec, held }: MatrixPlan): boolean => spec.sequence <= held

/** Runs `body` for every span of the other rows; `at` is its place in the tiles, `before + at` its first row. */
export const forSpans = (
  plan: MatrixPlan,
  /** Fills the tiles with the other rows from `before` on; they are filled where it is missing. */
  fill: readonly string[] | undefined,
  body: readonly string[],
): readonly string[] => {
  const { spec, held, span } = plan
  const isOne = isHeldWhole(plan)
  const end = isOne ? `${Math.ceil(spec.sequence / span) * span}u` : `min(${held}u, ${spec.sequence}u - before)`
  return [
    isOne ? '{ let before = 0u;' : `for (var before = 0u; before < ${spec.sequence}u; before += ${held}u) {`,
    ...(fill === undefined ? [] : ['workgroupBarrier();', ...fill, 'workgroupBarrier();']),
    `for (var at = 0u; at < ${end}; at += ${span}u) {`,
    ...body,
    '}',
    '}',
  ]
}

/** `text`, but `instead` where the column lies beyond the end. */
export const masked = ({ spec, span }: MatrixPlan, column: string, text: string, instead: string): string =>
  spec.sequence % span === 0 ? text : `select(${instead}, ${text}, before + at + ${column} < ${spec.sequence}u)`

/** What scores are multiplied by. */
export const scaleOf = ({ spec }: MatrixPlan): number => 1 / Math.sqrt(spec.headDim)

/** The binding of the projections. */
export const projections = ({ spec }: MatrixPlan) => ['qkv', spec.halfInput === true ? 'vec4h' : 'vec4f'] as const

export const matrixKernel = (
  plan: MatrixPlan,
  name: string,
  bindings: readonly (readonly [name: string, type: string])[],
  memory: readonly string[],
  body: readonly string[],
): Kernel => {
  const { unit, subgroups, rows, held, stride, grid } = plan
  return {
    name: `${name} ${describeSpec(plan.spec)} matrix ${subgroups}×${plan.span}`,
    bindings: bindings.length,
    workgroups: grid.workgroups,
    wgsl: [
      'enable f16; enable subgroups; enable chromium_experimental_subgroup_matrix;',
      ...(unit.asksForSize ? ['enable subgroup_size_control;'] : []),
      'requires subgroup_id;',
      'diagnostic(off, chromium.subgroup_matrix_uniformity);',
      ...declare(bindings),
      `var<workgroup> tileA: array<vec4h, ${held * stride.tile}>;`,
      `var<workgroup> tileB: array<vec4h, ${held * stride.tile}>;`,
      `var<workgroup> staged: array<f32, ${subgroups * unit.m * stride.staged}>;`,
      ...memory,
      `@compute @workgroup_size(${subgroups * unit.subgroupSize})${unit.asksForSize ? ` @subgroup_size(${unit.subgroupSize})` : ''}`,
      'fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) thread: u32, @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_invocation_id) lane: u32) {',
      grid.wgsl,
      `let ownStaged = subgroup * ${unit.m * stride.staged}u; let ownWeights = subgroup * ${unit.m * stride.weights}u;`,
      `let line = lane / ${perRow(plan)}u; let share = lane % ${perRow(plan)}u;`,
      `let firstRow = part * ${rows}u; let row = firstRow + subgroup * ${unit.m}u + line;`,
      ...body,
      '}',
    ].join('\n'),
  }
}

/** The declaration of a tile of weights. */
export const weightTile = ({ subgroups, unit, stride }: MatrixPlan, name: string): string =>
  `var<workgroup> ${name}: array<f16, ${subgroups * unit.m * stride.weights}>;`
