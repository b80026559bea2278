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
 * Where 4 does not divide an operand's fast axis its vectors are gathered by scalar loads. Edges load zeros and are not
 * stored; guards are in the text only where the sizes do not divide.
 */
import type { Kernel, Target } from '../kernel.js'
import { batchStrides, bindingCount, declareOperands, type MatmulSpec, nameOf, storeResult, tileGrid } from './spec.js'

export interface WorkgroupTile {
  readonly across: 8 | 16
  readonly rows: 4 | 8
  readonly depth: 8 | 16
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i)

/** One operand's tile: `size` rows (of A) or columns (of B), `each` of them an invocation's. */
const operandTile = (
  name: 'A' | 'B',
  {
    across,
    depth,
    k,
    size,
    each,
    isKFast,
    thread,
  }: {
    readonly across: number
    readonly depth: number
    readonly k: number
    readonly size: number
    readonly each: number
    readonly isKFast: boolean
    readonly thread: 'tx' | 'ty'
  },
) => {
  const extent = across * each
  const lines = isKFast ? extent : depth
  const perLine = (isKFast ? depth : extent) / 4
  const stride = isKFast ? perLine + 1 : perLine
  const fast = isKFast ? k : size
  const isWide = fast % 4 === 0
  const edge = { x: size % extent !== 0, k: k % depth !== 0 }
  const first = `first${name}`
  /** The 4-vector at a place of the tile. Beyond the edge: any row will do, since it is not stored, but zeros along k. */
  const value = (line: string, position: string): string => {
    const gather = (e: number, width: 1 | 4) => {
      const along = `${position} * 4u + ${e}u`
      const x = `${first} + ${isKFast ? line : along}`
      const kk = `k + ${isKFast ? along : line}`
      const inX = edge.x ? `min(${x}, ${size - (isKFast ? 1 : width)}u)` : `(${x})`
      const inK = edge.k ? `min(${kk}, ${k - (isKFast ? width : 1)}u)` : `(${kk})`
      const address = `start${name} + ${isKFast ? `${inX} * ${k}u + ${inK}` : `${inK} * ${size}u + ${inX}`}`
      const found = width === 4 ? `${name}[(${address}) / 4u]` : `${name}[${address}]`
      return edge.k ? `select(${width === 4 ? 'vec4f()' : '0.0'}, ${found}, ${kk} < ${k}u)` : found
    }
    return isWide ? gather(0, 4) : `vec4f(${range(4).map((e) => gather(e, 1))})`
  }
  return {
    type: isWide ? 'vec4f' : 'f32',
    declare: `var<workgroup> tile${name}: array<vec4f, ${lines * stride}>;`,
    /** Each invocation's share of the loads. */
    fill: range(Math.ceil((lines * perLine) / across ** 2)).map((i) => {
      const isLast = (i + 1) * across ** 2 > lines * perLine
      const text = `let line = t / ${perLine}u; let position = t % ${perLine}u; tile${name}[line * ${stride}u + position] = ${value('line', 'position')};`
      return `{ let t = thread + ${i * across ** 2}u; ${isLast ? `if (t < ${lines * perLine}u) { ${text} }` : text} }`
    }),
    /** Reads the vectors of four steps of k from 4·`quarter` on. */
    read: range(each).map((i) =>
      isKFast
        ? `let v${name}${i} = tile${name}[(${thread} + ${i * across}u) * ${stride}u + quarter];`
        : `let v${name}${i} = tile${name}[(quarter * 4u + ${i % 4}u) * ${stride}u + ${thread} * ${each / 4}u + ${Math.floor(i / 4)}u];`,
    ),
    /** Element (own row or column i, step j). */
    part: (i: number, j: number) => (isKFast ? `v${name}${i}[${j}]` : `v${name}${Math.floor(i / 4) * 4 + j}[${i % 4}]`),
    /** All four columns at step j, for B. */
    line: (j: number) => (isKFast ? `vec4f(${range(4).map((q) => `v${name}${q}[${j}]`)})` : `v${name}${j}`),
    /** Where own row or column i lies in C. */
    place: (i: number) =>
      isKFast ? `${first} + ${thread} + ${i * across}u` : `${first} + ${thread} * ${each}u + ${i}u`,
    guard: (x: string) => (edge.x ? [`${x} < ${size}u`] : []),
  }
}

export const tiledMatmul = (spec: MatmulSpec, { across, rows, depth }: WorkgroupTile, target: Target): Kernel => {
  const { layout, m, n, k } = spec
  const strides = batchStrides(spec)
  const shared = { across, depth, k }
  const a = operandTile('A', { ...shared, size: m, each: rows, isKFast: layout !== 'tn', thread: 'ty' })
  const b = operandTile('B', { ...shared, size: n, each: 4, isKFast: layout === 'nt', thread: 'tx' })
  const wide = layout !== 'nt' && n % 4 === 0
  const stores = range(rows).map((i) => {
    const row = a.place(i)
    const store = (columns: string, value: string, width: 1 | 4) => {
      const address = `startC + (${row}) * ${n}u + ${columns}`
      const text = storeResult(spec, width === 4 ? `(${address}) / 4u` : address, value, width)
      const guards = [...a.guard(row), ...b.guard(columns)]
      return guards.length === 0 ? text : `if (${guards.join(' && ')}) { ${text} }`
    }
    if (wide) return store(b.place(0), `s${i}`, 4)
    return range(4)
      .map((q) => store(b.place(q), `s${i}[${q}]`, 1))
      .join(' ')
  })
  const grid = tileGrid(target, Math.ceil(n / (across * 4)), Math.ceil(m / (across * rows)), spec.batch)
  const wgsl = [
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
