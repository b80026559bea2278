/**
 * Matmul for software adapters with subgroups of 8 lanes (lavapipe on AVX2): no workgroup memory, no barriers.
 *
 * One workgroup is one subgroup and owns R = 8·rows rows by 32 columns of C:
 *
 *              lane 0 … lane 7                 every lane keeps R accumulators for its four columns
 *      row 0  [ 4 | 4 | … | 4 ]                A is loaded one row a lane, so that 8 rows of A are one load,
 *      row 1  [ 4 | 4 | … | 4 ]                and handed round by subgroupBroadcast with a constant lane
 *        ⋮
 *
 * nn, tn: B is read as 4-vectors along n, C is stored so; needs 4 | n. nt, and any n: four columns a lane at a distance of
 * 8, scalar accumulators; nt reads B along k like A. Columns and rows beyond the edge are clamped when loading and
 * skipped when storing; nothing of that is in the text when the sizes divide.
 * The unrolled body must stay within the processor's instruction caches: rows·depth ≤ 16 keeps it there.
 */
import type { Kernel, Target } from '../kernel.js'
import { batchStrides, bindingCount, declareOperands, type MatmulSpec, nameOf, storeResult, tileGrid } from './spec.js'

export interface SubgroupTile {
  readonly rows: 1 | 2 | 4
  readonly depth: 1 | 2 | 4
}

const LANES = 8
const COLUMNS = 32
const range = (n: number) => Array.from({ length: n }, (_, i) => i)

export const subgroupMatmul = (spec: MatmulSpec, { rows, depth: wanted }: SubgroupTile, target: Target): Kernel => {
  const { layout, m, n, k } = spec
  const depth = k % wanted === 0 ? wanted : k % 2 === 0 && wanted > 2 ? 2 : 1
  const R = LANES * rows
  const wide = layout !== 'nt' && n % 4 === 0
  // Lanes of A are vectors along k, except in tn, where k is the slow axis.
  const alongK = layout === 'tn' ? 1 : depth
  const vector = (width: number) => (width === 1 ? 'f32' : `vec${width}f`)
  const strides = batchStrides(spec)
  const rowsDivide = m % R === 0
  const columnsDivide = n % COLUMNS === 0

  const rowOf = (p: number) =>
    rowsDivide ? `row + ${p * LANES}u + lane` : `min(row + ${p * LANES}u + lane, ${m - 1}u)`
  const loadA = range(rows).flatMap((p) =>
    layout === 'tn'
      ? range(depth).map((j) => `let a${p}_${j} = A[aStart + (k + ${j}u) * ${m}u + row${p}];`)
      : [`let a${p} = A[(aStart + row${p} * ${k}u + k) / ${depth}u];`],
  )
  const partOfA = (p: number, j: number) => (layout === 'tn' ? `a${p}_${j}` : depth === 1 ? `a${p}` : `a${p}[${j}]`)
  const loadB = wide
    ? range(depth).map((j) => `let b${j} = B[(bStart + (k + ${j}u) * ${n}u) / 4u + column];`)
    : layout === 'nt'
      ? range(4).map((q) => `let b${q} = B[(bStart + column${q} * ${k}u + k) / ${depth}u];`)
      : range(depth).flatMap((j) =>
          range(4).map((q) => `let b${j}_${q} = B[bStart + (k + ${j}u) * ${n}u + column${q}];`),
        )
  const partOfB = (q: number, j: number) => (layout === 'nt' ? (depth === 1 ? `b${q}` : `b${q}[${j}]`) : `b${j}_${q}`)

  const multiply = range(rows).flatMap((p) =>
    range(LANES).flatMap((i) =>
      range(depth).flatMap((j) => {
        const r = p * LANES + i
        const a = `subgroupBroadcast(${partOfA(p, j)}, ${i}u)`
        return wide
          ? [`s${r} += ${a} * b${j};`]
          : [
              `{ let x = ${a}; ${range(4)
                .map((q) => `s${r}_${q} += x * ${partOfB(q, j)};`)
                .join(' ')} }`,
            ]
      }),
    ),
  )
  const stores = range(R).map((r) => {
    const guards = rowsDivide ? [] : [`row + ${r}u < ${m}u`]
    if (wide) {
      if (!columnsDivide) guards.push(`column_ < ${n / 4}u`)
      const store = storeResult(spec, `(cStart + (row + ${r}u) * ${n}u) / 4u + column_`, `s${r}`, 4)
      return guards.length === 0 ? store : `if (${guards.join(' && ')}) { ${store} }`
    }
    const each = range(4).map((q) => {
      const store = storeResult(spec, `cStart + (row + ${r}u) * ${n}u + column_ + ${q * LANES}u`, `s${r}_${q}`, 1)
      return columnsDivide ? store : `if (column_ + ${q * LANES}u < ${n}u) { ${store} }`
    })
    return guards.length === 0 ? each.join(' ') : `if (${guards.join(' && ')}) { ${each.join(' ')} }`
  })
  const columnLets = wide
    ? [
        `let column_ = workgroup.x * ${LANES}u + lane;`,
        `let column = ${columnsDivide ? 'column_' : `min(column_, ${n / 4 - 1}u)`};`,
      ]
    : [
        `let column_ = workgroup.x * ${COLUMNS}u + lane;`,
        ...range(4).map((q) =>
          columnsDivide
            ? `let column${q} = column_ + ${q * LANES}u;`
            : `let column${q} = min(column_ + ${q * LANES}u, ${n - 1}u);`,
        ),
      ]
  const wgsl = [
    'enable subgroups;',
    declareOperands(spec, {
      a: vector(alongK),
      b: wide ? 'vec4f' : layout === 'nt' ? vector(depth) : 'f32',
      c: wide ? 'vec4f' : 'f32',
    }),
    `@compute @workgroup_size(${LANES})`,
    'fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(subgroup_invocation_id) lane: u32) {',
    `let row = workgroup.y * ${R}u;`,
    `let aStart = workgroup.z * ${strides.a}u; let bStart = workgroup.z * ${strides.b}u; let cStart = workgroup.z * ${strides.c}u;`,
    ...columnLets,
    ...range(rows).map((p) => `let row${p} = ${rowOf(p)};`),
    ...range(R).map((r) =>
      wide
        ? `var s${r} = vec4f();`
        : range(4)
            .map((q) => `var s${r}_${q} = 0.0;`)
            .join(' '),
    ),
    `for (var k = 0u; k < ${k}u; k += ${depth}u) {`,
    ...loadB,
    ...loadA,
    ...multiply,
    '}',
    ...stores,
    '}',
  ].join('\n')
  return {
    name: nameOf(spec, `subgroup ${rows}×${depth}`),
    wgsl,
    bindings: bindingCount(spec),
    workgroups: tileGrid(target, Math.ceil(n / COLUMNS), Math.ceil(m / R), spec.batch),
  }
}
