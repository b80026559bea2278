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
 * tn: rows of A are neighbours, so that a lane loads `rows` of them at once (where rows | m) and holds rows·lane + c.
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
  // tn: neighbouring rows of A are neighbours in memory, so that one load may take all rows·8 of them.
  const acrossRows = layout === 'tn' && rows !== 3 && m % rows === 0
  const width = { a: layout === 'tn' ? (acrossRows ? rows : 1) : alongK, b: wide ? 4 : layout === 'nt' ? alongK : 1 }
  const strides = batchStrides(spec)
  const start = (stride: number, per: number) => (spec.batch === 1 ? '0u' : `product * ${stride / per}u`)

  const setUp = [
    ...range(acrossRows ? 1 : rows).map((p) => {
      const row = acrossRows ? `row / ${rows}u + lane` : `row + ${p * LANES}u + lane`
      const inside = divides.rows ? row : `min(${row}, ${(acrossRows ? m / rows : m) - 1}u)`
      return `let a${p} = ${start(strides.a, width.a)} + (${inside})${layout === 'tn' ? '' : ` * ${k / width.a}u`};`
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

  /**
   * `count` values of k from depth·`i` (an expression) on: the loads, then every product. (Counting k itself and dividing
   * by the vectors' length costs 40 % where the rows' length is a power of two.)
   */
  const steps = (i: string, count: number): readonly string[] => {
    const at = (j: number, stride: number) => `${i} * ${depth * stride}u + ${j * stride}u`
    const loadA = (p: number) =>
      layout === 'tn'
        ? range(count).map((j) => `let x${p}_${j} = A[a${p} + ${at(j, m / width.a)}];`)
        : width.a > 1
          ? [`let x${p} = A[a${p} + ${i}];`]
          : range(count).map((j) => `let x${p}_${j} = A[a${p} + ${at(j, 1)}];`)
    const loadB = wide
      ? range(count).map((j) => `let y${j} = B[b + ${at(j, n / 4)}];`)
      : range(across).flatMap((q) =>
          width.b > 1
            ? [`let y${q} = B[b${q} + ${i}];`]
            : range(count).map((j) => `let y${q}_${j} = B[b${q} + ${at(j, layout === 'nt' ? 1 : n)}];`),
        )
    /** Row r's value at step j, on every lane. */
    const broadcast = (r: number, j: number): string => {
      if (acrossRows) {
        const part = rows === 1 ? `x0_${j}` : `x0_${j}[${r % rows}]`
        return `subgroupBroadcast(${part}, ${Math.floor(r / rows)}u)`
      }
      const p = Math.floor(r / LANES)
      return `subgroupBroadcast(${layout !== 'tn' && width.a > 1 ? `x${p}[${j}]` : `x${p}_${j}`}, ${r % LANES}u)`
    }
    const partOfB = (q: number, j: number) => (width.b > 1 ? `y${q}[${j}]` : `y${q}_${j}`)
    const products = (r: number) =>
      range(count).map((j) => {
        if (wide) return `s${r} += ${broadcast(r, j)} * y${j};`
        const sums = range(across).map((q) => `s${r}_${q} += x * ${partOfB(q, j)};`)
        return `{ let x = ${broadcast(r, j)}; ${sums.join(' ')} }`
      })
    // All loads before all products: measured a fifth faster than loads of A next to their use.
    return [...loadB, ...range(acrossRows ? 1 : rows).flatMap(loadA), ...range(R).flatMap(products)]
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
  const whole = Math.floor(k / depth)
  const wgsl = [
    'enable subgroups;',
    declareOperands(spec, { a: vector(width.a), b: vector(width.b), c: wide ? 'vec4f' : 'f32' }),
    `@compute @workgroup_size(${LANES})`,
    'fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(subgroup_invocation_id) lane: u32) {',
    grid.wgsl,
    `let row = tileRow * ${R}u;`,
    `let column = tileColumn * ${wide ? LANES : columns}u + lane;`,
    ...setUp,
    ...(whole === 0 ? [] : [`for (var i = 0u; i < ${whole}u; i++) {`, ...steps('i', depth), '}']),
    ...steps(`${whole}u`, k % depth),
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
