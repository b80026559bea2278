/** Disguises of tokens: undone they are nothing, they keep solutions solutions, and puzzles that allow none are refused. */

import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { allowedCopies, mazeCopies, sudokuCopies } from '../../src/data/copies.js'
import { randomGrid } from '../../src/data/generate.js'
import { geometries, geometryOfSide, gridOfTokens, isSolution, tokensOf } from '../../src/data/grid.js'
import { generateMaze, type MazePuzzle, mazeOfTokens, mazeTokens, shortestPath } from '../../src/data/maze.js'
import { randomOf } from '../../src/data/random.js'
import type { DatasetInfo } from '../../src/data/split.js'
import { applyTokens, inverseTokens } from '../../src/data/token-symmetry.js'

const info = (changes: Partial<DatasetInfo>): DatasetInfo => ({
  seq_len: 16,
  vocab_size: 6,
  pad_id: 0,
  ignore_label_id: 0,
  blank_identifier_id: 0,
  num_puzzle_identifiers: 1,
  total_groups: 1,
  mean_puzzle_examples: 1,
  sets: ['all'],
  ...changes,
})
const four = geometryOfSide(4)!
const puzzleOf = (geometry: typeof four, seed: number) => {
  const random = randomOf(seed)
  const answer = randomGrid(geometry, random)
  return { question: answer.map((digit) => (random.below(3) === 0 ? 0 : digit)), answer }
}
const labelled = ({ question, answer }: ReturnType<typeof puzzleOf>) => ({
  inputs: Int32Array.from(tokensOf(question)),
  labels: Int32Array.from(tokensOf(answer)),
})
const labelledMaze = ({ question, answer }: MazePuzzle) => ({
  inputs: Int32Array.from(mazeTokens(question)),
  labels: Int32Array.from(mazeTokens(answer)),
})
const refusal = (result: E.Either<{ readonly why?: string }, unknown>) =>
  E.isLeft(result) ? result.left.why : 'not refused'

describe('a copy of a Sudoku', () => {
  test('brought back is the puzzle with its solution, and as a copy its solution still solves it', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(50), fc.nat(20), fc.constantFrom(...geometries), (seed, example, copy, geometry) => {
        const { inputs, labels } = labelled(puzzleOf(geometry, seed))
        const s = sudokuCopies(geometry).of(seed, example, copy)
        const [question, answer] = [applyTokens(s, inputs), applyTokens(s, labels)]
        expect(isSolution(geometry, gridOfTokens(answer))).toBe(true)
        expect(question.every((token, cell) => token === 1 || token === answer[cell])).toBe(true)
        const back = inverseTokens(s)
        expect(applyTokens(back, question)).toEqual(inputs)
        expect(applyTokens(back, answer)).toEqual(labels)
        if (copy === 0) expect(question).toEqual(inputs)
      }),
      { numRuns: 200 },
    )
  })

  test('is another one for every copy and example, and the same again for the same seed', () => {
    const { inputs } = labelled(puzzleOf(geometryOfSide(9)!, 3))
    const of = (seed: number, example: number, copy: number) =>
      applyTokens(sudokuCopies(geometryOfSide(9)!).of(seed, example, copy), inputs).join()
    const all = [0, 1].flatMap((seed) => [0, 1, 2].flatMap((e) => [1, 2, 3].map((c) => of(seed, e, c))))
    expect(new Set(all).size).toBe(18)
    expect(of(1, 2, 3)).toBe(all.at(-1))
  })
})

describe('a copy of a maze', () => {
  test.each([
    [6, 6, 8],
    [4, 7, 4],
  ])(
    'of %i × %i cells: there are %3$i, each a maze whose paths are as long, and brought back the maze itself',
    (width, height, most) => {
      const copies = mazeCopies(width, height)
      expect(copies.most).toBe(most)
      const maze = generateMaze({ side: height, columns: width, minPath: 5, seed: 1 }, 0)!
      const { inputs, labels } = labelledMaze(maze)
      const seen = new Set<string>()
      for (let copy = 0; copy < most; copy++) {
        const s = copies.of(0, 0, copy)
        const turned = applyTokens(s, inputs)
        seen.add(turned.join())
        expect(shortestPath(mazeOfTokens(turned, width))).toHaveLength(shortestPath(maze.question)!.length)
        expect(applyTokens(inverseTokens(s), turned)).toEqual(inputs)
        expect(applyTokens(inverseTokens(s), applyTokens(s, labels))).toEqual(labels)
      }
      expect(seen.size).toBe(most)
    },
  )
})

describe('which copies a dataset allows', () => {
  const unique = ['S # ', '  # ', '# # ', '   G'].join('')
  const corridor: MazePuzzle = {
    question: { width: 4, cells: unique },
    answer: { width: 4, cells: ['So# ', ' o# ', '#o# ', ' ooG'].join('') },
  }

  test('is read off its examples: Sudokus are told from mazes of as many cells', () => {
    const sudokus = allowedCopies(
      info({}),
      [1, 2, 3].map((seed) => labelled(puzzleOf(four, seed))),
      'here',
    )
    expect(E.isRight(sudokus) && sudokus.right.most).toBe(Number.POSITIVE_INFINITY)
    const straight: MazePuzzle = {
      question: { width: 4, cells: 'S  G############' },
      answer: { width: 4, cells: 'SooG############' },
    }
    const mazes = allowedCopies(info({}), [labelledMaze(straight)], 'here')
    expect(E.isRight(mazes) && mazes.right.most).toBe(8)
    const wide = allowedCopies(
      info({ seq_len: 12, width: 4 }),
      [{ inputs: labelledMaze(straight).inputs.slice(0, 12), labels: labelledMaze(straight).labels.slice(0, 12) }],
      'here',
    )
    expect(E.isRight(wide) && wide.right.most).toBe(4)
  })

  test('none where a maze has several shortest paths, for then the label does not turn with it', () => {
    expect(refusal(allowedCopies(info({}), [labelledMaze(corridor)], 'here'))).toMatch('1 of the 1 mazes')
  })
  test('none of unknown puzzles, of a mixture, and of those with identifiers', () => {
    const sudoku = labelled(puzzleOf(four, 1))
    const scrambled = { inputs: sudoku.inputs, labels: sudoku.labels.toReversed().map((t) => (t === 2 ? 3 : t)) }
    expect(refusal(allowedCopies(info({}), [scrambled], 'here'))).toMatch('neither Sudokus nor mazes')
    expect(refusal(allowedCopies(info({}), [sudoku, labelledMaze(corridor)], 'here'))).toMatch('neither')
    expect(refusal(allowedCopies(info({ num_puzzle_identifiers: 5 }), [sudoku], 'here'))).toMatch('identifier')
  })
})
