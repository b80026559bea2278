/**
 * Index expressions: non-negative integers built from loop variables by sums, products, quotients and remainders with
 * constants. Ranges are known, so that a view chain (reshape of slice of transpose…) becomes the address a person would
 * write: `(r·L + l) / d` and `% d` recombine, and a quotient that is always 0 disappears.
 */

type Atom =
  | {
      readonly kind: 'variable'
      readonly name: string
      readonly size: number
      /** A number that divides all its values. */
      readonly alignment: number
      /** By how much it grows from one lane of a 4-vector to the next: 1 for the vectorised variable. */
      readonly lane: 0 | 1
    }
  | { readonly kind: 'div' | 'mod'; readonly of: Index; readonly by: number }

interface Term {
  readonly atom: Atom
  readonly key: string
  readonly coefficient: number
}

/** Σ coefficient·atom + constant */
export interface Index {
  readonly terms: readonly Term[]
  readonly constant: number
}

export const constantIndex = (constant: number): Index => ({ terms: [], constant })
/** A variable in 0..size−1. */
export const variable = (name: string, size: number, alignment = 1, lane: 0 | 1 = 0): Index =>
  size === 1 ? constantIndex(0) : of({ kind: 'variable', name, size, alignment, lane })

const of = (atom: Atom): Index => ({ terms: [{ atom, key: atomKey(atom), coefficient: 1 }], constant: 0 })
const atomKey = (atom: Atom): string =>
  atom.kind === 'variable' ? atom.name : `${atom.kind}(${indexKey(atom.of)},${atom.by})`

/** Equal keys mean equal values. */
export const indexKey = (index: Index): string =>
  `${index.terms.map((t) => `${t.coefficient}*${t.key}`).join('+')}+${index.constant}`

const atomMax = (atom: Atom): number => {
  if (atom.kind === 'variable') return atom.size - 1
  const inner = indexMax(atom.of)
  return atom.kind === 'div' ? Math.floor(inner / atom.by) : Math.min(inner, atom.by - 1)
}
export const indexMax = (index: Index): number =>
  index.terms.reduce((total, t) => total + t.coefficient * atomMax(t.atom), index.constant)

/** A number that no value lies below: all terms are non-negative. */
export const indexMin = (index: Index): number => index.constant

export const addIndex = (a: Index, b: Index): Index => {
  const terms = new Map<string, Term>()
  for (const t of [...a.terms, ...b.terms]) {
    const same = terms.get(t.key)
    terms.set(t.key, same === undefined ? t : { ...t, coefficient: same.coefficient + t.coefficient })
  }
  return recombine({ terms: sortTerms([...terms.values()]), constant: a.constant + b.constant })
}
export const scaleIndex = (a: Index, by: number): Index =>
  by === 0
    ? constantIndex(0)
    : { terms: a.terms.map((t) => ({ ...t, coefficient: t.coefficient * by })), constant: a.constant * by }

const sortTerms = (terms: readonly Term[]): readonly Term[] =>
  [...terms].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))

/** c·d·(e div d) + c·(e mod d) = c·e */
const recombine = (index: Index): Index => {
  for (const t of index.terms) {
    const { atom } = t
    if (atom.kind !== 'mod') continue
    const quotient = divIndex(atom.of, atom.by)
    const [only] = quotient.terms
    if (quotient.terms.length !== 1 || quotient.constant !== 0 || only === undefined) continue
    const partner = index.terms.find((p) => p.key === only.key)
    if (partner === undefined || partner.coefficient !== (t.coefficient * atom.by) / only.coefficient) continue
    const rest = { terms: index.terms.filter((p) => p !== t && p !== partner), constant: index.constant }
    return addIndex(rest, scaleIndex(atom.of, t.coefficient))
  }
  return index
}

/** Splits into the part that `by` divides and the rest, whose value stays below `by` if `bounded`. */
const split = (a: Index, by: number) => {
  const whole = a.terms.filter((t) => t.coefficient % by === 0)
  const rest: Index = { terms: a.terms.filter((t) => t.coefficient % by !== 0), constant: a.constant % by }
  const quotient: Index = {
    terms: whole.map((t) => ({ ...t, coefficient: t.coefficient / by })),
    constant: Math.floor(a.constant / by),
  }
  return { quotient, rest, bounded: indexMax(rest) < by }
}

