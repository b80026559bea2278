/**
 * Matmul for GPUs: a tile of C a workgroup, the operands' tiles in workgroup memory, rows×4 elements an invocation.
 *
 *                         ┌────────┐
 *                         │ B tile │ depth × across·4        across² invocations, each at (tx, ty)
 *               depth     ├────────┤
 *              ┌──────┐   │        │
 *              │A tile│   │ C tile │ across·rows × across·4
 *              └──────┘   └────────┘
 *
 * Both tiles are arrays of 4-vectors along their operand's fast axis in memory, so that loads from memory and stores
 * into the tile are whole vectors (a store into one component may touch its neighbours: a race). For four steps of k
 * an invocation reads four vectors for each four rows (or columns), whichever way they lie:
 *
 *      k fast (A of nn and nt, B of nt): one vector = one row, four k. Lines are padded by one vector and the rows of an
 *                                        invocation lie `across` apart, so that neighbours read different banks.
 *      k slow (A of tn, B of nn and tn): one vector = one k, four neighbouring rows.
 *
 * Edges along k load zeros, those of rows and columns are not stored (see `staging.ts`). Operands asked for in f16 are rounded on their way into the
 * tile, which is f16 where the adapter has the type: half the workgroup memory to read; products and sums are f32.
 */
import { range } from '../grid.js'
import type { Kernel, Target } from '../kernel.js'
import {
  batchStrides,
  bindingCount,
  declareOperands,
  isHalf,
  type MatmulSpec,
  nameOf,
  pairsOf,
  rounded,
  tileGrid,
} from './spec.js'
import { type OperandTile, stagedOperand } from './staging.js'

export interface WorkgroupTile {
  readonly across: 8 | 16
  readonly rows: 4 | 8
  readonly depth: 8 | 16
}

/** One operand's tile: `each` of its rows (of A) or columns (of B) are an invocation's. */
const operandTile = (tile: OperandTile, { across, each, thread, isHalf }: Share, round: (value: string) => string) => {
  const { name, isKFast, size } = tile
  const staged = stagedOperand(tile)
  const { lines, perLine, edge } = staged
  const stride = isKFast ? perLine + 1 : perLine
  const vector = (element: string) => (isHalf ? `vec4f(${element})` : element)
  const first = `first${name}`
  return {
    type: staged.type,
    declare: `var<workgroup> tile${name}: array<${isHalf ? 'vec4h' : 'vec4f'}, ${lines * stride}>;`,
    /** Each invocation's share of the loads. */
    fill: staged.fill(across ** 2, ({ line, position }, value) => {
      const kept = isHalf ? `vec4h(${value})` : round(value)
      return `tile${name}[${line} * ${stride}u + ${position}] = ${kept};`
    }),
    /** Reads the vectors of four steps of k from 4·`quarter` on. */
    read: range(each).map((i) => {
      const at = isKFast
        ? `(${thread} + ${i * across}u) * ${stride}u + quarter`
        : `(quarter * 4u + ${i % 4}u) * ${stride}u + ${thread} * ${each / 4}u + ${Math.floor(i / 4)}u`
      return `let v${name}${i} = ${vector(`tile${name}[${at}]`)};`
    }),
    /** Element (own row or column i, step j). */
    part: (i: number, j: number) => (isKFast ? `v${name}${i}[${j}]` : `v${name}${Math.floor(i / 4) * 4 + j}[${i % 4}]`),
    /** All four columns at step j, for B. */
    line: (j: number) => (isKFast ? `vec4f(${range(4).map((q) => `v${name}${q}[${j}]`)})` : `v${name}${j}`),
    /** Where own row or column i lies in C. */
    place: (i: number) =>
      isKFast ? `${first} + ${thread} + ${i * across}u` : `${first} + ${thread} * ${each}u + ${i}u`,
    guard: (x: string, end = size) => (edge.x ? [`${x} < ${end}u`] : []),
  }
}

/** What of a tile is one invocation's, and how it is kept. */
interface Share {
  readonly across: number
  readonly each: number
  readonly thread: 'tx' | 'ty'
  readonly isHalf: boolean
}

