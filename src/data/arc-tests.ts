/**
 * The tests that an ARC dataset holds out, from its `test_puzzles.json` or, where the builder left none (HRM's), from the
 * copies of its tasks that are not augmented. Checked before a model runs for hours.
 */
import * as E from 'fp-ts/lib/Either.js'
import { type Problem, problem } from '../problem.js'
import { type ArcExample, arcVocabulary, cropArc, parseAugmentedName } from './arc.js'
import { checkTask } from './arc-files.js'
import type { ArcTests } from './arc-vote.js'
import type { DatasetInfo, DatasetSplit, Tokens } from './split.js'

/** Whether a dataset's puzzles are copies of ARC tasks, which only its identifiers tell apart. */
export const isArc = (info: DatasetInfo): boolean =>
  info.vocab_size === arcVocabulary && Number.isInteger(Math.sqrt(info.seq_len)) && info.num_puzzle_identifiers > 1

export interface ArcDataset {
  /** `test_puzzles.json`, where there is one. */
  readonly testPuzzles?: unknown
  readonly identifiers: readonly string[]
  readonly split: DatasetSplit<Tokens>
}

/** The tests of the first `limit` tasks of a split, and how many examples those have: all copies of each, or the votes mislead. */
export const arcTests = (
  { split, identifiers, testPuzzles }: ArcDataset,
  where: string,
  limit = Number.POSITIVE_INFINITY,
): E.Either<Problem, { readonly tasks: readonly ArcTests[]; readonly examples: number }> => {
  const { groupIndices, puzzleIndices, puzzleIdentifiers } = split
  const groups = Math.min(limit, groupIndices.length - 1)
  const puzzles = groupIndices[groups]!
  const names = Array.from(puzzleIdentifiers.subarray(0, puzzles), (id) => identifiers[id] ?? `identifier ${id}`)
  const told = testPuzzles === undefined ? unaugmented(split, names, where) : listed(testPuzzles, where)
  if (E.isLeft(told)) return told
  const unknown = names.find((name) => !told.right.has(parseAugmentedName(name).task))
  if (unknown !== undefined)
    return E.left(
      problem(`the right answers of "${parseAugmentedName(unknown).task}" are not known`, {
        where,
        why:
          testPuzzles === undefined
            ? 'there is no test_puzzles.json, and no copy of the task that is not augmented'
            : `the identifier ${unknown} belongs to no task of test_puzzles.json`,
        fix: 'build the dataset again (`thetagrad data arc`)',
      }),
    )
  const asked = new Set(names.map((name) => parseAugmentedName(name).task))
  const tasks = Number.isFinite(limit)
    ? [...told.right.values()].filter(({ name }) => asked.has(name))
    : [...told.right.values()]
  return E.right({ tasks, examples: puzzleIndices[puzzles]! })
}

const listed = (testPuzzles: unknown, where: string): E.Either<Problem, ReadonlyMap<string, ArcTests>> => {
  const tasks = new Map<string, ArcTests>()
  if (typeof testPuzzles !== 'object' || testPuzzles === null || Array.isArray(testPuzzles))
    return E.left(problem('this is no list of tasks by name', { where: `${where}: test_puzzles.json` }))
  for (const [name, task] of Object.entries(testPuzzles)) {
    const checked = checkTask(name, task, `${where}: test_puzzles.json: ${name}`)
    if (E.isLeft(checked)) return checked
    tasks.set(name, checked.right)
  }
  return E.right(tasks)
}

/** Names of augmented copies by an early builder, which kept a digest of the colours and not the colours. */
const isDigested = (name: string): boolean => /_t[0-7]_-?\d+$/.test(parseAugmentedName(name).task)

/** The tests of copies that were not augmented; their labels are the answers. */
const unaugmented = (
  { info, inputs, labels, puzzleIndices }: DatasetSplit<Tokens>,
  names: readonly string[],
  where: string,
): E.Either<Problem, ReadonlyMap<string, ArcTests>> => {
  const size = Math.sqrt(info.seq_len)
  const gridAt = (tokens: Tokens, example: number) =>
    cropArc(tokens.subarray(example * info.seq_len, (example + 1) * info.seq_len), size)
  const tasks = new Map<string, ArcTests>()
  const digested = names.find(isDigested)
  if (digested !== undefined)
    return E.left(
      problem(`the identifier ${digested} does not say how its colours were changed`, {
        where,
        why: 'an early builder named copies by a digest, which cannot be undone',
        fix: 'build the dataset again (`thetagrad data arc`)',
      }),
    )
  for (const [puzzle, name] of names.entries()) {
    if (parseAugmentedName(name).augmentation !== undefined) continue
    const test: ArcExample[] = []
    for (let e = puzzleIndices[puzzle]!; e < puzzleIndices[puzzle + 1]!; e++)
      test.push({ input: gridAt(inputs, e), output: gridAt(labels, e) })
    tasks.set(name, { name, test })
  }
  return E.right(tasks)
}
