/** `thetagrad data sudoku`: builds a dataset folder from CSV files or a generator. */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import {
  augment,
  type Geometry,
  type Groups,
  generateSudoku,
  geometryOfSide,
  leaks,
  mayReplace,
  type Puzzle,
  randomOf,
  readPuzzles,
  sudokuSource,
} from '../data/index.js'
import { type Problem, problem } from '../problem.js'
import { type Log, writeWatched } from './data-writing.js'

export interface SudokuOptions {
  readonly out: string
  readonly seed: number
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
  const { generate, train, test, augment: copies, subsample, minBlanks, maxBlanks } = o
  const given = (options: object) => Object.entries(options).find(([, value]) => value !== undefined)?.[0]
  if (generate === undefined) {
    const { trainGrids, testGrids, puzzlesPerGrid } = o
    const grids = { '--train-grids': trainGrids, '--test-grids': testGrids, '--puzzles-per-grid': puzzlesPerGrid }
    const stray = given({ ...grids, '--min-blanks': minBlanks, '--max-blanks': maxBlanks })
    if (stray !== undefined) return `${stray} is for generated puzzles: add --generate SIDE, or leave it out`
    return train === undefined || test === undefined
      ? 'give --train FILE and --test FILE, or --generate SIDE'
      : undefined
  }
  const stray = given({ '--train': train, '--test': test, '--augment': copies, '--subsample': subsample })
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
    const made = options.generate === undefined ? await fromFiles(options, log) : generated(options, log)
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
  const cells = geometry.side ** 2
  const [minBlanks, maxBlanks] = [
    options.minBlanks ?? Math.round(cells * 0.4),
    options.maxBlanks ?? Math.round(cells * 0.6),
  ]
  if (!(minBlanks >= 1 && minBlanks <= maxBlanks && maxBlanks < cells))
    return E.left(
      problem(`a puzzle cannot have ${minBlanks} to ${maxBlanks} blanks`, {
        where: '--min-blanks, --max-blanks',
        fix: `give 1 ≤ min ≤ max < ${cells}`,
      }),
    )
  const [trainGrids, testGrids, puzzlesPerGrid] = [
    options.trainGrids ?? 230,
    options.testGrids ?? 58,
    options.puzzlesPerGrid ?? 40,
  ]
  const counts = { '--train-grids': trainGrids, '--test-grids': testGrids, '--puzzles-per-grid': puzzlesPerGrid }
  const bad = Object.entries(counts).find(([, count]) => !Number.isInteger(count) || count < 1)
  if (bad !== undefined)
    return E.left(problem(`the number is ${bad[1]}`, { where: bad[0], fix: 'give a whole number ≥ 1' }))
  if ([options.train, options.test].some((files) => files !== undefined && files.length > 0))
    return E.left(
      problem('puzzles are either generated or read', { where: '--generate', fix: 'drop --train and --test' }),
    )
  log(`generating ${trainGrids + testGrids} grids of side ${geometry.side}`)
  const made = generateSudoku({
    geometry,
    trainGrids,
    testGrids,
    puzzlesPerGrid,
    testPuzzlesPerGrid: 4,
    minBlanks,
    maxBlanks,
    seed: options.seed,
  })
  return E.isLeft(made) ? made : E.right({ geometry, ...made.right, leaked: 0 })
}

const fromFiles = async (options: SudokuOptions, log: Log): Promise<E.Either<Problem, Made>> => {
  const read = async (
    option: string,
    files: readonly string[],
  ): Promise<E.Either<Problem, { geometry: Geometry; puzzles: readonly Puzzle[] }>> => {
    const puzzles: Puzzle[] = []
    let geometry: Geometry | undefined
    for (const file of files) {
      log(`reading ${file}`)
      const one = await readPuzzles(file, { checkUnique: options.checkUnique ?? true })()
      if (E.isLeft(one)) return one
      if (geometry !== undefined && one.right.geometry.side !== geometry.side)
        return E.left(
          problem('the files hold grids of different sizes', { where: file, fix: 'build one dataset for each size' }),
        )
      geometry = one.right.geometry
      for (const p of one.right.puzzles) puzzles.push(p)
    }
    return geometry === undefined
      ? E.left(
          problem('no puzzles are given', {
            where: option,
            fix: 'name CSV files with --train and --test, or use --generate 4|6|9',
          }),
        )
      : E.right({ geometry, puzzles })
  }
  const train = await read('--train', options.train ?? [])
  if (E.isLeft(train)) return train
  const test = await read('--test', options.test ?? [])
  if (E.isLeft(test)) return test
  const { geometry } = train.right
  if (test.right.geometry.side !== geometry.side)
    return E.left(problem('the training and test files hold grids of different sizes', { where: '--test' }))
  const { puzzles } = train.right
  const chosen = options.subsample === undefined ? puzzles : sample(puzzles, options.subsample, options.seed)
  log('looking for test solutions among the training solutions')
  const leaked = new Set(leaks(geometry, chosen, test.right.puzzles))
  if (leaked.size === test.right.puzzles.length)
    return E.left(
      problem('every test puzzle has the solution of a training puzzle, in disguise or not', {
        where: '--test',
        fix: 'name other test files',
      }),
    )
  const copies = options.augment ?? 0
  if (copies > 0) log(`adding ${copies} disguises of each of ${chosen.length} puzzles`)
  return E.right({
    geometry,
    train: augment(geometry, chosen, copies, options.seed),
    test: test.right.puzzles.filter((_, i) => !leaked.has(i)).map((p) => [p]),
    leaked: leaked.size,
  })
}

const sample = (puzzles: readonly Puzzle[], count: number, seed: number): readonly Puzzle[] =>
  randomOf(seed).shuffle(puzzles).slice(0, count)

export const showSummary = (s: DataSummary): string =>
  [
    `${s.out}: Sudoku ${s.side}×${s.side}`,
    `  train  ${s.trainExamples} examples in ${s.trainGroups} groups`,
    `  test   ${s.testExamples} examples${s.leaked > 0 ? ` (${s.leaked} left out: their solution is in the training set)` : ''}`,
    `  tokens ${s.sequence} of a vocabulary of ${s.vocabulary}`,
    `  in ${s.seconds.toFixed(1)} s`,
  ].join('\n')
