/** `thetagrad data …`: the commands, their options and examples; options that contradict each other are bad usage. */
import { Command, InvalidArgumentError, Option } from 'commander'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { arcRuleNames, arcRules, type MazeShape, publicArc } from '../data/index.js'
import type { Problem } from '../problem.js'
import { buildSudoku, showSummary, sudokuUsage } from './data.js'
import { arcUsage, buildArc, showArcSummary } from './data-arc.js'
import { buildMaze, mazeUsage, showMazeSummary } from './data-maze.js'
import type { Log } from './data-writing.js'
import { count, natural, several, severalOf } from './options.js'
import { listed, log, type Outcome } from './result.js'

/** How `main.ts` runs a command's work. */
type Action = (command: Command, work: (...given: never[]) => Promise<Outcome>) => Command
type Examples = (...lines: readonly string[]) => string

export const addDataCommands = (program: Command, action: Action, examples: Examples): void => {
  const data = program.command('data').description('builds a dataset folder: puzzles to train on and to test with')
  action(sudoku(data, examples), worker(sudokuUsage, buildSudoku, showSummary))
  action(maze(data, examples), worker(mazeUsage, buildMaze, showMazeSummary))
  action(arc(data, examples), worker(arcUsage, buildArc, showArcSummary))
}

/** Builds what stands after `thetagrad data` in a preset, with these options instead of its own. */
export const buildData = (line: string, options: Given): TaskEither<Problem, unknown> => {
  const [kind, ...words] = line.split(' ')
  return builders[kind as keyof typeof builders](words, options)
}

interface Given {
  readonly out: string
  readonly seed: number
  /** ARC: the tasks to test with. */
  readonly test?: readonly string[]
}

const builder =
  <O>(
    declare: (data: Command, examples: Examples) => Command,
    build: (options: O, log: Log) => TaskEither<Problem, unknown>,
  ) =>
  (words: readonly string[], given: Given) => {
    const parsed = declare(new Command(), () => '').parse(['--out', given.out, ...words], { from: 'user' })
    return build({ ...parsed.opts(), ...given } as O, log)
  }

const worker =
  <O, S>(
    usage: (options: O) => string | undefined,
    build: (options: O, log: Log) => TaskEither<Problem, S>,
    show: (summary: S) => string,
  ) =>
  async (options: O, command: Command): Promise<Outcome> => {
    const wrong = usage(options)
    if (wrong !== undefined) command.error(`error: ${wrong}`, { exitCode: 2, code: 'thetagrad.usage' })
    const built = listed(await build(options, log)())
    return E.isLeft(built) ? built : E.right({ text: show(built.right), json: built.right })
  }

const cacheOption = (): Option =>
  new Option(
    '--cache <folder>',
    'where what is fetched is kept (default: $THETAGRAD_CACHE, or thetagrad where the system keeps caches)',
  )

const sudoku = (data: Command, examples: Examples): Command =>
  data
    .command('sudoku')
    .description(
      'from CSV files (source,question,answer,rating) or a generator, augmented, with no solution in both splits',
    )
    .requiredOption('--out <folder>', 'the dataset folder to write')
    .option('--train <file>', 'a CSV file of training puzzles; may be repeated', several)
    .option('--test <file>', 'a CSV file of test puzzles; may be repeated', several)
    .option(
      '--download',
      'Sudoku-Extreme (0.8 GB, once), checked against its SHA-256; second solutions are then not looked for',
    )
    .addOption(cacheOption())
    .option('--augment <n>', 'disguises added to every training puzzle', natural)
    .option('--subsample <n>', 'train on so many of the puzzles, drawn at random (with --download: 1000)', count)
    .option('--no-check-unique', 'do not look for second solutions')
    .option('--generate <side>', 'make puzzles instead of reading them: 4, 6 or 9', count)
    .option('--train-grids <n>', 'generated solution grids to train on (default: 230)', count)
    .option('--test-grids <n>', 'generated solution grids to test on (default: 58)', count)
    .option('--puzzles-per-grid <n>', 'generated training puzzles of each grid (default: 40)', count)
    .option('--min-blanks <n>', 'fewest blanks of a generated puzzle (default: 40 % of the cells)', count)
    .option('--max-blanks <n>', 'most blanks of a generated puzzle (default: 60 % of the cells)', count)
    .option('--seed <n>', 'all randomness follows from it', natural, 0)
    .addHelpText(
      'after',
      examples(
        'data sudoku --generate 4 --out data/sudoku4',
        'data sudoku --download --augment 1000 --out data/extreme',
        'data sudoku --train train.csv --test test.csv --subsample 1000 --augment 1000 --out data/extreme',
      ),
    )

