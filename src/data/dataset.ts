/**
 * A dataset, in memory and as the published folder: `{train,test}/dataset.json`, per set
 * `{set}__{inputs,labels,puzzle_identifiers,puzzle_indices,group_indices}.npy`, and `identifiers.json`.
 */
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type Problem, problem } from '../problem.js'
import { decodeNpy, encodeNpy, type Npy } from './npy.js'
import { checkInfo, checkSplit, type DatasetSplit, exampleCount } from './split.js'

export type Split = 'train' | 'test'
export interface Dataset {
  readonly splits: Readonly<Partial<Record<Split, DatasetSplit>>>
  /** Names of the puzzle identifiers; entry 0 is the blank one. */
  readonly identifiers: readonly string[]
}

const FIELDS = [
  ['inputs', 'inputs'],
  ['labels', 'labels'],
  ['puzzle_identifiers', 'puzzleIdentifiers'],
  ['puzzle_indices', 'puzzleIndices'],
  ['group_indices', 'groupIndices'],
] as const

/** What a dataset folder may hold; anything else beside these is somebody's and must not be replaced. */
const OWN_ENTRIES = ['train', 'test', 'identifiers.json', 'test_puzzles.json', '.DS_Store']

/** Why a folder must not be replaced, if it must not: only an empty or a dataset folder may be. */
const foreignEntry = async (folder: string): Promise<string | undefined> => {
  if (!existsSync(folder)) return undefined
  try {
    const entries = await readdir(folder)
    const isDataset = entries.some((name) => existsSync(join(folder, name, 'dataset.json')))
    return entries.find((name) => !(isDataset && OWN_ENTRIES.includes(name)))
  } catch (cause) {
    return String(cause)
  }
}

/**
 * Writes the folder whole or not at all: it is built beside its place and moved there. Replaces an older dataset, never
 * anything else.
 */
export const writeDataset =
  (dataset: Dataset, path: string): TaskEither<Problem, void> =>
  async () => {
    // Without a slash at the end, so that what is beside it is not in it.
    const folder = resolve(path)
    const foreign = await foreignEntry(folder)
    if (foreign !== undefined)
      return E.left(
        problem('the folder holds something that is no dataset', {
          where: path,
          why: foreign,
          fix: 'choose another --out folder',
        }),
      )
    const building = `${folder}.building-${process.pid}`
    const replaced = `${folder}.replaced-${process.pid}`
    try {
      await rm(building, { recursive: true, force: true })
      for (const [name, split] of Object.entries(dataset.splits)) {
        await mkdir(join(building, name), { recursive: true })
        await writeFile(join(building, name, 'dataset.json'), JSON.stringify(split.info))
        for (const [file, key] of FIELDS) {
          const data = split[key]
          const shape =
            file === 'inputs' || file === 'labels' ? [exampleCount(split), split.info.seq_len] : [data.length]
          await writeFile(join(building, name, `${split.info.sets[0]}__${file}.npy`), encodeNpy({ shape, data }))
        }
      }
      await writeFile(join(building, 'identifiers.json'), JSON.stringify(dataset.identifiers))
      if (existsSync(folder)) await rename(folder, replaced)
      await rename(building, folder)
      await rm(replaced, { recursive: true, force: true })
      return E.right(undefined)
    } catch (cause) {
      // Where nothing could be written there may be nothing to remove either.
      await rm(building, { recursive: true, force: true }).catch(() => {})
      if (existsSync(replaced) && !existsSync(folder)) await rename(replaced, folder)
      return E.left(problem('the dataset could not be written', { where: path, why: String(cause) }))
    }
  }

const readBytes = async (file: string, folder: string): Promise<E.Either<Problem, Buffer>> => {
  try {
    return E.right(await readFile(file))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT')
      return E.left(problem('the file cannot be read', { where: file, why: String(cause) }))
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

/** Reads and checks one split. */
export const readSplit =
  (folder: string, split: Split): TaskEither<Problem, DatasetSplit> =>
  async () => {
    const at = join(folder, split)
    const file = join(at, 'dataset.json')
    const text = await readBytes(file, folder)
    if (E.isLeft(text)) return text
    const info = checkInfo(text.right.toString(), file)
    if (E.isLeft(info)) return info
    const parts: Partial<Record<(typeof FIELDS)[number][1], Npy>> = {}
    const fileOf = (name: string) => join(at, `${info.right.sets[0]}__${name}.npy`)
    for (const [name, key] of FIELDS) {
      const bytes = await readBytes(fileOf(name), folder)
      if (E.isLeft(bytes)) return bytes
      const decoded = decodeNpy(bytes.right, fileOf(name))
      if (E.isLeft(decoded)) return decoded
      parts[key] = decoded.right
    }
    return checkSplit(info.right, parts as Required<typeof parts>, fileOf)
  }
