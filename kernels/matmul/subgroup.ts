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
 * Of ten machine instructions, one multiplies and one adds; four to five load (a load of a lane's value is eight of them:
 * lane by lane, with a test of its bounds), the rest keeps the accumulators, which no registers hold. So the body should fit
 * the processor's cache of decoded instructions, some 4000, or half of it where another thread shares the core: rows·depth = 4
 * does; 16 lost a tenth to a third on AMD Zen 3.
 *
 * The driver takes about a second for such a text, so shapes share one where they can: with whole tiles of columns and
 * whole vectors along k the sizes are not in the text. n and m come from the grid, k (and m, where its last tile is not
 * whole) from the lengths of A and C: these bindings must cover exactly their operand. A text with an epilogue
 * has n and k, and m only where its last tile is not whole.
 */
import { range } from '../grid.js'
import type { Kernel, Target } from '../kernel.js'
import { bindingCount, declareOperands, type MatmulSpec, nameOf, pairsOf, rounded, tileGrid } from './spec.js'

export interface SubgroupTile {
  readonly rows: 1 | 2 | 3 | 4
  readonly depth: 1 | 2 | 4
}

const LANES = 8
const vector = (width: number) => (width === 1 ? 'f32' : `vec${width}f`)

/** Declares `sizeM`, `sizeN`, `sizeK`, and how the text is shared: see above. */
const declareSizes = (
  { batch, broadcastA, m, n, k }: MatmulSpec,
  isShared: boolean,
  needsM: boolean,
  tile: { readonly rows: number; readonly columns: number },
  width: { readonly a: number; readonly c: number },
): readonly string[] => {
  if (!isShared) return [`const sizeN = ${n}u; const sizeK = ${k}u;`, ...(needsM ? [`const sizeM = ${m}u;`] : [])]
  const perProduct = (length: string, isBroadcast = false) =>
    batch === 1 || isBroadcast ? length : `${length} / grid.z`
  const ofC = `${perProduct(`arrayLength(&C) * ${width.c}u`)} / sizeN`
  return [
    `let sizeN = grid.x * ${tile.columns}u;`,
    `let sizeM = ${m % tile.rows === 0 ? `grid.y * ${tile.rows}u` : ofC};`,
    `let sizeK = ${perProduct(`arrayLength(&A) * ${width.a}u`, broadcastA)} / sizeM;`,
  ]
}