export const divIndex = (a: Index, by: number): Index => {
  if (by === 1) return a
  const { quotient, rest, bounded } = split(a, by)
  if (bounded) return quotient
  const [only] = rest.terms
  // (e div m) div n = e div m·n
  if (rest.terms.length === 1 && rest.constant === 0 && only?.coefficient === 1 && only.atom.kind === 'div')
    return addIndex(quotient, divIndex(only.atom.of, only.atom.by * by))
  const common = rest.terms.reduce((g, t) => gcd(g, t.coefficient), gcd(by, rest.constant))
  if (common > 1)
    return addIndex(
      quotient,
      divIndex(
        {
          terms: rest.terms.map((t) => ({ ...t, coefficient: t.coefficient / common })),
          constant: rest.constant / common,
        },
        by / common,
      ),
    )
  return addIndex(quotient, of({ kind: 'div', of: rest, by }))
}

export const modIndex = (a: Index, by: number): Index => {
  if (by === 1) return constantIndex(0)
  const { rest, bounded } = split(a, by)
  if (bounded) return rest
  const common = rest.terms.reduce((g, t) => gcd(g, t.coefficient), gcd(by, rest.constant))
  if (common > 1)
    return scaleIndex(
      modIndex(
        {
          terms: rest.terms.map((t) => ({ ...t, coefficient: t.coefficient / common })),
          constant: rest.constant / common,
        },
        by / common,
      ),
      common,
    )
  return of({ kind: 'mod', of: rest, by })
}

/** Row-major address of the coordinates. */
export const linearIndex = (coordinates: readonly Index[], shape: readonly number[]): Index =>
  coordinates.reduce((address, c, i) => addIndex(scaleIndex(address, shape[i] ?? 1), c), constantIndex(0))

/** Coordinates of a row-major address. */
export const unlinearIndex = (address: Index, shape: readonly number[]): readonly Index[] => {
  let rest = address
  const coordinates: Index[] = []
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i]!
    coordinates.unshift(i === 0 ? rest : modIndex(rest, size))
    rest = divIndex(rest, size)
  }
  return coordinates
}

export const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

/** A number that divides every value of the index. */
export const indexAlignment = (index: Index): number =>
  index.terms.reduce((g, t) => gcd(g, t.coefficient * atomAlignment(t.atom)), index.constant)
const atomAlignment = (atom: Atom): number => {
  if (atom.kind === 'variable') return atom.alignment
  return atom.kind === 'mod' ? gcd(indexAlignment(atom.of), atom.by) : 1
}

/**
 * By how much the index grows from one lane of a 4-vector to the next; `undefined` when the lanes do not follow a
 * straight line.
 */
export const laneStep = (index: Index): number | undefined => {
  let step = 0
  for (const t of index.terms) {
    const s = atomLaneStep(t.atom)
    if (s === undefined) return undefined
    step += s * t.coefficient
  }
  return step
}
const atomLaneStep = (atom: Atom): number | undefined => {
  if (atom.kind === 'variable') return atom.lane
  const inner = laneStep(atom.of)
  if (inner === undefined || inner === 0) return inner
  // Four consecutive aligned values never straddle a multiple of `by` when 4 divides it.
  const straight = inner === 1 && atom.by % 4 === 0 && indexAlignment(atom.of) % 4 === 0
  return straight ? (atom.kind === 'mod' ? 1 : 0) : undefined
}

/** Whether any variable the index is made of satisfies the test. */
export const usesVariable = (index: Index, test: (name: string) => boolean): boolean =>
  index.terms.some(({ atom }) => (atom.kind === 'variable' ? test(atom.name) : usesVariable(atom.of, test)))

/** WGSL of type u32. */
export const renderIndex = (index: Index): string => {
  const parts = index.terms.map((t) =>
    t.coefficient === 1 ? renderAtom(t.atom) : `${renderAtom(t.atom)} * ${t.coefficient}u`,
  )
  if (index.constant !== 0 || parts.length === 0) parts.push(`${index.constant}u`)
  return parts.length === 1 ? parts[0]! : `(${parts.join(' + ')})`
}
const renderAtom = (atom: Atom): string =>
  atom.kind === 'variable' ? atom.name : `(${renderIndex(atom.of)} ${atom.kind === 'div' ? '/' : '%'} ${atom.by}u)`
