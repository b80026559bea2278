/**
 * An operand's tile on its way from memory to workgroup memory, in 4-vectors along the operand's fast axis: of A `extent`
 * rows by `depth` steps of k, of B `extent` columns by `depth`. For the families whose tiles lie in workgroup memory.
 *
 *      k fast (A of nn and nt, B of nt): `extent` lines, one a row (column), each of depth/4 vectors
 *      k slow (A of tn, B of nn and tn): `depth` lines, one a step of k, each of extent/4 vectors
 *
 * Where 4 does not divide the fast axis the vectors are gathered by scalar loads. Beyond the edge of the operand: any row
 * will do, since it is not stored, but zeros along k. Guards are in the text only where the sizes do not divide.
 */
import { range } from '../grid.js'
import type { Pairs } from './spec.js'

export interface OperandTile {
  readonly name: 'A' | 'B'
  /** Rows of A or columns of B: of the tile, and of the operand. */
  readonly extent: number
  readonly size: number
  /** Steps of k: of the tile, and of the operand. */
  readonly depth: number
  readonly k: number
  readonly isKFast: boolean
  /**
   * Where B's columns (its k is fast then) are finished in pairs: of every `width` lines of the tile the first half are first
   * columns, the others their partners in the same order.
   */
  readonly pairs?: { readonly of: Pairs; readonly width: number } | undefined
  /** It lies in memory as f16, and so its values are. */
  readonly isHalf?: boolean
}

/** Of a vector: its line of the tile and its position there (texts), and its number in an invocation's share. */
export interface Place {
  readonly line: string
  readonly position: string
  readonly number: number
}

/** Texts use the variables `k` (the tile's first step), `firstA` (its first row) and `startA` (the product's first element). */
export const stagedOperand = ({ name, extent, size, depth, k, isKFast, pairs, isHalf = false }: OperandTile) => {
  const isWide = (isKFast ? k : size) % 4 === 0
  const vector = isHalf ? 'vec4h' : 'vec4f'
  const edge = { x: size % extent !== 0, k: k % depth !== 0 }
  const lines = isKFast ? extent : depth
  const perLine = (isKFast ? depth : extent) / 4
  const pairedColumn = (line: string): string => {
    if (pairs === undefined) throw new Error('stagedOperand: there are no pairs')
    const { of, width } = pairs
    const pair = `firstB / 2u + ${line} / ${width}u * ${width / 2}u + ${line} % ${width / 2}u`
    const inside = edge.x ? `min(${pair}, ${of.count - 1}u)` : pair
    return `${of.column(inside, false)} + ${line} % ${width}u / ${width / 2}u * ${of.apart}u`
  }
  const value = (line: string, position: string): string => {
    const gather = (e: number, width: 1 | 4) => {
      const along = `${position} * 4u + ${e}u`
      const x = `first${name} + ${isKFast ? line : along}`
      const kk = `k + ${isKFast ? along : line}`
      const whole = edge.x ? `min(${x}, ${size - (isKFast ? 1 : width)}u)` : `(${x})`
      const inX = pairs === undefined ? whole : `(${pairedColumn(line)})`
      const inK = edge.k ? `min(${kk}, ${k - (isKFast ? width : 1)}u)` : `(${kk})`
      const address = `start${name} + ${isKFast ? `${inX} * ${k}u + ${inK}` : `${inK} * ${size}u + ${inX}`}`
      const kept = width === 4 ? `${name}[(${address}) / 4u]` : `${name}[${address}]`
      return edge.k ? `select(${width === 4 ? `${vector}()` : isHalf ? '0.0h' : '0.0'}, ${kept}, ${kk} < ${k}u)` : kept
    }
    return isWide ? gather(0, 4) : `${vector}(${range(4).map((e) => gather(e, 1))})`
  }
  const share = (invocations: number) => Math.ceil((lines * perLine) / invocations)
  return {
    /** Vectors that an invocation loads at most. */
    share,
    /** Of the binding's elements. */
    type: isWide ? vector : isHalf ? 'f16' : 'f32',
    lines,
    /** Vectors. */
    perLine,
    edge,
    /**
     * Each invocation's share of the loads, `store` being told where a vector goes, and which of the share it is: the
     * invocations take neighbouring vectors.
     */
    fill: (invocations: number, store: (to: Place, value: string) => string): readonly string[] =>
      range(share(invocations)).map((i) => {
        const isLast = (i + 1) * invocations > lines * perLine
        const text = `let line = t / ${perLine}u; let position = t % ${perLine}u; ${store({ line: 'line', position: 'position', number: i }, value('line', 'position'))}`
        return `{ let t = thread + ${i * invocations}u; ${isLast ? `if (t < ${lines * perLine}u) { ${text} }` : text} }`
      }),
  }
}
