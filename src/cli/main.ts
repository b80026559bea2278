#!/usr/bin/env node
/** `thetagrad`: the commands, their options and examples. Each command's work stands in a file of its own. */
import { Command, CommanderError, Option } from 'commander'
import * as E from 'fp-ts/lib/Either.js'
import type { BackendChoice } from './backend.js'
import { reportJson, type Stage, showReport as showCheck, showStage, stages } from './check-report.js'
import type { CompareOptions } from './compare.js'
import { addDataCommands } from './data-commands.js'
import { demoCommand } from './demo.js'
import { doctor, showReport as showDoctor } from './doctor.js'
import { type EvalOptions, evalCommand } from './eval.js'
import { backendOption, budget, checkpointOption, count, natural, several, weightsOption } from './options.js'
import { packageVersion } from './package-file.js'
import { withPolicyFlags } from './policy-flags.js'
import type { ToldSizes } from './published.js'
import { conclude, type Outcome } from './result.js'
import { type SolveOptions, solveCommand } from './solve.js'
import { type SuiteOptions, suiteCommand, taskNames } from './suite.js'
import { trainCommand } from './train.js'
import { collected, trainOptionsOf, withTrainFlags } from './train-flags.js'
import { type TuneCommandOptions, tuneCommand } from './tune.js'

const program = new Command('thetagrad')
  .description('Hierarchical Reasoning Models, trained and run on any GPU through WebGPU')
  .version(packageVersion())
  .exitOverride()
  .showHelpAfterError('(add --help for the options)')
  .configureHelp({ showGlobalOptions: true })

/** Runs the work and ends with its exit code; `--json` belongs to every command. */
const action = (command: Command, work: (...given: never[]) => Promise<Outcome>): Command =>
  command.option('--json', 'print one JSON value on stdout; logs go to stderr').action(async (...given: unknown[]) => {
    const json = command.opts<{ json?: boolean }>().json === true
    process.exitCode = await conclude(json, () => work(...(given as never[])))
  })

