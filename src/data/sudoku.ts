/**
 * Sudoku datasets: from CSV files or a generator, augmented, split so that no solution grid of the test set is one of the
 * training set in disguise. (Of the 288 grids of side 4 all are two in disguise; there the grids themselves are kept
 * apart.)
 */
import * as E from 'fp-ts/lib/Either.js'
import { type Problem, problem } from '../problem.js'
import { canonicalForm } from './canonical.js'
import type { Dataset } from './dataset.js'
import { digPuzzle, randomGrids } from './generate.js'
import { type Geometry, type Puzzle, tokensOf, vocabularyOf } from './grid.js'
import { type Random, randomOf } from './random.js'
import type { DatasetInfo, DatasetSplit } from './split.js'
import { disguise } from './symmetry.js'

/** Puzzles of one group are variants of each other: an epoch takes one of them. */
export type Groups = readonly (readonly Puzzle[])[]

/** One puzzle an example, identifier 0; the layout of the published builder. */
export const sudokuSplit = (geometry: Geometry, groups: Groups): DatasetSplit => {
  const puzzles = groups.flat()
  const cells = geometry.side ** 2
  const tokens = (pick: (p: Puzzle) => readonly number[]) => {
    const out = new Uint8Array(puzzles.length * cells)
    puzzles.forEach((p, i) => void out.set(tokensOf(pick(p)), i * cells))
    return out
  }
  let total = 0
  const info: DatasetInfo = {
    seq_len: cells,
    vocab_size: vocabularyOf(geometry),
    pad_id: 0,
    ignore_label_id: 0,
    blank_identifier_id: 0,
    num_puzzle_identifiers: 1,
    total_groups: groups.length,
    mean_puzzle_examples: 1,
    sets: ['all'],
  }
  return {
    info,
    inputs: tokens((p) => p.question),
    labels: tokens((p) => p.answer),
    puzzleIdentifiers: new Int32Array(puzzles.length),
    puzzleIndices: Int32Array.from({ length: puzzles.length + 1 }, (_, i) => i),
    groupIndices: Int32Array.from([0, ...groups.map((g) => (total += g.length))]),
  }
}

export const sudokuDataset = (geometry: Geometry, train: Groups, test: Groups): Dataset => ({
  splits: { train: sudokuSplit(geometry, train), test: sudokuSplit(geometry, test) },
  identifiers: ['<blank>'],
})

/** Every puzzle with `copies` disguises of itself; a disguise is a function of (seed, puzzle, copy) alone. */
export const augment = (geometry: Geometry, puzzles: readonly Puzzle[], copies: number, seed: number): Groups =>
  puzzles.map((p, i) => [p, ...Array.from({ length: copies }, (_, c) => disguise(geometry, p, randomOf(seed, i, c)))])

/** What tells two solutions apart: their canonical form; for side 4 the grid itself. */
export const identityOf = (geometry: Geometry, puzzle: Puzzle): string =>
  geometry.side === 4 ? puzzle.answer.join('') : canonicalForm(geometry, puzzle.answer)

/** Test puzzles whose solution is that of a training puzzle, in disguise or not. */
export const leaks = (geometry: Geometry, train: readonly Puzzle[], test: readonly Puzzle[]): readonly number[] => {
  const known = new Set(train.map((p) => identityOf(geometry, p)))
  return test.flatMap((p, i) => (known.has(identityOf(geometry, p)) ? [i] : []))
}

export interface GeneratorSettings {
  readonly geometry: Geometry
  readonly trainGrids: number
  readonly puzzlesPerGrid: number
  readonly testGrids: number
  readonly testPuzzlesPerGrid: number
  readonly minBlanks: number
  readonly maxBlanks: number
  readonly seed: number
}

/** Generated puzzles, a group for every training grid. */
export const generateSudoku = (
  settings: GeneratorSettings,
): E.Either<Problem, { readonly train: Groups; readonly test: Groups }> => {
  const { geometry, trainGrids, testGrids, minBlanks, maxBlanks, seed } = settings
  const random = randomOf(seed)
  const wanted = trainGrids + testGrids
  const grids = new Map<string, Puzzle>()
  // A few more than wanted are drawn where disguises of one grid may come up twice.
  for (let round = 0; grids.size < wanted && round < 4; round++)
    for (const answer of randomGrids(geometry, wanted - grids.size, random)) {
      const puzzle = { question: answer, answer }
      grids.set(identityOf(geometry, puzzle), puzzle)
    }
  if (grids.size < wanted)
    return E.left(
      problem(`there are only ${grids.size} different grids of side ${geometry.side}, ${wanted} are asked for`, {
        fix: `lower --train-grids and --test-grids to ${grids.size} together`,
      }),
    )
  const answers = random.shuffle([...grids.values()].map((p) => p.answer))
  const dig = (answer: readonly number[], count: number): readonly Puzzle[] =>
    Array.from({ length: count }, () => digWithin(geometry, answer, minBlanks, maxBlanks, random))
  return E.right({
    train: answers.slice(0, trainGrids).map((a) => dig(a, settings.puzzlesPerGrid)),
    test: answers.slice(trainGrids, wanted).map((a) => dig(a, settings.testPuzzlesPerGrid)),
  })
}

const digWithin = (geometry: Geometry, answer: readonly number[], min: number, max: number, random: Random): Puzzle => {
  const wanted = min + random.below(max - min + 1)
  let best = digPuzzle(geometry, answer, wanted, random)
  // Some orders of digging end early; another one rarely does.
  for (let tries = 0; tries < 8 && best.question.filter((d) => d === 0).length < wanted; tries++) {
    const next = digPuzzle(geometry, answer, wanted, random)
    const blanks = (p: Puzzle) => p.question.filter((d) => d === 0).length
    if (blanks(next) > blanks(best)) best = next
  }
  return best
}

/** What the demo trains on: 230 grids × 40 puzzles of side 4 with 6–10 blanks, and 4 puzzles of each of 58 other grids. */
export const demoSettings = (geometry: Geometry, seed: number): GeneratorSettings => ({
  geometry,
  trainGrids: 230,
  puzzlesPerGrid: 40,
  testGrids: 58,
  testPuzzlesPerGrid: 4,
  minBlanks: 6,
  maxBlanks: 10,
  seed,
})
