/**
 * `thetagrad demo`: everything in a few minutes on a laptop. Generates 4×4 Sudokus, trains a small HRM on them, evaluates it
 * on grids it has never seen after 1, 2, 3 and 4 segments, and solves one of them aloud. Every number is measured in this run.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { showBytes } from '../bytes.js'
import {
  type Grid,
  generateSudoku,
  geometryOfSide,
  type Puzzle,
  showGrid,
  sudokuDataset,
  usualGenerator,
  writeDataset,
} from '../data/index.js'
import { problem } from '../problem.js'
import { presetNamed } from '../train/index.js'
import { type BackendChoice, chooseBackend } from './backend.js'
import { segmentTable } from './eval-report.js'
import { evaluate } from './evaluation.js'
import { openEvaluation, openTraining } from './examples.js'
import { duration, percent } from './progress.js'
import { posedSudoku } from './puzzles.js'
import { failed, listed, log, type Outcome } from './result.js'
import { createRun, loadModel, type RunConfig } from './run-folder.js'
import { showGuesses, think } from './solve.js'
import { announce, runTraining } from './train.js'

export interface DemoOptions {
  /** Default: `runs/demo`, or the next free `runs/demo-2`… */
  readonly out?: string
  readonly seed: number
  readonly steps?: number
  readonly backend: BackendChoice
}

const freeFolder = (): string => {
  for (let i = 1; ; i++) {
    const folder = join('runs', i === 1 ? 'demo' : `demo-${i}`)
    if (!existsSync(folder)) return folder
  }
}

/** Examples of a batch in the evaluation; divides the 232 held-out puzzles. */
const BATCH = 58

export const demoCommand = async (options: DemoOptions): Promise<Outcome> => {
  const start = performance.now()
  const run = options.out ?? freeFolder()
  const preset = presetNamed('sudoku-4x4')!
  const geometry = geometryOfSide(4)!
  const generated = generateSudoku(usualGenerator(geometry, options.seed))
  if (E.isLeft(generated)) return listed(generated)
  const { train, test } = generated.right

  const data = join(run, 'data')
  const config: RunConfig = {
    model: { kind: 'variant', name: 'hrm', preset: preset.name, sizes: { ...preset.sizes, puzzles: 1 } },
    training: { ...preset.training, seed: options.seed, ...(options.steps !== undefined && { steps: options.steps }) },
    data: resolve(data),
    augment: 0,
  }
  const made = createRun(run, config)
  if (E.isLeft(made)) return listed(made)
  const written = await writeDataset(sudokuDataset(geometry, train, test), data)()
  if (E.isLeft(written)) return listed(written)
  const [examples, heldOut, loaded] = [
    await openTraining(data, 0),
    await openEvaluation(data, 'test', Number.POSITIVE_INFINITY),
    await loadModel(config.model, { typeCheck: false }),
  ]
  if (E.isLeft(examples)) return listed(examples)
  if (E.isLeft(heldOut)) return listed(heldOut)
  if (E.isLeft(loaded)) return loaded
  const { model } = loaded.right
  const grids = (groups: Iterable<readonly Puzzle[]>) => [...groups].length
  log(`made 4×4 Sudokus from ${grids(train)} grids to train on, and from ${grids(test)} others held out`)

  const backend = await chooseBackend(options.backend)
  try {
    announce(model, config.training, backend)
    const report = await runTraining({ config, model, examples: examples.right, backend, run, resume: false })
    if (E.isLeft(report)) return listed(report)
    const { step, interrupted, seconds, stepMs, peakBytes } = report.right
    if (interrupted)
      return failed(
        problem(`the demo was stopped at step ${step}`, {
          where: run,
          fix: `go on with \`thetagrad train --out ${run} --resume\`, or run the demo again`,
        }),
      )
    const segments = model.halting.maxSegments
    const measured = await evaluate({ backend, model, examples: heldOut.right, segments, batch: BATCH })
    const puzzle = hardest(test)
    const posed = posedSudoku(geometry, puzzle.question)
    const guesses = await think(backend, model, posed.question, segments)
    const answer = guesses.at(-1)!.tokens
    const solved = posed.isSolved(answer)
    const whole = (performance.now() - start) / 1000
    return E.right({
      text: [
        '',
        `Trained ${step} steps in ${duration(seconds)} on ${backend.name}: ${stepMs.toFixed(1)} ms a step, peak device memory ${showBytes(peakBytes)}.`,
        '',
        `${measured.examples} puzzles on grids it has never seen, solved after so many segments of thought:`,
        segmentTable(measured),
        '',
        'One of them:',
        showGrid(geometry, puzzle.question),
        showGuesses(posed, guesses),
        posed.verdict(solved),
        '',
        `${percent(measured.exact.at(-1)!)} of the held-out puzzles solved; the whole demo took ${duration(whole)}. Next:`,
        `  npx thetagrad solve ${run} ${asText(puzzle.question)} --trace`,
        `  npx thetagrad eval ${run} --segments 8`,
        '  npx thetagrad train --help',
      ].join('\n'),
      json: {
        run,
        steps: step,
        trainingSeconds: seconds,
        stepMs,
        peakBytes,
        device: backend.name,
        examples: measured.examples,
        bySegment: measured.exact.map((exact, i) => ({ segments: i + 1, exact, token: measured.token[i] })),
        puzzle: asText(puzzle.question),
        answer: posed.text(answer),
        solved,
        seconds: whole,
      },
    })
  } finally {
    backend.dispose()
  }
}

const blanks = ({ question }: Puzzle): number => question.filter((digit) => digit === 0).length

/** The first of those with most blanks. */
const hardest = (groups: Iterable<readonly Puzzle[]>): Puzzle =>
  [...groups].flat().reduce((best, p) => (blanks(p) > blanks(best) ? p : best))

const asText = (grid: Grid): string => grid.map((digit) => (digit === 0 ? '.' : `${digit}`)).join('')
