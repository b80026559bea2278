/**
 * Matmul for software adapters with subgroups of 8 lanes (lavapipe on AVX2): no workgroup memory, no barriers.
 *
 * One workgroup is one subgroup and owns R = 8·rows rows by up to 32 columns of C:
 *
 *              lane 0 … lane 7                 every lane keeps R accumulators for its four columns
 *      row 0  [ 4 | 4 | … | 4 ]                A is loaded one row a lane, so that 8 rows of A are one load,
 *      row 1  [ 4 | 4 | … | 4 ]                and handed round by subgroupBroadcast with a constant lane
 *        ⋮
 *
 * nn, tn: B is read as 4-vectors along n, C is stored so; needs 4 | n. nt, and any n: one to four columns a lane at a
 * distance of 8, scalar accumulators; nt reads B along k like A. Vectors along k need depth | k; otherwise they are
 * gathered by scalar loads, and what is left of k follows the loop. Rows and columns beyond the edge are clamped when
 * loading and skipped when storing; nothing of that is in the text when the sizes divide.
 * The unrolled body must stay within the processor's instruction caches: rows·depth ≤ 16 keeps it there.
 */
import type { Kernel, Target } from '../kernel.js'
import { batchStrides, bindingCount, declareOperands, type MatmulSpec, nameOf, storeResult, tileGrid } from './spec.js'

export interface SubgroupTile {
  readonly rows: 1 | 2 | 3 | 4
  readonly depth: 1 | 2 | 4
}

const LANES = 8
const range = (n: number) => Array.from({ length: n }, (_, i) => i)
const vector = (width: number) => (width === 1 ? 'f32' : `vec${width}f`)

export const subgroupMatmul = (spec: MatmulSpec, { rows, depth }: SubgroupTile, target: Target): Kernel => {
  const { layout, m, n, k } = spec
  const R = LANES * rows
  const wide = layout !== 'nt' && n % 4 === 0
  const across = wide ? 4 : Math.min(4, Math.ceil(n / LANES))
  const columns = LANES * across
  const divides = { rows: m % R === 0, columns: n % columns === 0 }
  // How many values one load takes: along k where k is the operand's fast axis, else along the columns.
  const alongK = k % depth === 0 ? depth : 1
  const width = { a: layout === 'tn' ? 1 : alongK, b: wide ? 4 : layout === 'nt' ? alongK : 1 }
  const strides = batchStrides(spec)
  const start = (stride: number, per: number) => (spec.batch === 1 ? '0u' : `product * ${stride / per}u`)

  const setUp = [
    ...range(rows).flatMap((p) => {
      const row = `row + ${p * LANES}u + lane`
      const inside = divides.rows ? row : `min(${row}, ${m - 1}u)`
      const from = start(strides.a, width.a)
      return [
        layout === 'tn' ? `let a${p} = ${from} + ${inside};` : `let a${p} = ${from} + (${inside}) * ${k / width.a}u;`,
      ]
    }),
    ...(wide
      ? [`let b = ${start(strides.b, 4)} + ${divides.columns ? 'column' : `min(column, ${n / 4 - 1}u)`};`]
      : range(across).map((q) => {
          const at = `column + ${q * LANES}u`
          const inside = divides.columns ? at : `min(${at}, ${n - 1}u)`
          return `let b${q} = ${start(strides.b, width.b)} + (${inside})${layout === 'nt' ? ` * ${k / width.b}u` : ''};`
        })),
    ...range(R).map((r) =>
      wide
        ? `var s${r} = vec4f();`
        : range(across)
            .map((q) => `var s${r}_${q} = 0.0;`)
            .join(' '),
    ),
  ]

  /** `count` values of k from `from` (an expression) on: the loads, then every product. */
  const steps = (from: string, count: number): readonly string[] => {
    const slow = (j: number, stride: number) => `(${from} + ${j}u) * ${stride}u`
    const loads = [
      ...range(rows).flatMap((p) =>
        width.a > 1
          ? [`let x${p} = A[a${p} + ${from} / ${width.a}u];`]
          : range(count).map((j) => `let x${p}_${j} = A[a${p} + ${layout === 'tn' ? slow(j, m) : `${from} + ${j}u`}];`),
      ),
      ...(wide
        ? range(count).map((j) => `let y${j} = B[b + ${slow(j, n / 4)}];`)
        : range(across).flatMap((q) =>
            width.b > 1
              ? [`let y${q} = B[b${q} + ${from} / ${width.b}u];`]
              : range(count).map(
                  (j) => `let y${q}_${j} = B[b${q} + ${layout === 'nt' ? `${from} + ${j}u` : slow(j, n)}];`,
                ),
          )),
    ]
    const partOfA = (p: number, j: number) => (width.a > 1 ? `x${p}[${j}]` : `x${p}_${j}`)
    const partOfB = (q: number, j: number) => (width.b > 1 ? `y${q}[${j}]` : `y${q}_${j}`)
    const products = range(R).flatMap((r) =>
      range(count).map((j) => {
        const a = `subgroupBroadcast(${partOfA(Math.floor(r / LANES), j)}, ${r % LANES}u)`
        if (wide) return `s${r} += ${a} * y${j};`
        const sums = range(across).map((q) => `s${r}_${q} += x * ${partOfB(q, j)};`)
        return `{ let x = ${a}; ${sums.join(' ')} }`
      }),
    )
    return [...loads, ...products]
  }

  const stores = range(R).map((r) => {
    const each = wide
      ? [{ guard: `column < ${n / 4}u`, address: `(row + ${r}u) * ${n / 4}u + column`, value: `s${r}` }]
      : range(across).map((q) => {
          const at = `column + ${q * LANES}u`
          return { guard: `${at} < ${n}u`, address: `(row + ${r}u) * ${n}u + ${at}`, value: `s${r}_${q}` }
        })
    const text = each
      .map(({ guard, address, value }) => {
        const store = storeResult(spec, `${start(strides.c, wide ? 4 : 1)} + ${address}`, value, wide ? 4 : 1)
        return divides.columns ? store : `if (${guard}) { ${store} }`
      })
      .join(' ')
    return divides.rows ? text : `if (row + ${r}u < ${m}u) { ${text} }`
  })

  const grid = tileGrid(target, Math.ceil(n / columns), Math.ceil(m / R), spec.batch)
  const whole = k - (k % depth)
  const wgsl = [
    'enable subgroups;',
    declareOperands(spec, { a: vector(width.a), b: vector(width.b), c: wide ? 'vec4f' : 'f32' }),
    `@compute @workgroup_size(${LANES})`,
    'fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(subgroup_invocation_id) lane: u32) {',
    grid.wgsl,
    `let row = tileRow * ${R}u;`,
    `let column = tileColumn * ${wide ? LANES : columns}u + lane;`,
    ...setUp,
    ...(whole === 0 ? [] : [`for (var k = 0u; k < ${whole}u; k += ${depth}u) {`, ...steps('k', depth), '}']),
    ...(whole === k ? [] : ['{', ...steps(`${whole}u`, k - whole), '}']),
    ...stores,
    '}',
  ].join('\n')
  return {
    name: nameOf(spec, `subgroup ${rows}×${depth}`),
    wgsl,
    bindings: bindingCount(spec),
    workgroups: grid.workgroups,
  }
}