const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((l) => `  $ thetagrad ${l}`).join('\n')}`

action(
  program
    .command('doctor')
    .description('which adapters there are, what they can do, what is missing and how to get it')
    .addHelpText('after', examples('doctor', 'doctor --json')),
  async () => {
    const report = await doctor()
    return E.right({ text: showDoctor(report), json: report })
  },
)

action(
  program
    .command('check')
    .argument('<file>', 'a TypeScript file that exports a model')
    .description(
      'type-checks an architecture and prints its parts, shapes, parameters, FLOPs and memory, without a GPU',
    )
    .addOption(new Option('--show <stage>', 'print a segment at this stage of its compilation instead').choices(stages))
    .option('--checkpoint <path>', 'compare the parameters with a run, a checkpoint folder or a .safetensors file')
    .addHelpText(
      'after',
      examples(
        'check examples/tiny-hrm.ts',
        'check model.ts --json',
        'check model.ts --checkpoint runs/mine',
        'check model.ts --show wgsl',
      ),
    ),
  async (file: string, options: { readonly show?: Stage; readonly checkpoint?: string }) => {
    const { checkCheckpoint, checkFile } = await import('./check.js')
    const report = await checkFile(file)()
    if (E.isLeft(report)) return report
    const fits =
      options.checkpoint === undefined ? E.right(undefined) : checkCheckpoint(report.right, options.checkpoint)
    if (E.isLeft(fits)) return fits
    const shown = options.show === undefined ? showCheck(report.right) : showStage(report.right, options.show)
    return E.right({
      text: [shown, fits.right].filter((line) => line !== undefined).join('\n\n'),
      json: { ...reportJson(report.right), ...(fits.right !== undefined && { checkpoint: options.checkpoint }) },
    })
  },
)

action(
  program
    .command('new')
    .argument('<name>', 'of the model; the file is NAME.ts')
    .description('writes a commented starting file for a model of your own: an HRM to be changed')
    .addHelpText('after', examples('new mine', 'new models/mine')),
  async (name: string) => {
    const { newCommand } = await import('./new.js')
    return newCommand(name)
  },
)

action(
  program
    .command('compare')
    .argument('<models...>', 'files with a model, or variants (with --preset): NAME, or NAME:RULE for its gradient')
    .description('trains each for the same compute; a table, and a plot of accuracy against FLOPs')
    .requiredOption('--data <path>', 'a dataset folder with a test split')
    .requiredOption('--budget <amount>', 'of each: seconds (90s, 5m, 2h) or FLOPs (3e15, 3P)', budget)
    .option('--preset <name>', 'recipe and width of the variants that are named')
    .option('--out <folder>', 'keeps the runs; the same command goes on with it', 'comparison')
    .option('--seed <n>', 'all randomness follows from it', natural, 0)
    .option('--seeds <n>', 'train each from so many seeds: means and deviations', count, 1)
    .option('--limit <n>', 'examples of an evaluation at most', count)
    .option('--evaluations <n>', 'how often each is evaluated: points of its curve', count, 10)
    .option('--set <key=value>', 'of every model, as for train; model.KEY of the variants that have it', collected)
    .addOption(backendOption())
    .addHelpText(
      'after',
      examples(
        'compare mine.ts theirs.ts --data data/sudoku4 --budget 5m',
        'compare hrm trm transformer mine.ts --preset sudoku-4x4 --data data/sudoku4 --budget 10T --out runs/which',
        'compare hrm:oneStep hrm:full trm --preset sudoku-4x4 --data data/sudoku4 --budget 200G --seeds 3',
      ),
    ),
  async (models: readonly string[], flags: Omit<CompareOptions, 'models'>) => {
    const { compareCommand } = await import('./compare.js')
    return compareCommand({ ...flags, models })
  },
)

addDataCommands(program, action, examples)

const train = withTrainFlags(
  program
    .command('train')
    .description('trains a model into a run folder; Ctrl-C saves, --resume goes on exactly where it stopped'),
).addHelpText(
  'after',
  examples(
    'train --preset sudoku-4x4 --data data/sudoku4 --out runs/four',
    'train --preset sudoku-extreme --data thousand.csv --augment 1000 --out runs/extreme --accumulate 8',
    'train --config model.ts --data data/sudoku4 --out runs/mine --steps 2000 --set weightDecay=0.5 --set warmup=100',
    'train --config model.ts --data data/sudoku4 --out runs/mine --ema 0.999 --eval-every 500 --patience 5',
    'train --preset sudoku-extreme --data data/extreme --out runs/extreme --precision f16',
    'train --out runs/four --resume --steps 4000',
    'train --preset sudoku-4x4 --data data/sudoku4 --profile',
  ),
)
action(train, async (flags: Parameters<typeof trainOptionsOf>[1]) => trainCommand(trainOptionsOf(train, flags)))

action(
  program
    .command('tune')
    .argument('[run]', 'a run folder: the shapes of its training')
    .description('measures which kernels are fastest on this adapter for the shapes of a model; later runs use them')
    .option('--preset <name>', 'the shapes of a recipe (`thetagrad train --help` lists them)')
    .option('--model <name>', 'with --preset: another model than HRM')
    .option('--config <file>', 'the shapes of a TypeScript file with a model and its training')
    .option('--batch <n>', 'examples a step', count)
    .option('--accumulate <n>', 'micro-batches a step', count)
    .addOption(new Option('--precision <which>', 'of what matmuls multiply').choices(['f16', 'f32']))
    .option('--again', 'measure also what was measured before', false)
    .addHelpText(
      'after',
      examples(
        'tune --preset sudoku-4x4',
        'tune runs/extreme --json',
        'tune --preset sudoku-extreme --precision f16',
        'tune --config model.ts --batch 32 --again',
        'train --preset sudoku-4x4 --data data/sudoku4 --out runs/four --tune',
      ),
    ),
  async (run: string | undefined, flags: Omit<TuneCommandOptions, 'run'>) =>
    tuneCommand({ ...flags, ...(run !== undefined && { run }) }),
)

action(
  withPolicyFlags(
    program
      .command('eval')
      .argument('<run>', 'a run folder')
      .description(
        'accuracy after every number of segments, what the halting rule would do, the votes of ARC, what more computation at test time gives',
      )
      .option('--data <path>', 'a dataset folder or a CSV file of Sudokus (default: what it was trained on)')
      .addOption(new Option('--split <which>', 'of a dataset folder').choices(['train', 'test']).default('test'))
      .option('--limit <n>', 'at most so many examples; of ARC so many tasks, each with all its copies', count)
      .option('--segments <n>', 'segments of thought (default: as in training); more may help', count)
      .option('--batch <n>', 'examples at once', count)
      .option('--per-task', 'ARC: print what became of every task (with --json it is there always)')
      .option('--submission <file>', 'ARC: write the first two answers to every test input, as the contest takes them')
      .addOption(
        new Option('--vote-segments <which>', 'ARC: whose answers are votes (default: the last one)').choices([
          'last',
          'all',
        ]),
      )
      .addOption(checkpointOption())
      .addOption(weightsOption())
      .addOption(backendOption()),
    'ask every puzzle in so many symmetric disguises (Sudokus, mazes with one shortest path)',
  ).addHelpText(
    'after',
    examples(
      'eval runs/four',
      'eval runs/extreme --data test.csv --limit 500 --json',
      'eval runs/four --segments 8',
      'eval runs/four --copies 8 --checkpoints all',
      'eval runs/four --segments 32 --rollouts 16 --noise 0.3 --select q_halt',
      'eval runs/four --rollouts 16 --random-start --select residual --json',
      'eval runs/four --checkpoint best --weights live',
      'eval runs/arc --limit 20 --per-task --submission submission.json',
    ),
  ),
  async (run: string, flags: Omit<EvalOptions, 'run'>) => evalCommand({ run, ...flags }),
)

interface AnalyzeFlags {
  readonly data?: string
  readonly split: 'train' | 'test'
  readonly limit: number
  readonly segments?: number
  readonly out?: string
  readonly against?: readonly string[]
  readonly untrained?: number | true
  readonly examples: number
  readonly batch?: number
  readonly backend: BackendChoice
}
action(
  program
    .command('analyze')
    .argument('<run>', 'a run folder')
    .description(
      'the figures of the paper: residuals, participation ratios, accuracy by segment, halting, guesses and trajectories, as JSON and SVG',
    )
    .option('--data <path>', 'a dataset folder or a CSV file of Sudokus (default: what it was trained on)')
    .addOption(new Option('--split <which>', 'of a dataset folder').choices(['train', 'test']).default('test'))
    .option('--limit <n>', 'at most so many examples', count, 100)
    .option('--segments <n>', 'segments of thought (default: as in training of each run)', count)
    .option('--out <folder>', 'where the files go (default: analysis in the run folder)')
    .option('--against <runs...>', 'other runs to draw beside: a recurrent net, a deep transformer, another HRM')
    .option('--untrained [seed]', 'the same model untrained beside it (default: as the run began)', natural)
    .option('--examples <n>', 'of how many examples guesses and trajectories are kept', count, 3)
    .option('--batch <n>', 'examples at once (default: a tenth of them)', count)
    .addOption(backendOption())
    .addHelpText(
      'after',
      examples(
        'analyze runs/four --untrained',
        'analyze runs/extreme --data test.csv --limit 1000 --segments 32 --out figures',
        'analyze runs/extreme --against runs/recurrent runs/transformer',
      ),
    ),
  async (run: string, { against = [], ...flags }: AnalyzeFlags) => {
    // Brings the plotting library with it, which no other command needs.
    const { analyzeCommand } = await import('./analyze.js')
    return analyzeCommand({ run, against, ...flags })
  },
)

action(
  withPolicyFlags(
    program
      .command('solve')
      .argument('<run>', 'a run folder')
      .argument('<puzzle>', 'a file, or - for stdin, drawn as you like; or the cells themselves, blanks as . or 0')
      .description('solves your own puzzle: a Sudoku, a maze drawn with # S G and spaces, or an ARC task')
      .option('--trace', 'show the guess after every segment', false)
      .option('--segments <n>', 'segments of thought (default: as in training)', count)
      .option('--task <name>', 'ARC: the name of the task, where the file is not NAME.json')
      .option('--test <n>', 'ARC: which test input of the task, from 1', count)
      .option('--blank', 'ARC: guess at a task that the run does not know')
      .option('--data <folder>', 'the dataset of the run, where it is no longer where it was')
      .addOption(checkpointOption())
      .addOption(weightsOption())
      .addOption(backendOption()),
    'ask in so many symmetric disguises; ARC: at most so many of the task’s copies vote (default: all)',
  ).addHelpText(
    'after',
    examples(
      'solve runs/demo ...44.1.1..2.4.. --trace',
      'solve runs/extreme puzzle.txt',
      'solve runs/extreme puzzle.txt --copies 16 --checkpoints 3',
      'solve runs/extreme puzzle.txt --rollouts 16 --noise 0.3 --select q_halt --trace',
      'solve runs/maze - < maze.txt',
      'solve runs/arc tasks/00576224.json --test 1 --trace',
    ),
  ),
  async (run: string, puzzle: string, flags: Omit<SolveOptions, 'run' | 'puzzle'>) =>
    solveCommand({ run, puzzle, ...flags }),
)

interface ImportFlags extends ToldSizes {
  readonly out: string
  readonly config?: string
}
action(
  program
    .command('import')
    .argument('<file>', 'a published checkpoint of HRM or TRM, as .safetensors')
    .description('makes a run folder of a published checkpoint: to evaluate it, solve with it, check against it')
    .requiredOption('--out <folder>', 'the run folder')
    .option('--config <file>', 'a TypeScript file that exports the model; otherwise it is read off the shapes')
    .option('--sequence <n>', 'tokens of a puzzle: 81 for Sudoku, 900 for Maze and ARC', count)
    .option('--heads <n>', 'attention heads (default: 8)', count)
    .option('--cycles <n>', 'H cycles (default: 2, TRM 3)', count)
    .option('--steps <n>', 'L steps a cycle (default: 2, TRM 6)', count)
    .option('--max-segments <n>', 'segments an example (default: 16)', count)
    .option('--puzzle-tokens <n>', 'TRM: tokens of the puzzle embedding (default: 16)', natural)
    .addOption(new Option('--positions <kind>', 'without a table in the file').choices(['rope', 'none']))
    .addHelpText(
      'after',
      examples(
        'import sudoku.safetensors --sequence 81 --out runs/published',
        'import mine.safetensors --config model.ts --out runs/mine',
      ),
    ),
  async (file: string, { out, config, ...told }: ImportFlags) => {
    const { importCommand } = await import('./exchange.js')
    return importCommand({ file, out, told, ...(config !== undefined && { config }) })
  },
)

action(
  program
    .command('export')
    .argument('<run>', 'a run folder, or the folder of a checkpoint')
    .description('writes the weights as safetensors under the names of the published code')
    .requiredOption('--out <file>', 'the .safetensors file')
    .option('--prefix <text>', 'in front of every name, as torch.compile and the loss head put it', '')
    .option('--force', 'replace the file', false)
    .addHelpText(
      'after',
      examples('export runs/mine --out mine.safetensors', 'export runs/mine --out m.safetensors --prefix model.inner.'),
    ),
  async (run: string, flags: { readonly out: string; readonly prefix: string; readonly force: boolean }) => {
    const { exportCommand } = await import('./exchange.js')
    return exportCommand({ run, ...flags })
  },
)

action(
  program
    .command('bench')
    .description('the benchmarks')
    .command('suite')
    .description(
      'Sudoku, Maze and ARC in small: builds their data, trains, evaluates what is held out, prints one table; stopped and started again it goes on',
    )
    .option('--out <folder>', 'data, runs and suite.json go there', 'runs/suite')
    .addOption(
      new Option('--tasks <names...>', 'of these; arc-rules are generated tasks, arc published ones')
        .choices(taskNames)
        .default(taskNames, 'all'),
    )
    .option(
      '--arc <path>',
      'published ARC tasks, as for data arc --test; may be repeated; without any they are left out',
      several,
    )
    .option('--baseline', 'a one-pass transformer of the same size beside each', false)
    .option('--seed <n>', 'all randomness follows from it', natural, 0)
    .option('--steps <n>', 'of every run (default: those of the presets)', count)
    .addOption(backendOption())
    .addHelpText(
      'after',
      examples(
        'bench suite --arc ARC-AGI/data/training --arc ARC-AGI/data/evaluation --baseline',
        'bench suite --tasks sudoku maze arc-rules --json',
      ),
    ),
  async (options: SuiteOptions) => suiteCommand(options),
)

action(
  program
    .command('demo')
    .description('trains a small model on 4×4 Sudokus, evaluates it and solves one: minutes on two processor cores')
    .option('--out <folder>', 'the run folder (default: runs/demo, or the next free name)')
    .option('--seed <n>', 'all randomness follows from it', natural, 0)
    .option('--steps <n>', 'optimiser steps', count)
    .addOption(backendOption())
    .addHelpText('after', examples('demo', 'demo --seed 1 --out runs/mine')),
  async (flags: { out?: string; seed: number; steps?: number; backend: BackendChoice }) => demoCommand(flags),
)

// Whoever reads has enough, as `| head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})
try {
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  // commander has said what is wrong; asking for help or the version is no mistake.
  process.exitCode = error.exitCode === 0 ? 0 : 2
}
// Dawn keeps threads and handles alive that would hold the process open.
process.exit()
