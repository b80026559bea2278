/**
 * Matmul for matrix units (tensor cores) through WGSL's experimental subgroup matrices: C = A·B with A and B rounded to
 * f16 and f32 sums. The unit multiplies an M×K by a K×N matrix and adds to an M×N one (16×16×16 on NVIDIA and AMD):
 *
 *                               ┌───────────────┐
 *                               │    B tile     │ depth × across·columns·N      down×across subgroups a workgroup, each
 *                     depth     ├───────┬───────┤                               with rows×columns accumulators:
 *                    ┌──────┐   │ ░ ░   │       │
 *                    │A tile│   │ ░ ░   │       │ down·rows·M                       for each K of depth:
 *                    │      │   ├───────┼───────┤                                     load `columns` matrices of B
 *                    │      │   │       │       │ ░ M×N                               for each row: load one of A,
 *                    └──────┘   └───────┴───────┘                                       `columns` multiplications
 *
 * The operands are rounded and laid into workgroup memory as they lie in memory, line by line, each line 8 values longer
 * than its tile: other banks for the next line, and lines of whole 16 bytes, which Vulkan wants. Which axis is the lines'
 * only decides between row_major and col_major:
 *
 *      A  nn, nt: k fast, lines are rows of A: row_major;     tn: lines are steps of k: col_major
 *      B  nn, tn: lines are steps of k: row_major;            nt: k fast, lines are columns of B: col_major
 *
 * While a tile is multiplied the next one is on its way from memory to registers.
 *
 * A tile that lies wholly in C is stored straight from the accumulators; of others each subgroup puts one accumulator at a
 * time into workgroup memory, whence its lanes take the elements that exist. So it does, two at a time, where pairs of
 * columns are finished: of a subgroup's columns the first half are first ones, the others their partners, so that its
 * accumulators are pairs too.
 *
 * Written for Vulkan on NVIDIA; the same text serves any unit that takes f16 and gives f32. Nothing here adds or shuffles
 * across subgroups: drivers have crashed on modules with both. Uniformity is off because Tint cannot see that loops and
 * the place of a workgroup are the same for all its lanes. The design follows ONNX Runtime's 16×16×16 kernel and
 * llama.cpp's `mul_mat_subgroup_matrix`, but for f32 sums.
 */
import { range } from '../grid.js'
import type { Kernel, MatrixUnit, Target } from '../kernel.js'
import {
  batchStrides,
  bindingCount,
  declareOperands,
  isHalf,
  type MatmulSpec,
  type MatrixTile,
  nameOf,
  type Pairs,
  pairsOf,
  tileGrid,
} from './spec.js'
import { type OperandTile, stagedOperand } from './staging.js'

const PADDING = 8
/** Accumulators that a subgroup has in workgroup memory at a time. */
const STAGED = 2

/** Invocations and bytes of workgroup memory of a variant: an adapter has limits on both. */
export const matrixNeeds = ({ down, across, rows, columns, depth }: MatrixTile, unit: MatrixUnit) => {
  const [m, n] = [down * rows * unit.m, across * columns * unit.n]
  // Whichever axis the lines are along: the longer of both layouts.
  const half = (extent: number) => 2 * Math.max(extent * (depth + PADDING), depth * (extent + PADDING))
  return {
    invocations: down * across * unit.subgroupSize,
    bytes: half(m) + half(n) + 4 * down * across * STAGED * unit.m * unit.n,
  }
}

