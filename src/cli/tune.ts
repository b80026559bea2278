/** `thetagrad tune`: measures kernels for the shapes of a model, and keeps which are fastest. */
import * as E from 'fp-ts/lib/Either.js'
import { openBackend } from '../device/index.js'
import type { Reasoner } from '../hrm/index.js'
import type { Tuned } from '../ir/index.js'
import { type Problem, problem } from '../problem.js'
import { completeSettings, type TrainingSettings, tuneTraining } from '../train/index.js'
import { deviceOptions, deviceWords } from './backend.js'
import { duration, tuningProgress } from './progress.js'
import { failed, listed, log, type Outcome } from './result.js'
import { loadModel, readConfig } from './run-folder.js'
import { aligned } from './table.js'
import { modelSource } from './train.js'

export interface TuneCommandOptions {
  readonly run?: string
  readonly preset?: string
  readonly model?: string
  readonly config?: string
  readonly batch?: number
  readonly accumulate?: number
  readonly precision?: 'f16' | 'f32'
  readonly again: boolean
}

export const tuneCommand = async (options: TuneCommandOptions): Promise<Outcome> => {
  const named = [options.run, options.preset, options.config].filter((name) => name !== undefined)
  if (named.length !== 1)
    return failed(
      problem('give one of a run folder, --preset NAME and --config FILE', { fix: 'see `thetagrad tune --help`' }),
    )
  if (options.model !== undefined && options.preset === undefined)
    return failed(
      problem('--model goes with --preset', { fix: 'a run and a file have a model of their own: leave out --model' }),
    )
  const recipe = await recipeOf(options)
  if (E.isLeft(recipe)) return recipe
  const { model, training } = recipe.right
  const opened = await openBackend(deviceOptions(training))()
  if (E.isLeft(opened)) return listed(opened)
  const backend = opened.right
  try {
    const start = performance.now()
    log(`tuning ${model.name}, batch ${training.batch}, on ${deviceWords(backend, training)}`)
    const tuned = await tuneTraining(backend, model, training, {
      again: options.again,
      evaluated: training.batch,
      told: tuningProgress,
    })
    const seconds = (performance.now() - start) / 1e3
    return E.right({ text: report(tuned, seconds), json: { device: backend.name, seconds, tuned } })
  } finally {
    backend.dispose()
  }
}

const recipeOf = async ({
  run,
  preset,
  model: variant,
  config,
  batch,
  accumulate,
  precision,
}: TuneCommandOptions): Promise<
  E.Either<readonly Problem[], { readonly model: Reasoner; readonly training: TrainingSettings }>
> => {
  const kept = run === undefined ? undefined : readConfig(run)
  if (kept !== undefined && E.isLeft(kept)) return listed(kept)
  const source =
    kept !== undefined
      ? E.right(kept.right)
      : modelSource(
          {
            ...(preset !== undefined && { preset }),
            ...(variant !== undefined && { variant }),
            ...(config !== undefined && { config }),
          },
          1,
        )
  if (E.isLeft(source)) return listed(source)
  const loaded = await loadModel(source.right.model, { typeCheck: kept === undefined })
  if (E.isLeft(loaded)) return loaded
  const changes = {
    ...(batch !== undefined && { batch }),
    ...(accumulate !== undefined && { accumulate }),
    ...(precision !== undefined && { precision }),
  }
  const training = completeSettings(
    { ...source.right.training, ...loaded.right.training, ...changes },
    run ?? config ?? 'command line',
  )
  return E.isLeft(training) ? listed(training) : E.right({ model: loaded.right.model, training: training.right })
}

const report = (tuned: readonly Tuned[], seconds: number): string => {
  if (tuned.length === 0) return 'every shape was measured before (--again measures anew)'
  const wrong = tuned.filter((t) => t.wrong.length > 0)
  const time = (pick: (t: Tuned) => number) => tuned.reduce((n, t) => n + t.uses * pick(t), 0)
  const gain = time((t) => t.seconds * t.speedup) / time((t) => t.seconds)
  return [
    aligned(
      [
        ['shape', 'default', 'fastest', 'uses', 'ms', 'speedup'],
        ...tuned.map((t) => [
          t.shape,
          t.byDefault,
          t.fastest,
          String(t.uses),
          (1e3 * t.seconds).toPrecision(3),
          `${t.speedup.toFixed(2)}×`,
        ]),
      ],
      3,
    ),
    `${tuned.length} shapes in ${duration(seconds)}; their matmuls together ${gain.toFixed(2)}× as fast as by default`,
    ...wrong.map((t) => `${t.shape}: wrong results, never taken: ${t.wrong.join(', ')}`),
  ].join('\n')
}