/** `9` or `9x13`: rows × columns. */
const shape = (text: string): MazeShape => {
  const [, rows, columns = rows] = /^(\d+)(?:[x×](\d+))?$/.exec(text) ?? []
  if (rows === undefined) throw new InvalidArgumentError('It must be a side as 9, or rows and columns as 9x13.')
  return { height: Number(rows), width: Number(columns) }
}

const maze = (data: Command, examples: Examples): Command =>
  data
    .command('maze')
    .description('from CSV files (source,question,answer,rating; cells # S G and space, o on the path) or a generator')
    .requiredOption('--out <folder>', 'the dataset folder to write')
    .option('--train <file>', 'a CSV file of training mazes; may be repeated', several)
    .option('--test <file>', 'a CSV file of test mazes; may be repeated', several)
    .option('--download', 'Maze-Hard (4 MB, once), checked against its SHA-256')
    .addOption(cacheOption())
    .option('--width <columns>', 'of the mazes in the files, where they are no squares', count)
    .option('--generate <size>', 'make mazes instead of reading them: a side as 9, or rows and columns as 9x13', shape)
    .option('--train-count <n>', 'generated training mazes (default: 1000)', count)
    .option('--test-count <n>', 'generated test mazes (default: 1000)', count)
    .option(
      '--min-path <n>',
      'fewest cells of a generated path (default: 110 at 30x30, as published; less below)',
      count,
    )
    .option(
      '--dihedral',
      'add turns and flips in training, which mostly contradict the labels: one of equal paths each',
    )
    .option('--seed <n>', 'all randomness follows from it', natural, 0)
    .addHelpText(
      'after',
      examples(
        'data maze --download --out data/maze-hard',
        'data maze --train train.csv --test test.csv --out data/maze-hard',
        'data maze --generate 9 --train-count 2000 --test-count 200 --min-path 18 --out data/maze9',
        'data maze --generate 30 --out data/maze-generated',
      ),
    )

const arc = (data: Command, examples: Examples): Command =>
  data
    .command('arc')
    .description(
      'from ARC tasks: folders of task files, or …challenges.json with …solutions.json beside it; or from a generator',
    )
    .requiredOption('--out <folder>', 'the dataset folder to write')
    .option('--train <path>', 'tasks to train on whole; may be repeated', several)
    .option(
      '--test <path>',
      'tasks whose demonstrations are trained on and whose test pairs are the test; may be repeated',
      several,
    )
    .addOption(
      new Option('--download <set>', 'a public set, its tasks checked against a digest; may be repeated')
        .choices(Object.keys(publicArc))
        .argParser<readonly string[]>(severalOf(Object.keys(publicArc))),
    )
    .addOption(cacheOption())
    .option('--augment <n>', 'augmented copies of every task, at most (published: 1000)', natural)
    .option('--max-side <n>', 'leave out tasks with larger grids (default: 30); sequences are n×n', count)
    .option('--drop-repeated', 'take a task whose name is given twice once, for the test where it is given there')
    .option('--generate <side>', 'make tasks instead of reading them: squares of that side', count)
    .addOption(
      new Option('--rule <name>', 'a rule to make a task of; may be repeated (default: all below)')
        .choices(arcRuleNames)
        .argParser<readonly string[]>(severalOf(arcRuleNames)),
    )
    .option('--train-count <n>', 'generated pairs of every task to train on (default: 1000)', count)
    .option('--test-count <n>', 'generated pairs of every task to test with (default: 100)', count)
    .option('--seed <n>', 'all randomness follows from it', natural, 0)
    .addHelpText(
      'after',
      examples(
        'data arc --download arc-agi-1 --download conceptarc --augment 1000 --out data/arc1',
        'data arc --train ARC-AGI/data/training --test ARC-AGI/data/evaluation --augment 1000 --out data/arc1',
        'data arc --train ConceptARC/corpus --test ARC-AGI-2/data/evaluation --augment 300 --out data/mixed',
        'data arc --test arc-agi_evaluation_challenges.json --max-side 12 --augment 300 --out data/arc12',
        'data arc --generate 6 --rule reach --rule enclosed --augment 3 --out data/arc-rules',
      ),
    )
    .addHelpText('after', rules)

const rules = `
Rules, each that of a task of ARC-AGI-1:
${arcRuleNames.map((name) => `  ${name.padEnd(9)} ${arcRules[name].about} (${arcRules[name].published})`).join('\n')}`

const builders = {
  sudoku: builder(sudoku, buildSudoku),
  maze: builder(maze, buildMaze),
  arc: builder(arc, buildArc),
}