export const matrixMatmul = (spec: MatmulSpec, tile: MatrixTile, target: Target): Kernel => {
  const unit = target.matrix
  if (unit === undefined || spec.precision !== 'f16')
    throw new Error('matmul: matrix units take f16, where there are any')
  const { down, across, rows, columns, depth } = tile
  const { layout, m, n, k } = spec
  const pairs = pairsOf(spec)
  if (pairs !== undefined && columns % 2 !== 0)
    throw new Error('matmul: a subgroup with one column of matrices has no pairs')
  const extent = { m: down * rows * unit.m, n: across * columns * unit.n }
  const { invocations } = matrixNeeds(tile, unit)
  const strides = batchStrides(spec)
  const a = operand('A', { extent: extent.m, size: m, depth, k, isKFast: layout !== 'tn', isHalf: isHalf(spec, 'A') })
  const b = operand('B', {
    ...{ extent: extent.n, size: n, depth, k, isKFast: layout === 'nt', isHalf: isHalf(spec, 'B') },
    pairs: pairs && { of: pairs, width: columns * unit.n },
  })
  const left = `subgroup_matrix_left<f16, ${unit.k}, ${unit.m}>`
  const right = `subgroup_matrix_right<f16, ${unit.n}, ${unit.k}>`
  const result = `subgroup_matrix_result<f32, ${unit.n}, ${unit.m}>`
  const all = range(rows).flatMap((i) => range(columns).map((j) => ({ i, j })))

  const multiply = range(depth / unit.k).flatMap((step) => [
    ...range(columns).map(
      (j) =>
        `let b${step}_${j} = subgroupMatrixLoad<${right}, ${b.majority('k')}>(&tileB, ${b.at(`(subgroupColumn + ${j * unit.n}u)`, step * unit.k)}, ${b.stride}u);`,
    ),
    ...range(rows).flatMap((i) => [
      `let a${step}_${i} = subgroupMatrixLoad<${left}, ${a.majority('x')}>(&tileA, ${a.at(`(subgroupRow + ${i * unit.m}u)`, step * unit.k)}, ${a.stride}u);`,
      ...range(columns).map(
        (j) => `c${i}_${j} = subgroupMatrixMultiplyAccumulate(a${step}_${i}, b${step}_${j}, c${i}_${j});`,
      ),
    ]),
  ])

  const elements = unit.m * unit.n
  const place = ({ i, j }: { readonly i: number; readonly j: number }) => ({
    row: `firstA + subgroupRow + ${i * unit.m}u`,
    column: `firstB + subgroupColumn + ${j * unit.n}u`,
  })
  const direct = all.map((one) => {
    const { row, column } = place(one)
    return `subgroupMatrixStore<row_major>(&C, startC + (${row}) * ${n}u + ${column}, c${one.i}_${one.j}, ${n}u);`
  })
  const guards = [...(a.edge ? [`row < ${m}u`] : []), ...(b.edge ? [`column < ${n}u`] : [])]
  const store = `C[startC + row * ${n}u + column] = staged[own + e];`
  const throughMemory = all.flatMap((one) => {
    const { row, column } = place(one)
    return [
      `subgroupMatrixStore<row_major>(&staged, own, c${one.i}_${one.j}, ${unit.n}u);`,
      'workgroupBarrier();',
      `for (var e = lane; e < ${unit.m * unit.n}u; e += ${unit.subgroupSize}u) {`,
      `let row = ${row} + e / ${unit.n}u; let column = ${column} + e % ${unit.n}u;`,
      guards.length === 0 ? store : `if (${guards.join(' && ')}) { ${store} }`,
      '}',
      'workgroupBarrier();',
    ]
  })
  /** A pair of accumulators, side by side, through workgroup memory to the lanes. */
  const finishPairs = ({ i, j }: { readonly i: number; readonly j: number }, of: Pairs): readonly string[] => {
    const shares = range(Math.ceil(elements / unit.subgroupSize)).map((e) => ({
      at: `lane + ${e * unit.subgroupSize}u`,
      isWhole: (e + 1) * unit.subgroupSize <= elements,
    }))
    return [
      `subgroupMatrixStore<row_major>(&staged, own, c${i}_${j}, ${unit.n}u);`,
      `subgroupMatrixStore<row_major>(&staged, own + ${elements}u, c${i}_${j + columns / 2}, ${unit.n}u);`,
      'workgroupBarrier();',
      ...shares.map(({ at, isWhole }) => {
        const conditions = [
          ...(isWhole ? [] : [`${at} < ${elements}u`]),
          ...(a.edge ? [`row < ${m}u`] : []),
          ...(b.edge ? [`pair < ${of.count}u`] : []),
        ]
        const finish = of.finish('row', 'pair', `staged[own + ${at}]`, `staged[own + ${elements}u + ${at}]`)
        return [
          `{ let row = firstA + subgroupRow + ${i * unit.m}u + (${at}) / ${unit.n}u;`,
          `let pair = firstB / 2u + subgroupColumn / 2u + ${j * unit.n}u + (${at}) % ${unit.n}u;`,
          `${conditions.length === 0 ? finish : `if (${conditions.join(' && ')}) { ${finish} }`} }`,
        ].join(' ')
      }),
      'workgroupBarrier();',
    ]
  }
  const storeTile = (): readonly string[] => {
    if (pairs !== undefined) return all.filter(({ j }) => j < columns / 2).flatMap((one) => finishPairs(one, pairs))
    // Rows of whole 16 bytes, as Vulkan wants of what a matrix is stored to.
    if (n % 4 !== 0) return throughMemory
    const inside = [
      ...(a.edge ? [`firstA + ${extent.m}u <= ${m}u`] : []),
      ...(b.edge ? [`firstB + ${extent.n}u <= ${n}u`] : []),
    ]
    if (inside.length === 0) return direct
    return [`if (${inside.join(' && ')}) {`, ...direct, '} else {', ...throughMemory, '}']
  }
  const stores = storeTile()
  const usesMemory = stores !== direct
  const grid = tileGrid(target, Math.ceil(n / extent.n), Math.ceil(m / extent.m), spec.batch)
  const wgsl = [
    'enable f16; enable subgroups; enable chromium_experimental_subgroup_matrix;',
    ...(unit.asksForSize ? ['enable subgroup_size_control;'] : []),
    'requires subgroup_id;',
    'diagnostic(off, chromium.subgroup_matrix_uniformity);',
    declareOperands(spec, { a: a.type, b: b.type, c: 'f32' }),
    a.declare,
    b.declare,
    ...(usesMemory ? [`var<workgroup> staged: array<f32, ${down * across * STAGED * elements}>;`] : []),
    `@compute @workgroup_size(${invocations})${unit.asksForSize ? ` @subgroup_size(${unit.subgroupSize})` : ''}`,
    'fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) thread: u32, @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_invocation_id) lane: u32) {',
    grid.wgsl,
    `let firstA = tileRow * ${extent.m}u; let firstB = tileColumn * ${extent.n}u;`,
    `let startA = product * ${strides.a}u; let startB = product * ${strides.b}u; let startC = product * ${strides.c}u;`,
    `let subgroupRow = subgroup / ${across}u * ${rows * unit.m}u; let subgroupColumn = subgroup % ${across}u * ${columns * unit.n}u;`,
    ...(usesMemory ? [`let own = subgroup * ${STAGED * elements}u;`] : []),
    ...all.map(({ i, j }) => `var c${i}_${j} = ${result}();`),
    ...[a, b].flatMap((operand) => operand.declareNext(invocations)),
    '{ let k = 0u;',
    ...[a, b].flatMap((operand) => operand.load(invocations)),
    '}',
    `for (var start = 0u; start < ${k}u; start += ${depth}u) {`,
    ...[a, b].flatMap((operand) => operand.keep(invocations)),
    'workgroupBarrier();',
    `if (start + ${depth}u < ${k}u) { let k = start + ${depth}u;`,
    ...[a, b].flatMap((operand) => operand.load(invocations)),
    '}',
    ...multiply,
    'workgroupBarrier();',
    '}',
    ...stores,
    '}',
  ].join('\n')
  return {
    name: nameOf(spec, { family: 'matrix', ...tile }),
    wgsl,
    bindings: bindingCount(spec),
    workgroups: grid.workgroups,
  }
}

