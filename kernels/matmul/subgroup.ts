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
 * Loads are what such a kernel spends its time on. An operand whose lines are long enough is read as an image, four values
 * a lane at once; the other one lane by lane, a value at a time (`operand.ts`).
 *
 * tn: rows of A are neighbours. As an image, the lanes of a load share out R/4 vectors of 4 rows and 32/R steps of k; else
 * a lane loads `rows` of them at once (where rows | m) and holds rows·lane + c.
 * A lane's columns are neighbours where 4 | n, and C is stored as 4-vectors; else, and where an epilogue wants pairs, up to
 * four at a distance of 8. nn, tn: B is read as 4-vectors along n where they are there. nt: along k like A. Vectors along
 * k need depth | k; otherwise they are gathered by scalar loads, and what is left of k follows the loop. Rows and columns
 * beyond the edge are clamped when loading and skipped when storing; nothing of that is in the text when the sizes divide.
 * The body should fit the processor's cache of decoded instructions, some 4000, or half of it where another thread shares
 * the core: rows·depth = 8 does with images, 4 without; twice as much lost a tenth to a third on AMD Zen 3.
 *
 * The driver takes half a second for such a text, so shapes share one where they can: with whole tiles of columns and
 * whole vectors along k the sizes are not in the text. n and m come from the grid, k (and m, where its last tile is not
 * whole) from the lengths of A and C: these bindings must cover exactly their operand. A text with an epilogue
 * has n and k, and m only where its last tile is not whole.
 */
import { gridOf, range } from '../grid.js'
import { declareImage } from '../image.js'
import type { Kernel, Target } from '../kernel.js'
import { imageSpec, operandOf } from './operand.js'
import { bindingCount, declareOperands, type MatmulSpec, nameOf, pairsOf, rounded } from './spec.js'

export interface SubgroupTile {
  readonly rows: 1 | 2 | 4
  readonly depth: 2 | 4
}

const LANES = 8
const vector = (width: number) => (width === 1 ? 'f32' : `vec${width}f`)

/** Declares `sizeM`, `sizeN`, `sizeK`, and how the text is shared: see above. */
const declareSizes = (
  { batch, broadcastA, m, n, k }: MatmulSpec,
  isShared: boolean,
  needsM: boolean,
  tile: { readonly rows: number; readonly columns: number; readonly isDown: boolean },
  width: { readonly a: number; readonly c: number },
): readonly string[] => {
  if (!isShared) return [`const sizeN = ${n}u; const sizeK = ${k}u;`, ...(needsM ? [`const sizeM = ${m}u;`] : [])]
  const perProduct = (length: string, isBroadcast = false) =>
    batch === 1 || isBroadcast ? length : `${length} / grid.z`
  const ofC = `${perProduct(`arrayLength(&C) * ${width.c}u`)} / sizeN`
  const [rows, columns] = tile.isDown ? ['grid.x', 'grid.y'] : ['grid.y', 'grid.x']
  return [
    `let sizeN = ${columns} * ${tile.columns}u;`,
    `let sizeM = ${m % tile.rows === 0 ? `${rows} * ${tile.rows}u` : ofC};`,
    `let sizeK = ${perProduct(`arrayLength(&A) * ${width.a}u`, broadcastA)} / sizeM;`,
  ]
}