export const subgroupMatmul = (spec: MatmulSpec, { rows, depth }: SubgroupTile, target: Target): Kernel => {
  const { layout, m, n, k } = spec
  const R = LANES * rows
  const wide = layout !== 'nt' && n % 4 === 0
  // A lane's columns: one 4-vector, or so many scalars at a distance of 8.
  const pairs = pairsOf(spec)
  const parts = wide ? 1 : Math.min(4, pairs === undefined ? Math.ceil(n / LANES) : 2 * Math.ceil(n / (2 * LANES)))
  const columns = LANES * parts * (wide ? 4 : 1)
  const divides = { rows: m % R === 0, columns: n % columns === 0 }
  // How many values one load takes: along k where k is the operand's fast axis, else along the columns.
  const alongK = k % depth === 0 ? depth : 1
  // tn: neighbouring rows of A are neighbours in memory, so that one load may take all rows·8 of them.
  const acrossRows = layout === 'tn' && rows !== 3 && m % rows === 0
  const width = {
    a: layout === 'tn' ? (acrossRows ? rows : 1) : alongK,
    b: wide ? 4 : layout === 'nt' ? alongK : 1,
    c: wide ? 4 : 1,
  } as const
  const tiles = { columns: Math.ceil(n / columns), rows: Math.ceil(m / R) }
  const grid = tileGrid(target, tiles.columns, tiles.rows, spec.batch)
  const isFolded = grid.workgroups[0] !== tiles.columns || grid.workgroups[1] !== tiles.rows
  // Whole vectors along k: every binding is a multiple of 16 bytes, so its length is its operand's.
  const isShared = divides.columns && k % 4 === 0 && !isFolded && pairs === undefined
  const start = (stride: string, isBroadcast = false) =>
    spec.batch === 1 || isBroadcast ? '0u' : `product * (${stride})`
  const startOfB = start(`sizeK * sizeN / ${width.b}u`, spec.broadcastB)
  const declare = isShared ? 'let' : 'const'
  const columnOf = (q: number) => `column + ${q * LANES}u`
  const within = (at: string, size: number) => (divides.columns ? at : `min(${at}, ${size - 1}u)`)
  /** Of pairs, the lane's first parts are first columns, the others their partners in the same order. */
  const half = parts / 2
  const operandColumn = (q: number) =>
    pairs === undefined
      ? within(columnOf(q), n / width.c)
      : pairs.column(within(columnOf(q % half), pairs.count), q >= half)
  /** `line{name}{j}`: j lines; outside the loop, since the driver hoists nothing. */
  const multiplesOf = (name: 'A' | 'B', isNeeded: boolean) =>
    isNeeded ? range(depth + 1).map((j) => `${declare} line${name}${j} = ${j}u * line${name};`) : []

  const setUp = [
    ...range(acrossRows ? 1 : rows).map((p) => {
      const row = acrossRows ? `row / ${rows}u + lane` : `row + ${p * LANES}u + lane`
      const inside = divides.rows ? row : `min(${row}, sizeM${acrossRows ? ` / ${rows}u` : ''} - 1u)`
      return `let a${p} = ${start(`sizeM * sizeK / ${width.a}u`, spec.broadcastA)} + (${inside})${layout === 'tn' ? '' : ` * (sizeK / ${width.a}u)`};`
    }),
    ...range(parts).map(
      (q) => `let b${q} = ${startOfB} + (${operandColumn(q)})${layout === 'nt' ? ` * (sizeK / ${width.b}u)` : ''};`,
    ),
    // How far it is from one step of k to the next, for operands whose fast axis is another.
    ...(layout === 'tn' ? [`${declare} lineA = sizeM / ${width.a}u;`] : []),
    ...(layout === 'nt' ? [] : [`${declare} lineB = sizeN / ${width.b}u;`]),
    ...multiplesOf('A', layout === 'tn'),
    ...multiplesOf('B', layout !== 'nt'),
    ...range(R).map((r) =>
      range(parts)
        .map((q) => `var s${r}_${q} = ${vector(width.c)}();`)
        .join(' '),
    ),
  ]

  /**
   * `count` values of k from depth·`i` (an expression) on: the loads, then every product. (Counting k itself and dividing
   * by the vectors' length costs 40 % where the rows' length is a power of two.)
   */
  const steps = (i: string, count: number): readonly string[] => {
    if (count === 0) return []
    const alongLines = (name: 'A' | 'B', j: number) => `${i} * line${name}${depth} + line${name}${j}`
    const alongOne = (j: number) => `${i} * ${depth}u + ${j}u`
    const load = (name: string, element: string) => `let ${name} = ${rounded(spec, element)};`
    const loadA = (p: number) =>
      layout === 'tn'
        ? range(count).map((j) => load(`x${p}_${j}`, `A[a${p} + ${alongLines('A', j)}]`))
        : width.a > 1
          ? [load(`x${p}`, `A[a${p} + ${i}]`)]
          : range(count).map((j) => load(`x${p}_${j}`, `A[a${p} + ${alongOne(j)}]`))
    const loadB = (q: number) =>
      layout === 'nt' && width.b > 1
        ? [load(`y${q}`, `B[b${q} + ${i}]`)]
        : range(count).map((j) =>
            load(`y${q}_${j}`, `B[b${q} + ${layout === 'nt' ? alongOne(j) : alongLines('B', j)}]`),
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
    const partOfB = (q: number, j: number) => (layout === 'nt' && width.b > 1 ? `y${q}[${j}]` : `y${q}_${j}`)
    const products = (r: number) =>
      range(count).map((j) => {
        const sums = range(parts).map((q) => `s${r}_${q} += x * ${partOfB(q, j)};`)
        return `{ let x = ${broadcast(r, j)}; ${sums.join(' ')} }`
      })
    // All loads before all products: measured a fifth faster than loads of A next to their use.
    return [
      ...range(parts).flatMap(loadB),
      ...range(acrossRows ? 1 : rows).flatMap(loadA),
      ...range(R).flatMap(products),
    ]
  }

  const startOfC = start(`sizeM * sizeN / ${width.c}u`)
  const storesOf = (r: number): readonly string[] => {
    const within = (q: number, size: number, store: string) =>
      divides.columns ? store : `if (${columnOf(q)} < ${size}u) { ${store} }`
    if (pairs !== undefined)
      return range(half).map((q) =>
        within(q, pairs.count, pairs.finish(`row + ${r}u`, columnOf(q), `s${r}_${q}`, `s${r}_${q + half}`)),
      )
    const line = `${startOfC} + (row + ${r}u) * (sizeN / ${width.c}u)`
    return range(parts).map((q) => within(q, n / width.c, `C[${line} + ${columnOf(q)}] = s${r}_${q};`))
  }
  const stores = range(R).map((r) => {
    const text = storesOf(r).join(' ')
    return divides.rows ? text : `if (row + ${r}u < sizeM) { ${text} }`
  })

  const whole = Math.floor(k / depth)
  const wgsl = [
    'enable subgroups;',
    declareOperands(spec, { a: vector(width.a), b: vector(width.b), c: vector(width.c) }),
    `@compute @workgroup_size(${LANES})`,
    'fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(subgroup_invocation_id) lane: u32) {',
    ...declareSizes(spec, isShared, pairs === undefined || !divides.rows, { rows: R, columns }, width),
    grid.wgsl,
    `let row = tileRow * ${R}u;`,
    `let column = tileColumn * ${LANES * (pairs === undefined ? parts : half)}u + lane;`,
    ...setUp,
    `${declare} whole = sizeK / ${depth}u;`,
    ...(whole === 0 ? [] : ['for (var i = 0u; i < whole; i++) {', ...steps('i', depth), '}']),
    ...steps(`${whole}u`, k % depth),
    ...stores,
    '}',
  ].join('\n')
  return {
    name: nameOf(spec, { family: 'subgroup', rows, depth }),
    wgsl,
    bindings: bindingCount(spec),
    workgroups: grid.workgroups,
  }
}
