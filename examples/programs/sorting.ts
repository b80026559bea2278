/**
 * Training from a program, on puzzles of one's own that are made as they are needed: eight digits, whose answer is the same
 * digits in order. A few minutes; stopped and started again, it goes on from its last checkpoint.
 *
 *   npx tsx examples/programs/sorting.ts [runs/sorting [1500]]
 */
import { mkdirSync } from 'node:fs'
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { hrm } from 'thetagrad'
import {
  completeSettings,
  type HostBatch,
  openBackend,
  type Problem,
  randomOf,
  showProblem,
  type TrainingReport,
  train,
} from 'thetagrad/training'

const length = 8
const model = hrm({
  vocabulary: 11, // 0: padding, 1 to 10: the digits
  sequence: length,
  hidden: 64,
  heads: 4,
  layers: { high: 1, low: 1 },
  positions: 'learned',
  maxSegments: 4,
})

/** [batch, length] each. The key is all that its digits follow from. */
const sortingBatch = (batch: number, ...key: number[]): HostBatch => {
  const random = randomOf(...key)
  const rows = Array.from({ length: batch }, () => Array.from({ length }, () => 1 + random.below(10)))
  return {
    inputs: Int32Array.from(rows.flat()),
    labels: Int32Array.from(rows.flatMap((row) => [...row].sort((a, b) => a - b))),
    puzzleIdentifiers: new Int32Array(batch),
  }
}

/** The batches after the first `taken`, so that a run goes on with those it has not seen. */
function* sortingBatches(batch: number, taken: number): Generator<HostBatch, never> {
  for (let step = taken; ; step++) yield sortingBatch(batch, 0, step)
}

/** As many as fill whole batches. */
const sortingTest = (count: number, batch: number): HostBatch[] =>
  Array.from({ length: Math.ceil(count / batch) }, (_, i) => sortingBatch(batch, 1, i))

const recipe = { batch: 64, lr: 2e-3, lrMinRatio: 0.1, warmup: 50, logEvery: 50, evalEvery: 250, checkpointEvery: 250 }

const sorting = (run: string, steps: number): TE.TaskEither<Problem, TrainingReport> =>
  pipe(
    TE.fromEither(completeSettings({ ...recipe, steps }, 'the recipe')),
    TE.chain((settings) =>
      TE.bracket(
        openBackend(),
        (backend) =>
          train({
            backend,
            model,
            settings,
            batches: (taken) => sortingBatches(settings.batch, taken),
            evaluation: { count: 256, batches: (size) => sortingTest(256, size) },
            run,
            resume: true,
            progress: ({ step, loss }) => console.log(`step ${step}: loss ${loss.toFixed(3)}`),
            evaluated: ({ step, exact }) => console.log(`step ${step}: ${(100 * exact).toFixed(1)} % sorted`),
          }),
        (backend) => TE.fromIO(backend.dispose),
      ),
    ),
  )

const [run = 'runs/sorting', steps = '1500'] = process.argv.slice(2)
mkdirSync(run, { recursive: true })
await pipe(
  sorting(run, Number(steps)),
  TE.match(
    (refused) => {
      console.error(showProblem(refused))
      process.exitCode = 1
    },
    ({ step, checkpoint }) => console.log(`trained ${step} steps: ${checkpoint}`),
  ),
)()
