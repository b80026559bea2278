/** `thetagrad data sudoku`: builds a dataset folder from CSV files or a generator. */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import {
  augment,
  checkRows,
  eachRow,
  type Geometry,
  type Groups,
  generateSudoku,
  geometryOfSide,
  leaks,
  mayReplace,
  type PuzzleFile,
  type PuzzleRow,
  publicTables,
  randomOf,
  reservoir,
  sudokuSource,
  usualGenerator,
} from '../data/index.js'
import { type Problem, problem } from '../problem.js'
import { type DownloadFlags, downloadTable } from './data-download.js'
import { type Log, writeWatched } from './data-writing.js'
import { given } from './options.js'

export interface SudokuOptions extends DownloadFlags {
  readonly out: string
  readonly seed: number
  /** Sudoku-Extreme instead of files. */
  readonly download?: true
  /** CSV files; with `generate`, none. */
  readonly train?: readonly string[]
  readonly test?: readonly string[]
  /** Disguises added to every training puzzle of the files. */
  readonly augment?: number
  /** At most so many training puzzles, drawn at random by the seed. */
  readonly subsample?: number
  /** Whether every puzzle is searched for a second solution. */
  readonly checkUnique?: boolean
  /** Side of generated grids: 4, 6 or 9. */
  readonly generate?: number
  readonly trainGrids?: number
  readonly puzzlesPerGrid?: number
  readonly testGrids?: number
  readonly minBlanks?: number
  readonly maxBlanks?: number
}

export interface DataSummary {
  readonly out: string
  readonly side: number
  readonly trainGroups: number
  readonly trainExamples: number
  readonly testExamples: number
  /** Test puzzles left out because a training puzzle has their solution, in disguise or not. */
  readonly leaked: number
  readonly vocabulary: number
  readonly sequence: number
  readonly seconds: number
}

/** Why options do not go together, if they do not: bad usage. */
export const sudokuUsage = (o: Omit<SudokuOptions, 'out' | 'seed'>): string | undefined => {
  const { generate, download, train, test, augment: copies, subsample, minBlanks, maxBlanks } = o
  if (download === undefined && o.cache !== undefined) return '--cache is for what is fetched: add --download'
  if (generate === undefined) {
    const { trainGrids, testGrids, puzzlesPerGrid } = o
    const grids = { '--train-grids': trainGrids, '--test-grids': testGrids, '--puzzles-per-grid': puzzlesPerGrid }
    const stray = given({ ...grids, '--min-blanks': minBlanks, '--max-blanks': maxBlanks })
    if (stray !== undefined) return `${stray} is for generated puzzles: add --generate SIDE, or leave it out`
    if (download) {
      const file = given({ '--train': train, '--test': test })
      return file && `puzzles are either fetched or of files: leave out --download or ${file}`
    }
    return train === undefined || test === undefined
      ? 'give --train FILE and --test FILE, or --download, or --generate SIDE'
      : undefined
  }
  if (o.checkUnique === false) return '--no-check-unique is for puzzles of files: generated ones have one solution'
  const files = { '--train': train, '--test': test, '--download': download }
  const stray = given({ ...files, '--augment': copies, '--subsample': subsample })
  if (stray !== undefined) return `${stray} is for puzzles of files: leave out --generate or ${stray}`
  if (geometryOfSide(generate) === undefined) return `there is no Sudoku of side ${generate}: give 4, 6 or 9`
  return minBlanks !== undefined && maxBlanks !== undefined && minBlanks > maxBlanks
    ? `--min-blanks ${minBlanks} is more than --max-blanks ${maxBlanks}`
    : undefined
}

export const buildSudoku =
  (options: SudokuOptions, log: Log): TaskEither<Problem, DataSummary> =>
  async () => {
    const start = performance.now()
    const may = await mayReplace(options.out)
    if (E.isLeft(may)) return may
    const files = options.download ? await fetched(options, log) : E.right(options)
    if (E.isLeft(files)) return files
    const made = options.generate === undefined ? await fromFiles(files.right, log) : generated(options, log)
    if (E.isLeft(made)) return made
    const { geometry, train, test, leaked } = made.right
    const written = await writeWatched(sudokuSource(geometry, train, test), options.out, log)()
    if (E.isLeft(written)) return written
    const { train: split, test: held } = written.right
    return E.right({
      out: options.out,
      side: geometry.side,
      trainGroups: split.total_groups,
      trainExamples: split.examples,
      testExamples: held.examples,
      leaked,
      vocabulary: split.vocab_size,
      sequence: split.seq_len,
      seconds: (performance.now() - start) / 1000,
    })
  }

interface Made {
  readonly geometry: Geometry
  readonly train: Groups
  readonly test: Groups
  readonly leaked: number
}

