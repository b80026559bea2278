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
import type { Dataset } from './dataset.js'
import { type Random, randomOf } from './random.js'
import type { DatasetSplit } from './split.js'

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

/** A task and its augmentations, no two alike. */
export const augmentTask = (task: Puzzle, count: number, random: Random): readonly Puzzle[] => {
  const group = [task]
  const hashes = new Set([arcHash([...task.train, ...task.test])])
  for (let trial = 0; trial < TRIES * count && group.length <= count; trial++) {
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
    group.push(puzzle)
  }
  return group
}

/** Tasks to train on whole, and tasks whose test pairs are held out. */
export const arcDataset = (
  training: readonly ArcTask[],
  evaluation: readonly ArcTask[],
  settings: ArcSettings,
): Dataset => {
  const tasks: readonly Puzzle[] = [
    ...training.map(({ name, train, test }) => ({ name, train: [...train, ...test], test: [] })),
    ...evaluation,
  ]
  const groups = tasks.map((task, i) => augmentTask(task, settings.augmentations, randomOf(settings.seed, i)))
  const identifiers = ['<blank>', ...groups.flat().map(({ name }) => name)]
  const numbers = new Map(identifiers.map((name, i) => [name, i]))
  const split = (part: 'train' | 'test') => splitOf(groups, part, numbers, settings)
  return { splits: { train: split('train'), test: split('test') }, identifiers }
}

const splitOf = (
  groups: readonly (readonly Puzzle[])[],
  part: 'train' | 'test',
  numbers: ReadonlyMap<string, number>,
  { size, seed }: ArcSettings,
): DatasetSplit => {
  const present = groups.filter((group) => group[0]![part].length > 0)
  const puzzles = present.flat()
  const examples = puzzles.reduce((n, puzzle) => n + puzzle[part].length, 0)
  const cells = size * size
  const [inputs, labels] = [new Uint8Array(examples * cells), new Uint8Array(examples * cells)]
  const puzzleIndices = [0]
  let at = 0
  for (const [p, puzzle] of puzzles.entries()) {
    const random = randomOf(seed, p, part === 'train' ? 1 : 2)
    const still = part === 'train' ? random.below(puzzle[part].length) : -1
    for (const [i, example] of puzzle[part].entries()) {
      const [row, column] = part === 'test' || i === still ? [0, 0] : place(example, size, random)
      inputs.set(arcTokens(example.input, size, row, column), at * cells)
      labels.set(arcTokens(example.output, size, row, column), at * cells)
      at++
    }
    puzzleIndices.push(at)
  }
  const ends = [0]
  for (const group of present) ends.push(ends.at(-1)! + group.length)
  return {
    info: {
      pad_id: 0,
      ignore_label_id: 0,
      blank_identifier_id: 0,
      vocab_size: arcVocabulary,
      seq_len: cells,
      num_puzzle_identifiers: numbers.size,
      total_groups: present.length,
      mean_puzzle_examples: puzzles.length === 0 ? 0 : examples / puzzles.length,
      sets: ['all'],
    },
    inputs,
    labels,
    puzzleIdentifiers: Int32Array.from(puzzles, ({ name }) => numbers.get(name)!),
    puzzleIndices: Int32Array.from(puzzleIndices),
    groupIndices: Int32Array.from(ends),
  }
}

/** A place where both grids of an example fit. */
const place = ({ input, output }: ArcExample, size: number, random: Random): readonly [number, number] => [
  random.below(size - Math.max(input.length, output.length) + 1),
  random.below(size - Math.max(input[0]!.length, output[0]!.length) + 1),
]