export const subgroupMatmul = (spec: MatmulSpec, { rows, depth }: SubgroupTile, target: Target): Kernel => {
  const { layout, m, n, k } = spec
  const R = LANES * rows
  const pairs = pairsOf(spec)
  // A lane's columns: four neighbours, summed as a vector where B is loaded so, or as many as four at a distance of 8.
  const neighbours = n % 4 === 0 && pairs === undefined
  const wide = neighbours && layout !== 'nt'
  const gathered = neighbours && !wide
  const fewest = pairs === undefined ? Math.ceil(n / LANES) : 2 * Math.ceil(n / (2 * LANES))
  const parts = wide ? 1 : gathered ? 4 : Math.min(4, fewest)
  const columns = LANES * parts * (wide ? 4 : 1)
  const divides = { rows: m % R === 0, columns: n % columns === 0 }
  // tn: the lanes of a load of A's image share out 32 values: R rows and so many steps of k.
  const steps32 = layout === 'tn' ? 32 / R : 1
  const image = {
    A: k % steps32 === 0 ? imageSpec(spec, 'A', target, depth) : undefined,
    B: imageSpec(spec, 'B', target, depth),
  }
  // tn: neighbouring rows of A are neighbours in memory, so that one load may take several of them.
  const across = layout !== 'tn' ? 1 : image.A !== undefined ? 4 : m % rows === 0 ? rows : 1
  /** Vectors of neighbouring rows that the tile has, and the steps of k that a load of all lanes has of them. */
  const quads = R / across
  const stepsOfLoad = image.A === undefined ? 1 : steps32
  const widthC = neighbours ? 4 : 1
  // One operand's strip stays in the cache while the other operand, the smaller one, goes by; B's strip is the wider.
  const isDown = m <= 2 * n
  const [down, right] = [['tileRow', Math.ceil(m / R)] as const, ['tileColumn', Math.ceil(n / columns)] as const]
  const [first, second] = isDown ? [down, right] : [right, down]
  const grid = gridOf(target, first, second, ['product', spec.batch])
  const isFolded = grid.workgroups[0] !== first[1] || grid.workgroups[1] !== second[1]
  // Whole vectors along k: every binding is a multiple of 16 bytes, so its length is its operand's.
  const isShared = divides.columns && k % 4 === 0 && !isFolded && pairs === undefined
  const declare = isShared ? 'let' : 'const'
  // How many values one load takes: along k where k is the operand's fast axis, else along the columns.
  const alongK = k % depth === 0 ? depth : 1
  const operands = {
    A: operandOf(spec, 'A', { width: layout === 'tn' ? across : alongK, depth, declare, image: image.A }),
    B: operandOf(spec, 'B', { width: wide ? 4 : layout === 'nt' ? alongK : 1, depth, declare, image: image.B }),
  }
  const columnOf = (q: number) => `column + ${q * LANES}u`
  const within = (at: string, size: number) => (divides.columns ? at : `min(${at}, ${size - 1}u)`)
  /** Of pairs, the lane's first parts are first columns, the others their partners in the same order. */
  const half = parts / 2
  const operandColumn = (q: number): string => {
    if (pairs !== undefined) return pairs.column(within(columnOf(q % half), pairs.count), q >= half)
    return gathered ? `${within('column', n / 4)} * 4u + ${q}u` : within(columnOf(q), n / widthC)
  }
  /** How many loads of A there are for a step of k: one for every 8 vectors of rows, and for what is left of them. */
  const loadsOfA = Math.ceil(quads / LANES)
  const setUp = [
    ...operands.A.setUp,
    ...operands.B.setUp,
    ...range(loadsOfA).map((p) => {
      const own = stepsOfLoad === 1 ? `${p * LANES}u + lane` : `lane % ${quads}u`
      const row = across === 1 ? `row + ${own}` : `row / ${across}u + ${own}`
      const inside = divides.rows ? row : `min(${row}, sizeM${across === 1 ? '' : ` / ${across}u`} - 1u)`
      return operands.A.begin(`a${p}`, inside, stepsOfLoad === 1 ? undefined : `lane / ${quads}u`)
    }),
    ...range(parts).map((q) => operands.B.begin(`b${q}`, operandColumn(q))),
    ...range(R).map((r) =>
      range(parts)
        .map((q) => `var s${r}_${q} = ${vector(wide ? 4 : 1)}();`)
        .join(' '),
    ),
  ]

  /**
   * `count` values of k from depth·`i` (an expression) on: the loads, then every product. (Counting k itself and dividing
   * by the vectors' length costs 40 % where the rows' length is a power of two.)
   */
  const steps = (i: string, count: number): readonly string[] => {
    if (count === 0) return []
    const load = (name: string, operand: 'A' | 'B', at: string, j: number) =>
      `let ${name} = ${rounded(spec, operands[operand].load(at, i, j))};`
    const loadA = (p: number) =>
      layout !== 'tn' && operands.A.width > 1
        ? [load(`x${p}`, 'A', `a${p}`, 0)]
        : range(count)
            .filter((j) => j % stepsOfLoad === 0)
            .map((j) => load(`x${p}_${j}`, 'A', `a${p}`, j))
    const loadB = (q: number) =>
      layout === 'nt' && operands.B.width > 1
        ? [load(`y${q}`, 'B', `b${q}`, 0)]
        : range(count).map((j) => load(`y${q}_${j}`, 'B', `b${q}`, j))
    /** Row r's value at step j, on every lane. */
    const broadcast = (r: number, j: number): string => {
      if (layout === 'tn') {
        const [quad, step] = [Math.floor(r / across), j % stepsOfLoad]
        const part = `x${Math.floor(quad / LANES)}_${j - step}${across === 1 ? '' : `[${r % across}]`}`
        return `subgroupBroadcast(${part}, ${step * quads + (quad % LANES)}u)`
      }
      const p = Math.floor(r / LANES)
      return `subgroupBroadcast(${operands.A.width > 1 ? `x${p}[${j}]` : `x${p}_${j}`}, ${r % LANES}u)`
    }
    const partOfB = (q: number, j: number) => (layout === 'nt' && operands.B.width > 1 ? `y${q}[${j}]` : `y${q}_${j}`)
    const products = (r: number) =>
      range(count).map((j) => {
        const sums = range(parts).map((q) => `s${r}_${q} += x * ${partOfB(q, j)};`)
        return `{ let x = ${broadcast(r, j)}; ${sums.join(' ')} }`
      })
    // All loads before all products: measured a fifth faster than loads next to their use.
    return [...range(parts).flatMap(loadB), ...range(loadsOfA).flatMap(loadA), ...range(R).flatMap(products)]
  }

  const startOfC = spec.batch === 1 ? '0u' : `product * (sizeM * sizeN / ${widthC}u)`
  const storesOf = (r: number): readonly string[] => {
    const within = (q: number, size: number, store: string) =>
      divides.columns ? store : `if (${columnOf(q)} < ${size}u) { ${store} }`
    if (pairs !== undefined)
      return range(half).map((q) =>
        within(q, pairs.count, pairs.finish(`row + ${r}u`, columnOf(q), `s${r}_${q}`, `s${r}_${q + half}`)),
      )
    const line = `${startOfC} + (row + ${r}u) * (sizeN / ${widthC}u)`
    const sums = range(parts).map((q) => `s${r}_${q}`)
    const stored = gathered ? [`vec4f(${sums.join(', ')})`] : sums
    return stored.map((sum, q) => within(q, n / widthC, `C[${line} + ${columnOf(q)}] = ${sum};`))
  }
  const stores = range(R).map((r) => {
    const text = storesOf(r).join(' ')
    return divides.rows ? text : `if (row + ${r}u < sizeM) { ${text} }`
  })

  const whole = Math.floor(k / depth)
  const images = (['A', 'B'] as const).flatMap((name) => {
    const { [name]: spec } = image
    return spec === undefined ? [] : [{ name, spec }]
  })
  const bindings = bindingCount(spec)
  const width = { a: operands.A.width, b: operands.B.width, c: widthC } as const
  const wgsl = [
    'enable subgroups;',
    declareOperands(spec, { a: vector(width.a), b: vector(width.b), c: vector(width.c) }),
    ...images.map(({ name, spec }, i) => declareImage(bindings + i, name, spec)),
    `@compute @workgroup_size(${LANES})`,
    'fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(subgroup_invocation_id) lane: u32) {',
    ...declareSizes(spec, isShared, pairs === undefined || !divides.rows, { rows: R, columns, isDown }, width),
    grid.wgsl,
    `let row = tileRow * ${R}u;`,
    `let column = tileColumn * ${columns / (pairs === undefined ? widthC : 2)}u + lane;`,
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
    bindings,
    ...(images.length > 0 && { images: images.map(({ spec }) => spec) }),
    workgroups: grid.workgroups,
  }
}
