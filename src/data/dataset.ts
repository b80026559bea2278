/**
 * A dataset, in memory and as the published folder: `{train,test}/dataset.json`, per set
 * `{set}__{inputs,labels,puzzle_identifiers,puzzle_indices,group_indices}.npy`, and `identifiers.json`.
 */
import { existsSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type Problem, problem } from '../problem.js'
import { type Npy, openNpy, readNpy } from './npy.js'
import { checkInfo, checkSplit, checkStored, type DatasetInfo, type DatasetSplit, type Tokens } from './split.js'

export type Split = 'train' | 'test'
export interface Dataset {
  readonly splits: Readonly<Partial<Record<Split, DatasetSplit>>>
  /** Names of the puzzle identifiers; entry 0 is the blank one. */
  readonly identifiers: readonly string[]
  /** ARC: the held-out tasks by name, as in their files. */
  readonly testPuzzles?: unknown
}

/** Files of a split and what they hold. */
export const FIELDS = [
  ['inputs', 'inputs'],
  ['labels', 'labels'],
  ['puzzle_identifiers', 'puzzleIdentifiers'],
  ['puzzle_indices', 'puzzleIndices'],
  ['group_indices', 'groupIndices'],
] as const

const reading = async <A>(file: string, folder: string, read: () => Promise<A>): Promise<E.Either<Problem, A>> => {
  try {
    return E.right(await read())
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT')
      return E.left(problem('the file cannot be read', { where: file, why: String(cause) }))
    return E.left(
      existsSync(folder)
        ? problem('a file of the dataset is missing', {
            where: file,
            fix: 'build the dataset again (`thetagrad data sudoku|maze|arc`)',
          })
        : problem('there is no such dataset folder', {
            where: folder,
            fix: 'build one: `thetagrad data sudoku --generate 4 --out DIR`',
          }),
    )
  }
}

const readText = (file: string, folder: string) => reading(file, folder, () => readFile(file, 'utf8'))

/** What one split says of itself. */
export const readInfo =
  (folder: string, split: Split): TaskEither<Problem, DatasetInfo> =>
  async () => {
    const file = join(folder, split, 'dataset.json')
    const text = await readText(file, folder)
    return E.isLeft(text) ? text : checkInfo(text.right, file)
  }

/** What of a split is read in any case: everything but its tokens. */
const readFrame = async (folder: string, split: Split) => {
  const info = await readInfo(folder, split)()
  if (E.isLeft(info)) return info
  const fileOf = (name: string) => join(folder, split, `${info.right.sets[0]}__${name}.npy`)
  /** A part of every field, by whichever way it is read. */
  const part = async <A>(
    name: string,
    read: (file: string) => Promise<E.Either<Problem, A>> | E.Either<Problem, A>,
  ) => {
    const array = await reading(fileOf(name), folder, async () => read(fileOf(name)))
    return E.isLeft(array) ? array : array.right
  }
  return E.right({ info: info.right, fileOf, part })
}

/** Reads and checks one split. */
export const readSplit =
  (folder: string, split: Split): TaskEither<Problem, DatasetSplit> =>
  async () => {
    const frame = await readFrame(folder, split)
    if (E.isLeft(frame)) return frame
    const { info, fileOf, part } = frame.right
    const parts: Partial<Record<(typeof FIELDS)[number][1], Npy>> = {}
    for (const [name, key] of FIELDS) {
      const array = await part(name, readNpy)
      if (E.isLeft(array)) return array
      parts[key] = array.right
    }
    return checkSplit(info, parts as Required<typeof parts>, fileOf)
  }

/** Bytes of tokens that are rather held in memory than read from the disk again and again. */
const HELD = 2 ** 28

/**
 * A split to take batches from: large tokens stay on the disk, in files that are open until the process ends, and are
 * checked by going through them once.
 */
export const openRows =
  (folder: string, split: Split, held = HELD): TaskEither<Problem, DatasetSplit<Tokens>> =>
  async () => {
    const frame = await readFrame(folder, split)
    if (E.isLeft(frame)) return frame
    const { info, fileOf, part } = frame.right
    const size = existsSync(fileOf('inputs')) ? statSync(fileOf('inputs')).size : 0
    if (2 * size <= held) return readSplit(folder, split)()
    const inputs = await part('inputs', openNpy)
    if (E.isLeft(inputs)) return inputs
    const labels = await part('labels', openNpy)
    if (E.isLeft(labels)) return labels
    const identifiers = await part('puzzle_identifiers', readNpy)
    if (E.isLeft(identifiers)) return identifiers
    const puzzles = await part('puzzle_indices', readNpy)
    if (E.isLeft(puzzles)) return puzzles
    const groups = await part('group_indices', readNpy)
    if (E.isLeft(groups)) return groups
    const lists = {
      puzzleIdentifiers: identifiers.right,
      puzzleIndices: puzzles.right,
      groupIndices: groups.right,
    }
    return checkStored(info, { inputs: inputs.right, labels: labels.right, ...lists }, fileOf)
  }

const readJson = async (file: string, folder: string): Promise<E.Either<Problem, unknown>> => {
  const text = await readText(file, folder)
  return E.isLeft(text)
    ? text
    : E.tryCatch(
        () => JSON.parse(text.right) as unknown,
        (cause) => problem('this is no JSON', { where: file, why: String(cause) }),
      )
}

/** The names of the puzzle identifiers. */
export const readIdentifiers =
  (folder: string): TaskEither<Problem, readonly string[]> =>
  async () => {
    const file = join(folder, 'identifiers.json')
    const names = await readJson(file, folder)
    if (E.isLeft(names)) return names
    return Array.isArray(names.right) && names.right.every((name) => typeof name === 'string')
      ? E.right(names.right)
      : E.left(problem('this is no list of names', { where: file }))
  }

/** ARC: the held-out tasks by name, as in their files; nothing where the builder left none. */
export const readTestPuzzles =
  (folder: string): TaskEither<Problem, unknown> =>
  async () => {
    const file = join(folder, 'test_puzzles.json')
    return existsSync(file) ? readJson(file, folder) : E.right(undefined)
  }

/** The whole folder: written again, it is the same byte for byte. */
export const readDataset =
  (folder: string): TaskEither<Problem, Dataset> =>
  async () => {
    const identifiers = await readIdentifiers(folder)()
    if (E.isLeft(identifiers)) return identifiers
    const splits: Partial<Record<Split, DatasetSplit>> = {}
    for (const name of ['train', 'test'] as const) {
      if (!existsSync(join(folder, name))) continue
      const split = await readSplit(folder, name)()
      if (E.isLeft(split)) return split
      splits[name] = split.right
    }
    const testPuzzles = await readTestPuzzles(folder)()
    return E.isLeft(testPuzzles)
      ? testPuzzles
      : E.right({
          splits,
          identifiers: identifiers.right,
          ...(testPuzzles.right !== undefined && { testPuzzles: testPuzzles.right }),
        })
  }
