/**
 * Matmul that asks nothing of the adapter: every invocation keeps `rows` rows of four columns in registers and walks
 * along k. The fall-back for software adapters without subgroups of 8 lanes (SwiftShader).
 *
 * nn, tn: the four columns are neighbours, one 4-vector of B and C (four scalars where 4 does not divide n).
 * nt: the columns of neighbouring invocations are neighbours, and B is read along k, as A is in nn and nt: four values a
 * load where 4 divides k.
 */
import { range } from '../grid.js'
import type { Kernel, Target } from '../kernel.js'
import {
  batchStrides,
  bindingCount,
  declareOperands,
  type MatmulSpec,
  nameOf,
  pairsOf,
  rounded,
  tileGrid,
} from './spec.js'

const INVOCATIONS = 16
const COLUMNS = 4

export const plainMatmul = (spec: MatmulSpec, { rows }: { readonly rows: 4 | 8 }, target: Target): Kernel => {
  const { layout, m, n, k } = spec
  const wide = layout !== 'nt' && n % 4 === 0
  const depth = k % 4 === 0 ? 4 : 1
  const width = { a: layout === 'tn' ? 1 : depth, b: wide ? 4 : layout === 'nt' ? depth : 1, c: wide ? 4 : 1 } as const
  const strides = batchStrides(spec)
  const tile = INVOCATIONS * COLUMNS
  const guarded = { rows: m % rows !== 0, columns: n % tile !== 0 }
  const type = (w: number) => (w === 4 ? 'vec4f' : 'f32')
  const pairs = pairsOf(spec)
  // Of pairs, an invocation's first two columns are first ones, the others their partners.
  const columnOf = (q: number) =>
    layout === 'nt' ? `column + ${(pairs === undefined ? q : q % 2) * INVOCATIONS}u` : `column + ${q}u`
  const clamped = (at: string, size: number, isGuarded: boolean) => (isGuarded ? `min(${at}, ${size - 1}u)` : `(${at})`)
  // From `k` on, `depth` values of row r of A and of column q of B.
  const load = (name: string, element: string) => `let ${name} = ${rounded(spec, element)};`
  const loadA = (r: number) =>
    layout === 'tn'
      ? range(depth).map((j) => load(`a${r}_${j}`, `A[aStart + (k + ${j}u) * ${m}u + row${r}]`))
      : [load(`a${r}`, `A[aStart + row${r} * ${k / width.a}u + k / ${width.a}u]`)]
  const partOfA = (r: number, j: number) => (layout === 'tn' ? `a${r}_${j}` : depth === 1 ? `a${r}` : `a${r}[${j}]`)
  const loadB = wide
    ? range(depth).map((j) => load(`b${j}`, `B[bStart + (k + ${j}u) * ${n / 4}u + column0 / 4u]`))
    : range(COLUMNS).flatMap((q) =>
        layout === 'nt'
          ? [load(`b${q}`, `B[bStart + column${q} * ${k / width.b}u + k / ${width.b}u]`)]
          : range(depth).map((j) => load(`b${q}_${j}`, `B[bStart + (k + ${j}u) * ${n}u + column${q}]`)),
      )
  const partsOfB = (j: number) =>
    wide
      ? `b${j}`
      : `vec4f(${range(COLUMNS).map((q) => (layout !== 'nt' ? `b${q}_${j}` : depth === 1 ? `b${q}` : `b${q}[${j}]`))})`
  const store = (r: number) => {
    const line = `cStart + (row + ${r}u) * ${n / width.c}u`
    const each = wide
      ? [{ at: 'column', text: `C[${line} + column / 4u] = s${r};` }]
      : pairs === undefined
        ? range(COLUMNS).map((q) => ({ at: columnOf(q), text: `C[${line} + ${columnOf(q)}] = s${r}[${q}];` }))
        : range(2).map((q) => ({
            at: columnOf(q),
            text: pairs.finish(`row + ${r}u`, columnOf(q), `s${r}[${q}]`, `s${r}[${q + 2}]`),
          }))
    const end = pairs?.count ?? n
    const text = each.map(({ at, text }) => (guarded.columns ? `if (${at} < ${end}u) { ${text} }` : text)).join(' ')
    return guarded.rows ? `if (row + ${r}u < ${m}u) { ${text} }` : text
  }
  const grid = tileGrid(target, Math.ceil(n / tile), Math.ceil(m / rows), spec.batch)
  const wgsl = [
    declareOperands(spec, { a: type(width.a), b: type(width.b), c: type(width.c) }),
    `@compute @workgroup_size(${INVOCATIONS})`,
    'fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {',
    grid.wgsl,
    `let column = tileColumn * ${pairs === undefined ? tile : tile / 2}u + lane${layout === 'nt' ? '' : ` * ${COLUMNS}u`};`,
    `let row = tileRow * ${rows}u;`,
    `let aStart = product * ${strides.a / width.a}u; let bStart = product * ${strides.b / width.b}u; let cStart = product * ${strides.c / width.c}u;`,
    ...range(wide ? 1 : COLUMNS).map((q) => {
      const inside = clamped(columnOf(q), pairs?.count ?? (wide ? n - 3 : n), guarded.columns)
      return `let column${q} = ${pairs?.column(inside, q >= 2) ?? inside};`
    }),
    ...range(rows).map((r) => `let row${r} = ${clamped(`row + ${r}u`, m, guarded.rows)}; var s${r} = vec4f();`),
    `for (var k = 0u; k < ${k}u; k += ${depth}u) {`,
    ...loadB,
    ...range(rows).flatMap(loadA),
    ...range(depth).flatMap((j) => [
      `let y${j} = ${partsOfB(j)};`,
      ...range(rows).map((r) => `s${r} += ${partOfA(r, j)} * y${j};`),
    ]),
    '}',
    ...range(rows).map(store),
    '}',
  ].join('\n')
  return {
    name: nameOf(spec, { family: 'plain', rows }),
    wgsl,
    bindings: bindingCount(spec),
    workgroups: grid.workgroups,
  }
}
