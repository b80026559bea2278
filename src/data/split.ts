/**
 * One split of a dataset, and what must hold of it before anything is computed from it: a token or an index out of range
 * would be read as some other row by a GPU, silently. Examples belong to puzzles (`puzzleIndices[p]…puzzleIndices[p+1]`),
 * puzzles to groups; N examples, S tokens.
 */
import * as E from 'fp-ts/lib/Either.js'
import { type Problem, problem } from '../problem.js'
import type { Npy, StoredValues } from './npy.js'

/** `dataset.json`, its names those of the published code. */
export interface DatasetInfo {
  readonly seq_len: number
  readonly vocab_size: number
  readonly pad_id: number
  /** Labels equal to it are not learned. */
  readonly ignore_label_id: number | null
  readonly blank_identifier_id: number
  readonly num_puzzle_identifiers: number
  readonly total_groups: number
  readonly mean_puzzle_examples: number
  /** Exactly one is read and written; published ARC folders may have two. */
  readonly sets: readonly string[]
  /** Columns of the grids where they are no squares. Ours: the published code, which has squares alone, passes over it. */
  readonly width?: number
}

type InMemory = Uint8Array | Int32Array
/** Tokens in memory or on the disk. */
export interface Tokens {
  readonly length: number
  readonly subarray: (start: number, end: number) => InMemory
}

export interface DatasetSplit<T extends Tokens = InMemory> {
  readonly info: DatasetInfo
  /** [N, S] */
  readonly inputs: T
  readonly labels: T
  /** [puzzles] */
  readonly puzzleIdentifiers: Int32Array
  /** [puzzles + 1] */
  readonly puzzleIndices: Int32Array
  /** [groups + 1] */
  readonly groupIndices: Int32Array
  /** Tokens that were 64-bit integers in the file, as the published builder leaves augmented Sudokus; written again so. */
  readonly wide?: readonly ('inputs' | 'labels')[]
}

/** Label that losses and metrics leave out. */
export const IGNORED = -100

export const exampleCount = (split: DatasetSplit<Tokens>): number => split.inputs.length / split.info.seq_len

const again = 'build the dataset again (`thetagrad data sudoku|maze|arc`)'

const isCount = (value: unknown): boolean => typeof value === 'number' && Number.isInteger(value) && value >= 0
const fields: {
  readonly [K in keyof DatasetInfo]-?: (value: unknown, info: { readonly seq_len?: unknown }) => boolean
} = {
  seq_len: (value) => isCount(value) && value !== 0,
  vocab_size: (value) => isCount(value) && value !== 0,
  pad_id: isCount,
  // Absent and null mean that every label counts.
  ignore_label_id: (value) => value === undefined || value === null || Number.isInteger(value),
  blank_identifier_id: isCount,
  num_puzzle_identifiers: (value) => isCount(value) && value !== 0,
  total_groups: isCount,
  mean_puzzle_examples: (value) => typeof value === 'number',
  sets: (value) => Array.isArray(value) && value.length === 1 && typeof value[0] === 'string',
  width: (value, { seq_len }) => value === undefined || (isCount(value) && Number(seq_len) % Number(value) === 0),
}

/** `dataset.json` as a value. */
export const checkInfo = (text: string, file: string): E.Either<Problem, DatasetInfo> => {
  let info: Readonly<Record<string, unknown>>
  try {
    info = JSON.parse(text) as typeof info
  } catch (cause) {
    return E.left(problem('this is no JSON', { where: file, why: String(cause), fix: again }))
  }
  const bad = Object.entries(fields).find(([name, holds]) => !holds(info?.[name], info ?? {}))
  if (bad === undefined) return E.right({ ...(info as unknown as DatasetInfo), ignore_label_id: ignored(info) })
  return E.left(
    problem(
      bad[0] === 'sets'
        ? `sets is ${JSON.stringify(info?.sets)}, expected one set`
        : `${bad[0]} is ${JSON.stringify(info?.[bad[0]])}`,
      { where: file, fix: again },
    ),
  )
}

/** Columns of an example's grid; no whole number where the examples are no grids. */
export const gridWidth = ({ seq_len, width = Math.sqrt(seq_len) }: DatasetInfo): number => width

const ignored = (info: Readonly<Record<string, unknown>>): number | null =>
  typeof info.ignore_label_id === 'number' ? info.ignore_label_id : null

/** An array of a file, in memory or on the disk. */
interface Part<D> {
  readonly shape: readonly number[]
  readonly data: D
}
type Lists = { readonly [K in 'puzzleIdentifiers' | 'puzzleIndices' | 'groupIndices']: Npy }
type Parts<D> = Lists & { readonly [K in 'inputs' | 'labels']: Part<D> }

/** The arrays as a split; `fileOf` names a part's file in problems. */
export const checkSplit = (
  info: DatasetInfo,
  parts: Parts<Npy['data']>,
  fileOf: (name: string) => string,
): E.Either<Problem, DatasetSplit> => checked(info, parts, fileOf, inMemory)

