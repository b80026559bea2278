/** Sizes of a model changed on the command line: `--set model.hidden=256`, `--set model.layers.high=2`. */
import * as E from 'fp-ts/lib/Either.js'
import { gradientNamed } from '../hrm/index.js'
import { type Problem, problem } from '../problem.js'

/** What `--set` says of the model, by path without the `model.`, as it was written. */
export type SizeChanges = Readonly<Record<string, string>>

type Tree = { readonly [key: string]: number | string | Tree }

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null

const paths = (tree: Tree): readonly string[] =>
  Object.entries(tree).flatMap(([key, value]) => (isTree(value) ? paths(value).map((p) => `${key}.${p}`) : [key]))

const words: Readonly<Record<string, readonly string[]>> = {
  positions: ['rope', 'learned', 'none'],
  mixing: ['attention', 'mlp'],
  rotary: ['grid', 'line', 'none'],
}
/** What a gradient rule may be called, in words. */
export const GRADIENTS = 'oneStep, wholeCycle, full, or last3 or allBut2 of some number'
/** What a number may be, in words. */
interface Range {
  readonly words: string
  readonly holds: (n: number) => boolean
}
const counted: Range = { words: 'a whole number ≥ 1', holds: (n) => Number.isInteger(n) && n >= 1 }
const countedOrNone: Range = { words: 'a whole number ≥ 0', holds: (n) => Number.isInteger(n) && n >= 0 }
/** Of sizes that do not count something there must be one of at least. */
const ranges: Readonly<Record<string, Range>> = {
  puzzleEmbedding: countedOrNone,
  puzzleTokens: countedOrNone,
  expansion: { words: 'a number > 0', holds: (n) => n > 0 && Number.isFinite(n) },
  exploration: { words: 'a number from 0 to 1', holds: (n) => n >= 0 && n <= 1 },
  step: { words: 'a number > 0 and ≤ 1', holds: (n) => n > 0 && n <= 1 },
  noise: { words: 'a number ≥ 0', holds: (n) => n >= 0 && Number.isFinite(n) },
}
const rangeOf = (path: string): Range => ranges[path] ?? counted

const sizeOf = (path: string, text: string): number | string | undefined => {
  if (words[path] !== undefined) return words[path].includes(text) ? text : undefined
  if (path === 'gradient') return gradientNamed(text) === undefined ? undefined : text
  const n = Number(text)
  return text.trim() !== '' && rangeOf(path).holds(n) ? n : undefined
}

const replaced = (tree: Tree, [key, ...rest]: readonly string[], value: number | string): Tree => ({
  ...tree,
  [key!]: rest.length === 0 ? value : replaced(tree[key!] as Tree, rest, value),
})

/** What may be changed, by path. */
export const sizeNames = (sizes: object): readonly string[] => paths(sizes as Tree)

/** The sizes with the changes; a problem for one that the model has not, or that is no size. */
export const withSizes = <S extends object>(sizes: S, changes: SizeChanges): E.Either<Problem, S> => {
  const known = sizeNames(sizes)
  let tree = sizes as unknown as Tree
  for (const [path, text] of Object.entries(changes)) {
    if (!known.includes(path))
      return E.left(
        problem(`the model has no size "${path}"`, { where: '--set', fix: `its sizes are ${known.join(', ')}` }),
      )
    const value = sizeOf(path, text)
    if (value === undefined)
      return E.left(
        problem(`model.${path} is "${text}"`, {
          where: '--set',
          fix: `give ${path === 'gradient' ? GRADIENTS : (words[path]?.join(' or ') ?? rangeOf(path).words)}`,
        }),
      )
    tree = replaced(tree, path.split('.'), value)
  }
  return E.right(tree as unknown as S)
}
