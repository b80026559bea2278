/**
 * The eight symmetries of a square on grids of any size, numbered as the published code numbers them: 0 none, 1–3 quarter
 * turns against the clock, 4 left–right, 5 up–down, 6 transposition, 7 its mirror image. A grid is its rows.
 */
export type Rows<A> = readonly (readonly A[])[]

const turned = <A>(rows: Rows<A>): Rows<A> => {
  const columns = rows[0]?.length ?? 0
  return Array.from({ length: columns }, (_, i) => rows.map((row) => row[columns - 1 - i] as A))
}
const mirrored = <A>(rows: Rows<A>): Rows<A> => rows.map((row) => [...row].reverse())
const flipped = <A>(rows: Rows<A>): Rows<A> => [...rows].reverse()
const transposed = <A>(rows: Rows<A>): Rows<A> => (rows[0] ?? []).map((_, c) => rows.map((row) => row[c] as A))

const symmetries: readonly (<A>(rows: Rows<A>) => Rows<A>)[] = [
  (rows) => rows,
  turned,
  (rows) => turned(turned(rows)),
  (rows) => turned(turned(turned(rows))),
  mirrored,
  flipped,
  transposed,
  (rows) => flipped(mirrored(transposed(rows))),
]

/** The grid under symmetry `t`, 0 to 7. */
export const dihedral = <A>(rows: Rows<A>, t: number): Rows<A> => {
  const symmetry = symmetries[t]
  if (symmetry === undefined) throw new Error(`there is no symmetry ${t} of a square`)
  return symmetry(rows)
}

/** The symmetry that undoes `t`. */
export const inverseDihedral = (t: number): number => (t === 1 ? 3 : t === 3 ? 1 : t)

/** Those that keep the shape of a rectangle: all eight of a square, four of another one. */
export const symmetriesOf = (width: number, height: number): readonly number[] =>
  width === height ? [0, 1, 2, 3, 4, 5, 6, 7] : [0, 2, 4, 5]