/** The same where the tokens stay on the disk: they are gone through once. */
export const checkStored = (
  info: DatasetInfo,
  parts: Parts<StoredValues>,
  fileOf: (name: string) => string,
): E.Either<Problem, DatasetSplit<Tokens>> =>
  checked(info, parts, fileOf, ({ length, subarray }) => ({
    length,
    subarray: (start, end) => inMemory(subarray(start, end)),
  }))

const kindOf = (data: Npy['data'] | StoredValues): 'float' | 'wide' | 'narrow' => {
  const is = (type: typeof Float32Array | typeof BigInt64Array, descriptor: string) =>
    data instanceof type || ('descriptor' in data && data.descriptor === descriptor)
  return is(Float32Array, '<f4') ? 'float' : is(BigInt64Array, '<i8') ? 'wide' : 'narrow'
}

const checked = <D extends Npy['data'] | StoredValues, T extends Tokens>(
  info: DatasetInfo,
  parts: Parts<D>,
  fileOf: (name: string) => string,
  tokens: (data: D) => T,
): E.Either<Problem, DatasetSplit<T>> => {
  const refuse = (name: string, what: string) => E.left(problem(what, { where: fileOf(name), fix: again }))
  const { inputs, labels, puzzleIdentifiers, puzzleIndices, groupIndices } = parts
  const examples = inputs.shape[0] ?? 0
  for (const [name, part] of [
    ['inputs', inputs],
    ['labels', labels],
  ] as const)
    if (part.shape.length !== 2 || part.shape[0] !== examples || part.shape[1] !== info.seq_len)
      return refuse(name, `its shape is [${part.shape}], expected [${examples}, ${info.seq_len}]`)
  const lists = { puzzle_identifiers: puzzleIdentifiers, puzzle_indices: puzzleIndices, group_indices: groupIndices }
  for (const [name, part] of Object.entries(lists))
    if (part.shape.length !== 1) return refuse(name, `its shape is [${part.shape}], expected one dimension`)
  const puzzles = puzzleIdentifiers.data.length
  for (const [name, part] of Object.entries({ inputs, labels, ...lists }))
    if (kindOf(part.data) === 'float') return refuse(name, 'it holds float32, expected whole numbers')
  const wide = (['inputs', 'labels'] as const).filter((name) => kindOf(parts[name].data) === 'wide')
  const split: DatasetSplit<T> = {
    info,
    inputs: tokens(inputs.data),
    labels: tokens(labels.data),
    puzzleIdentifiers: integers(puzzleIdentifiers.data),
    puzzleIndices: integers(puzzleIndices.data),
    groupIndices: integers(groupIndices.data),
    ...(wide.length > 0 && { wide }),
  }
  const spans = [
    ['puzzle_indices', split.puzzleIndices, puzzles, examples, 'examples'],
    ['group_indices', split.groupIndices, info.total_groups, puzzles, 'puzzles'],
  ] as const
  for (const [name, indices, count, end, unit] of spans) {
    if (indices.length !== count + 1) return refuse(name, `it has ${indices.length} entries, expected ${count + 1}`)
    if (indices[0] !== 0 || indices[count] !== end)
      return refuse(name, `it goes from ${indices[0]} to ${indices[count]}, expected 0 to the ${end} ${unit}`)
    const flat = indices.findIndex((value, i) => i > 0 && value <= indices[i - 1]!)
    if (flat >= 0) return refuse(name, `entry ${flat} is ${indices[flat]}, no more than the one before it`)
  }
  const ranges = [
    ['inputs', split.inputs, info.vocab_size, 'vocab_size'],
    ['labels', split.labels, info.vocab_size, 'vocab_size'],
    ['puzzle_identifiers', split.puzzleIdentifiers, info.num_puzzle_identifiers, 'num_puzzle_identifiers'],
  ] as const
  for (const [name, values, limit, of] of ranges) {
    const bad = firstOutside(values, limit, name === 'labels' ? info.ignore_label_id : null)
    if (bad !== undefined)
      return refuse(name, `entry ${bad.at} is ${bad.value}, expected 0 to ${limit - 1} (${of} is ${limit})`)
  }
  return E.right(split)
}

/** Values looked at in one go: as many as are read from a disk at once. */
const STRETCH = 1 << 22

/** The first entry that is neither in 0 … limit − 1 nor the allowed one. Loops, because there may be 10⁹ of them. */
const firstOutside = (
  values: Tokens,
  limit: number,
  allowed: number | null,
): { readonly at: number; readonly value: number } | undefined => {
  for (let start = 0; start < values.length; start += STRETCH) {
    const stretch = values.subarray(start, Math.min(start + STRETCH, values.length))
    for (let i = 0; i < stretch.length; i++) {
      const value = stretch[i]!
      if ((value < 0 || value >= limit) && value !== allowed) return { at: start + i, value }
    }
  }
  return undefined
}

/** As few bytes as they came in, but 64-bit integers, which the published builder writes for augmented puzzles, become 32. */
const inMemory = (data: Npy['data']): InMemory => (data instanceof Uint8Array ? data : integers(data))

const integers = (data: Npy['data']): Int32Array => {
  if (data instanceof Int32Array) return data
  const out = new Int32Array(data.length)
  for (let i = 0; i < out.length; i++) out[i] = Number(data[i])
  return out
}