const generated = (options: SudokuOptions, log: Log): E.Either<Problem, Made> => {
  const geometry = geometryOfSide(options.generate ?? 0)
  if (geometry === undefined)
    return E.left(
      problem(`there is no Sudoku of side ${options.generate}`, { where: '--generate', fix: 'give 4, 6 or 9' }),
    )
  const usual = usualGenerator(geometry, options.seed)
  const { trainGrids = usual.trainGrids, testGrids = usual.testGrids, puzzlesPerGrid = usual.puzzlesPerGrid } = options
  const { minBlanks = usual.minBlanks, maxBlanks = usual.maxBlanks } = options
  const cells = geometry.side ** 2
  if (!(minBlanks >= 1 && minBlanks <= maxBlanks && maxBlanks < cells))
    return E.left(
      problem(`a puzzle cannot have ${minBlanks} to ${maxBlanks} blanks`, {
        where: '--min-blanks, --max-blanks',
        fix: `give 1 ≤ min ≤ max < ${cells}`,
      }),
    )
  log(`generating ${trainGrids + testGrids} grids of side ${geometry.side}`)
  const made = generateSudoku({ ...usual, trainGrids, testGrids, puzzlesPerGrid, minBlanks, maxBlanks })
  return E.isLeft(made) ? made : E.right({ geometry, ...made.right, leaked: 0 })
}

/** Puzzles that the published runs train on, of the 3.8 million that can be fetched. */
const PUBLISHED_TRAINING = 1000

/** The options with what was fetched as files; known by its digest, it needs no search for second solutions. */
const fetched = async (options: SudokuOptions, log: Log): Promise<E.Either<Problem, SudokuOptions>> => {
  const paths = await downloadTable(publicTables.sudoku, options, log)()
  if (E.isLeft(paths)) return paths
  const { subsample = PUBLISHED_TRAINING } = options
  log(`training on ${subsample} of the puzzles`)
  return E.right({
    ...options,
    subsample,
    checkUnique: false,
    train: [paths.right.train],
    test: [paths.right.test],
  })
}

/** Puzzles of some files, all of one size. */
const readAll = async (
  option: string,
  files: readonly string[],
  { checkUnique = true, subsample, seed }: Pick<SudokuOptions, 'checkUnique' | 'subsample' | 'seed'>,
  log: Log,
): Promise<E.Either<Problem, PuzzleFile>> => {
  if (files.length === 0)
    return E.left(
      problem('no puzzles are given', {
        where: option,
        fix: 'name CSV files with --train and --test, or use --download or --generate 4|6|9',
      }),
    )
  // Rows alone, so that of millions of puzzles only those that are kept are looked at.
  const sample = reservoir<PuzzleRow>(subsample ?? Number.POSITIVE_INFINITY, randomOf(seed))
  for (const file of files) {
    log(`reading ${file}`)
    const read = await eachRow(file, (row) => {
      sample.add(row)
      return undefined
    })
    if (E.isLeft(read)) return read
  }
  return checkRows(sample.items, { checkUnique })
}

const fromFiles = async (options: SudokuOptions, log: Log): Promise<E.Either<Problem, Made>> => {
  const { subsample: _, ...whole } = options
  const train = await readAll('--train', options.train ?? [], options, log)
  if (E.isLeft(train)) return train
  const test = await readAll('--test', options.test ?? [], whole, log)
  if (E.isLeft(test)) return test
  const { geometry, puzzles } = train.right
  if (test.right.geometry.side !== geometry.side)
    return E.left(
      problem('the training and test files hold grids of different sizes', {
        where: '--test',
        fix: 'build one dataset for each size',
      }),
    )
  log('looking for test solutions among the training solutions')
  const leaked = new Set(leaks(geometry, puzzles, test.right.puzzles))
  if (leaked.size === test.right.puzzles.length)
    return E.left(
      problem('every test puzzle has the solution of a training puzzle, in disguise or not', {
        where: '--test',
        fix: 'name other test files',
      }),
    )
  const copies = options.augment ?? 0
  if (copies > 0) log(`adding ${copies} disguises of each of ${puzzles.length} puzzles`)
  return E.right({
    geometry,
    train: augment(geometry, puzzles, copies, options.seed),
    test: test.right.puzzles.filter((_, i) => !leaked.has(i)).map((p) => [p]),
    leaked: leaked.size,
  })
}

export const showSummary = (s: DataSummary): string =>
  [
    `${s.out}: Sudoku ${s.side}×${s.side}`,
    `  train  ${s.trainExamples} examples in ${s.trainGroups} groups`,
    `  test   ${s.testExamples} examples${s.leaked > 0 ? ` (${s.leaked} left out: their solution is in the training set)` : ''}`,
    `  tokens ${s.sequence} of a vocabulary of ${s.vocabulary}`,
    `  in ${s.seconds.toFixed(1)} s`,
  ].join('\n')
