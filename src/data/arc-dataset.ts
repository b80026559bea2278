/**
 * ARC datasets as the published builder makes them: every task is a group of puzzles, itself and its augmentations
 * (symmetry × colours, none twice), each with an identifier of its own; demonstrations are trained on, of evaluation tasks
 * the test pairs are the test set. In training all but one example of a puzzle lie at a random place.
 */
import {
  type ArcAugmentation,
  type ArcExample,
  arcHash,
  arcTokens,
  arcVocabulary,
  augmentArc,
  augmentedName,
} from './arc.js'
import type { ArcTask } from './arc-files.js'
import { type Random, randomOf } from './random.js'
import type { DatasetSource, Rows, SourceGroup } from './source.js'

export interface ArcSettings {
  /** Side of the square that grids lie in; 30 as published. */
  readonly size: number
  /** Most augmentations of a task. */
  readonly augmentations: number
  readonly seed: number
}

/** Tries for every augmentation that is wanted, before a task is said to have no more. */
const TRIES = 5

interface Puzzle {
  readonly name: string
  readonly train: readonly ArcExample[]
  /** Held out; empty for tasks that are all trained on. */
  readonly test: readonly ArcExample[]
}

const draw = (random: Random): ArcAugmentation => ({
  symmetry: random.below(8),
  colours: [0, ...random.shuffle([1, 2, 3, 4, 5, 6, 7, 8, 9])],
})

/** A task and its augmentations, no two alike, one after the other. */
export function* copiesOf(task: Puzzle, count: number, random: Random): Generator<Puzzle, void> {
  const hashes = new Set([arcHash([...task.train, ...task.test])])
  yield task
  for (let trial = 0; trial < TRIES * count && hashes.size <= count; trial++) {
    const augmentation = draw(random)
    const changed = ({ input, output }: ArcExample) => ({
      input: augmentArc(input, augmentation),
      output: augmentArc(output, augmentation),
    })
    const puzzle = {
      name: augmentedName(task.name, augmentation),
      train: task.train.map(changed),
      test: task.test.map(changed),
    }
    const hash = arcHash([...puzzle.train, ...puzzle.test])
    if (hashes.has(hash)) continue
    hashes.add(hash)
    yield puzzle
  }
}

/** Tasks to train on whole, and tasks whose test pairs are held out: a dataset that is made while it is written. */
export const arcSource = (
  training: readonly ArcTask[],
  evaluation: readonly ArcTask[],
  { size, augmentations, seed }: ArcSettings,
): DatasetSource => {
  const tasks: readonly Puzzle[] = [
    ...training.map(({ name, train, test }) => ({ name, train: [...train, ...test], test: [] })),
    ...evaluation,
  ]
  return {
    vocabulary: arcVocabulary,
    sequence: size * size,
    count: tasks.length,
    groups: {
      *[Symbol.iterator]() {
        for (const [i, task] of tasks.entries())
          yield groupOf(
            task,
            copiesOf(task, augmentations, randomOf(seed, i)),
            augmentations + 1,
            size,
            randomOf(seed, i, 1),
          )
      },
    },
  }
}

/** At most so many copies of a task as tokens: of the demonstrations all but one at a random place, held-out pairs at the top left. */
const groupOf = (task: Puzzle, copies: Iterable<Puzzle>, most: number, size: number, random: Random): SourceGroup => {
  const names: string[] = []
  const train = rowsFor(most, task.train.length, size)
  const test = rowsFor(most, task.test.length, size)
  for (const copy of copies) {
    names.push(copy.name)
    const still = random.below(copy.train.length)
    for (const [i, example] of copy.train.entries())
      train.add(example, i === still ? [0, 0] : place(example, size, random))
    for (const example of copy.test) test.add(example, [0, 0])
  }
  return { names, train: train.rows(), ...(task.test.length > 0 && { test: test.rows() }) }
}

/** Room for the rows of so many puzzles with `each` examples. */
const rowsFor = (puzzles: number, each: number, size: number) => {
  const cells = size * size
  const [inputs, labels] = [new Uint8Array(puzzles * each * cells), new Uint8Array(puzzles * each * cells)]
  let end = 0
  return {
    add: ({ input, output }: ArcExample, [row, column]: readonly [number, number]): void => {
      inputs.set(arcTokens(input, size, row, column), end)
      labels.set(arcTokens(output, size, row, column), end)
      end += cells
    },
    rows: (): Rows => ({ each, inputs: inputs.subarray(0, end), labels: labels.subarray(0, end) }),
  }
}

/** A place where both grids of an example fit. */
const place = ({ input, output }: ArcExample, size: number, random: Random): readonly [number, number] => [
  random.below(size - Math.max(input.length, output.length) + 1),
  random.below(size - Math.max(input[0]!.length, output[0]!.length) + 1),
]