export const tiledMatmul = (spec: MatmulSpec, { across, rows, depth }: WorkgroupTile, target: Target): Kernel => {
  const { layout, m, n, k } = spec
  const strides = batchStrides(spec)
  const isHalfTile = spec.precision === 'f16' && target.hasF16 === true
  const usesF16 = isHalfTile || spec.halves !== undefined || spec.epilogue?.usesF16 === true
  const round = (value: string) => rounded(spec, value)
  const a = operandTile(
    { name: 'A', extent: across * rows, size: m, depth, k, isKFast: layout !== 'tn', isHalf: isHalf(spec, 'A') },
    { across, each: rows, thread: 'ty', isHalf: isHalfTile },
    round,
  )
  const pairs = pairsOf(spec)
  const b = operandTile(
    {
      ...{ name: 'B', extent: across * 4, size: n, depth, k, isKFast: layout === 'nt', isHalf: isHalf(spec, 'B') },
      pairs: pairs && { of: pairs, width: across * 4 },
    },
    { across, each: 4, thread: 'tx', isHalf: isHalfTile },
    round,
  )
  const wide = layout !== 'nt' && n % 4 === 0
  const stores = range(rows).map((i) => {
    const row = a.place(i)
    const guarded = (guards: readonly string[], text: string) =>
      guards.length === 0 ? text : `if (${guards.join(' && ')}) { ${text} }`
    if (pairs !== undefined) {
      const each = range(2).map((q) => {
        const pair = `firstB / 2u + tx + ${q * across}u`
        return guarded(
          [...a.guard(row), ...b.guard(pair, pairs.count)],
          pairs.finish(row, pair, `s${i}[${q}]`, `s${i}[${q + 2}]`),
        )
      })
      return each.join(' ')
    }
    const store = (columns: string, value: string, width: 1 | 4) => {
      const address = `startC + (${row}) * ${n}u + ${columns}`
      const element = width === 4 ? `(${address}) / 4u` : address
      return guarded([...a.guard(row), ...b.guard(columns)], `C[${element}] = ${value};`)
    }
    if (wide) return store(b.place(0), `s${i}`, 4)
    return range(4)
      .map((q) => store(b.place(q), `s${i}[${q}]`, 1))
      .join(' ')
  })
  const grid = tileGrid(target, Math.ceil(n / (across * 4)), Math.ceil(m / (across * rows)), spec.batch)
  const wgsl = [
    ...(usesF16 ? ['enable f16;'] : []),
    declareOperands(spec, { a: a.type, b: b.type, c: wide ? 'vec4f' : 'f32' }),
    a.declare,
    b.declare,
    `@compute @workgroup_size(${across ** 2})`,
    'fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) thread: u32) {',
    grid.wgsl,
    `let firstA = tileRow * ${across * rows}u; let firstB = tileColumn * ${across * 4}u;`,
    `let startA = product * ${strides.a}u; let startB = product * ${strides.b}u; let startC = product * ${strides.c}u;`,
    `let tx = thread % ${across}u; let ty = thread / ${across}u;`,
    ...range(rows).map((i) => `var s${i} = vec4f();`),
    `for (var k = 0u; k < ${k}u; k += ${depth}u) {`,
    ...a.fill,
    ...b.fill,
    'workgroupBarrier();',
    `for (var quarter = 0u; quarter < ${depth / 4}u; quarter++) {`,
    ...a.read,
    ...b.read,
    ...range(4).flatMap((j) => [
      `let y${j} = ${b.line(j)};`,
      ...range(rows).map((i) => `s${i} += ${a.part(i, j)} * y${j};`),
    ]),
    '}',
    'workgroupBarrier();',
    '}',
    ...stores,
    '}',
  ].join('\n')
  return {
    name: nameOf(spec, { family: 'tiled', across, rows, depth }),
    wgsl,
    bindings: bindingCount(spec),
    workgroups: grid.workgroups,
  }
}
