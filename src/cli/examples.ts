/** Where training and evaluation examples come from: a dataset folder, or a CSV file of Sudoku puzzles. */
import { existsSync, statSync } from 'node:fs'
import * as E from 'fp-ts/lib/Either.js'
import {
  augment,
  type DatasetInfo,
  type DatasetSplit,
  evaluationBatches,
  exampleCount,
  openRows,
  readPuzzles,
  type Split,
  sudokuSplit,
  type Tokens,
  trainingBatches,
} from '../data/index.js'
import type { Reasoner } from '../hrm/index.js'
import { type Problem, problem } from '../problem.js'
import type { BatchStream, HostBatch } from '../train/index.js'
import type { RunConfig } from './run-folder.js'

export interface TrainingExamples {
  readonly info: DatasetInfo
  /** Batches without end, after the first `taken`. */
  readonly batches: (size: number, seed: number, taken: number) => BatchStream
}

export interface EvaluationExamples {
  readonly info: DatasetInfo
  readonly count: number
  readonly batches: (size: number) => Iterable<HostBatch>
}

/** A file of puzzles, not a dataset folder. */
export const isCsv = (path: string): boolean =>
  path.toLowerCase().endsWith('.csv') || (existsSync(path) && statSync(path).isFile())

/**
 * The training split of a folder; of a CSV file the puzzles, each with `copies` disguises of itself, of which an epoch
 * takes one.
 */
export const openTraining = async (path: string, copies: number): Promise<E.Either<Problem, TrainingExamples>> => {
  const split = isCsv(path) ? await augmentedFile(path, copies) : await openRows(path, 'train')()
  if (E.isLeft(split)) return split
  const rows = split.right
  return exampleCount(rows) === 0
    ? E.left(empty(path))
    : E.right({ info: rows.info, batches: (size, seed, taken) => trainingBatches(rows, size, seed, taken) })
}

const augmentedFile = async (path: string, copies: number): Promise<E.Either<Problem, DatasetSplit>> => {
  const file = await readPuzzles(path)()
  if (E.isLeft(file)) return file
  const { geometry, puzzles } = file.right
  return E.right(sudokuSplit(geometry, augment(geometry, puzzles, copies, AUGMENTATION_SEED)))
}

/** The disguises of a file are the same in every run, so that resuming finds them again; the run's seed orders them. */
const AUGMENTATION_SEED = 0

const empty = (where: string): Problem => problem('there is no example to train on', { where })

/** At most `limit` examples: of a split of a dataset folder, or of a CSV file. */
export const openEvaluation = async (
  path: string,
  split: Split,
  limit: number,
): Promise<E.Either<Problem, EvaluationExamples>> => {
  const rows = await openSplit(path, split, limit)
  return E.isLeft(rows) ? rows : examplesOf(rows.right, limit, path)
}

/** What a run is evaluated on: what is given, or else what its training was. */
export const heldOutOf = (
  given: string | undefined,
  { data, evalData }: RunConfig,
  run: string,
): E.Either<Problem, string> => {
  const found = given ?? evalData ?? data
  const refuse = (what: string, why?: string) =>
    E.left(problem(what, { where: run, fix: 'add --data DIR', ...(why !== undefined && { why }) }))
  if (found === undefined) return refuse('the run does not say what it was trained on', 'its weights were imported')
  return given === undefined && evalData === undefined && isCsv(found)
    ? refuse('there is nothing to evaluate on that was not trained on', `${found} is a single file`)
    : E.right(found)
}

/** What is evaluated on; of a CSV file the first puzzles. */
export const openSplit = (
  path: string,
  split: Split,
  limit: number,
): Promise<E.Either<Problem, DatasetSplit<Tokens>>> =>
  isCsv(path) ? splitOfFile(path, limit) : openRows(path, split)()

/** The first examples of a split, which must have one. */
export const examplesOf = (
  rows: DatasetSplit<Tokens>,
  limit: number,
  where: string,
): E.Either<Problem, EvaluationExamples> => {
  const count = Math.min(limit, exampleCount(rows))
  if (count === 0) return E.left(problem('there is no example to evaluate on', { where }))
  return E.right({ info: rows.info, count, batches: (size) => evaluationBatches(rows, size, limit) })
}

const splitOfFile = async (path: string, limit: number): Promise<E.Either<Problem, DatasetSplit>> => {
  const file = await readPuzzles(path, { checkUnique: false, ...(Number.isFinite(limit) && { limit }) })()
  return E.isLeft(file)
    ? file
    : E.right(
        sudokuSplit(
          file.right.geometry,
          file.right.puzzles.map((p) => [p]),
        ),
      )
}

/** Whether a model can read a dataset. */
export const fits = ({ sizes }: Reasoner, info: DatasetInfo, where: string): E.Either<Problem, void> => {
  const refuse = (what: string) =>
    E.left(problem(what, { where, fix: 'use data of the kind the model was made for, or a model made for this data' }))
  if (info.seq_len !== sizes.sequence)
    return refuse(`the examples have ${info.seq_len} tokens, the model takes ${sizes.sequence}`)
  if (info.vocab_size > sizes.vocabulary)
    return refuse(`the examples have a vocabulary of ${info.vocab_size}, the model knows ${sizes.vocabulary}`)
  if (sizes.puzzleEmbedding > 0 && info.num_puzzle_identifiers > sizes.puzzles)
    return refuse(`the examples have ${info.num_puzzle_identifiers} puzzle identifiers, the model ${sizes.puzzles}`)
  return E.right(undefined)
}
