/**
 * A dataset, in memory and as the published folder: `{train,test}/dataset.json`, per set
 * `{set}__{inputs,labels,puzzle_identifiers,puzzle_indices,group_indices}.npy`, and `identifiers.json`.
 * Examples belong to puzzles (`puzzleIndices[p]…puzzleIndices[p+1]`), puzzles to groups; N examples, S tokens.
 */
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type Problem, problem } from '../problem.js'
import { decodeNpy, encodeNpy, type Npy } from './npy.js'

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
  readonly sets: readonly string[]
}

export interface DatasetSplit {
  readonly info: DatasetInfo
  /** [N, S] */
  readonly inputs: Uint8Array | Int32Array
  readonly labels: Uint8Array | Int32Array
  /** [puzzles] */
  readonly puzzleIdentifiers: Int32Array
  /** [puzzles + 1] */
  readonly puzzleIndices: Int32Array
  /** [groups + 1] */
  readonly groupIndices: Int32Array
}

export type Split = 'train' | 'test'
export interface Dataset {
  readonly splits: Readonly<Partial<Record<Split, DatasetSplit>>>
  /** Names of the puzzle identifiers; entry 0 is the blank one. */
  readonly identifiers: readonly string[]
}

/** Label that losses and metrics leave out. */
export const IGNORED = -100

export const exampleCount = (split: DatasetSplit): number => split.inputs.length / split.info.seq_len

const FIELDS = [
  ['inputs', 'inputs'],
  ['labels', 'labels'],
  ['puzzle_identifiers', 'puzzleIdentifiers'],
  ['puzzle_indices', 'puzzleIndices'],
  ['group_indices', 'groupIndices'],
] as const

/** Writes the folder whole or not at all: it is built beside its place and moved there. */
export const writeDataset =
  (dataset: Dataset, folder: string): TaskEither<Problem, void> =>
  async () => {
    if (existsSync(folder) && !existsSync(join(folder, 'identifiers.json')) && (await readdir(folder)).length > 0)
      return E.left(
        problem('the folder holds something that is no dataset', { where: folder, fix: 'choose another --out folder' }),
      )
    const building = `${folder}.building-${process.pid}`
    try {
      await rm(building, { recursive: true, force: true })
      for (const [name, split] of Object.entries(dataset.splits)) {
        await mkdir(join(building, name), { recursive: true })
        await writeFile(join(building, name, 'dataset.json'), JSON.stringify(split.info))
        for (const [file, key] of FIELDS) {
          const data = split[key]
          const shape =
            file === 'inputs' || file === 'labels' ? [exampleCount(split), split.info.seq_len] : [data.length]
          await writeFile(join(building, name, `all__${file}.npy`), encodeNpy({ shape, data }))
        }
      }
      await writeFile(join(building, 'identifiers.json'), JSON.stringify(dataset.identifiers))
      await rm(folder, { recursive: true, force: true })
      await mkdir(dirname(folder), { recursive: true })
      await rename(building, folder)
      return E.right(undefined)
    } catch (cause) {
      await rm(building, { recursive: true, force: true })
      return E.left(problem('the dataset could not be written', { where: folder, why: String(cause) }))
    }
  }

const readText = async (file: string, folder: string): Promise<E.Either<Problem, Buffer>> => {
  try {
    return E.right(await readFile(file))
  } catch {
    return E.left(
      existsSync(folder)
        ? problem('a file of the dataset is missing', {
            where: file,
            fix: 'build the dataset again (`thetagrad data sudoku`)',
          })
        : problem('there is no such dataset folder', {
            where: folder,
            fix: 'build one: `thetagrad data sudoku --generate 4 --out DIR`',
          }),
    )
  }
}

/** Reads one split; several sets become one. */
export const readSplit =
  (folder: string, split: Split): TaskEither<Problem, DatasetSplit> =>
  async () => {
    const at = join(folder, split)
    const file = join(at, 'dataset.json')
    const text = await readText(file, folder)
    if (E.isLeft(text)) return text
    let info: DatasetInfo
    try {
      info = JSON.parse(text.right.toString()) as DatasetInfo
    } catch (cause) {
      return E.left(problem('this is no JSON', { where: file, why: String(cause) }))
    }
    if (!Array.isArray(info.sets) || info.sets.length !== 1 || !(info.seq_len > 0) || !(info.vocab_size > 0))
      return E.left(problem('this describes no dataset of one set', { where: file, fix: 'build the dataset again' }))
    const parts: Record<string, Npy> = {}
    for (const [name] of FIELDS) {
      const npy = join(at, `${info.sets[0]}__${name}.npy`)
      const bytes = await readText(npy, folder)
      if (E.isLeft(bytes)) return bytes
      const decoded = decodeNpy(bytes.right, npy)
      if (E.isLeft(decoded)) return decoded
      parts[name] = decoded.right
    }
    const tokens = (name: string) => {
      const { data } = parts[name]!
      return data instanceof Uint8Array ? data : integers(data)
    }
    const result: DatasetSplit = {
      info,
      inputs: tokens('inputs'),
      labels: tokens('labels'),
      puzzleIdentifiers: integers(parts.puzzle_identifiers!.data),
      puzzleIndices: integers(parts.puzzle_indices!.data),
      groupIndices: integers(parts.group_indices!.data),
    }
    const examples = exampleCount(result)
    const agree =
      result.labels.length === result.inputs.length &&
      Number.isInteger(examples) &&
      result.puzzleIndices.at(-1) === examples &&
      result.groupIndices.at(-1) === result.puzzleIdentifiers.length
    return agree
      ? E.right(result)
      : E.left(problem('the files of the split do not fit together', { where: at, fix: 'build the dataset again' }))
  }

const integers = (data: Npy['data']): Int32Array =>
  data instanceof Int32Array
    ? data
    : Int32Array.from(data as ArrayLike<number | bigint> as never, (v: number | bigint) => Number(v))