/** An operand's tile as halves in workgroup memory; x: its own axis, rows of A or columns of B. */
const operand = (
  name: 'A' | 'B',
  place: {
    readonly extent: number
    readonly size: number
    readonly depth: number
    readonly k: number
    readonly isKFast: boolean
    readonly isHalf: boolean
    readonly pairs?: OperandTile['pairs']
  },
) => {
  const staged = stagedOperand({ name, ...place })
  const stride = staged.perLine * 4 + PADDING
  return {
    type: staged.type,
    edge: staged.edge.x,
    /** 4-vectors from one line to the next: of an array of these, addresses and strides count them. */
    stride: stride / 4,
    declare: `var<workgroup> tile${name}: array<vec4h, ${(staged.lines * stride) / 4}>;`,
    /**
     * An invocation's share of the next tile, in registers, and from there to workgroup memory. The conversion rounds;
     * `quantizeToF16` would take an NVIDIA adapter six times as long as all else.
     */
    load: (invocations: number) =>
      staged.fill(invocations, ({ number }, value) => `next${name}${number} = vec4h(${value});`),
    keep: (invocations: number) =>
      staged.fill(
        invocations,
        ({ line, position, number }) => `tile${name}[${line} * ${stride / 4}u + ${position}] = next${name}${number};`,
      ),
    declareNext: (invocations: number) => range(staged.share(invocations)).map((i) => `var next${name}${i} = vec4h();`),
    /** Where the matrix of row (or column) x and of step `k` of the tile begins. */
    at: (x: string, k: number) =>
      place.isKFast ? `${x} * ${stride / 4}u + ${k / 4}u` : `${(k * stride) / 4}u + ${x} / 4u`,
    /** How the lines lie in the matrix whose rows run along `rows`. */
    majority: (rows: 'x' | 'k') => (place.isKFast === (rows === 'x') ? 'row_major' : 'col_major'),
  }
}
