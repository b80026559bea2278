/** `thetagrad train --profile`: where the time of a training step goes, as a table and as JSON. Writes nothing. */
import * as E from 'fp-ts/lib/Either.js'
import { openBackend } from '../device/index.js'
import type { Reasoner } from '../hrm/index.js'
import { problem } from '../problem.js'
import { type BatchStream, type Profile, profileTraining, type TrainingSettings } from '../train/index.js'
import { deviceOptions, deviceWords } from './backend.js'
import { failed, listed, log, type Outcome } from './result.js'
import { aligned } from './table.js'

interface Profiled {
  readonly model: Reasoner
  readonly training: TrainingSettings
  readonly batches: BatchStream
  readonly steps: number
}

export const profileCommand = async ({ model, training, batches, steps }: Profiled): Promise<Outcome> => {
  const opened = await openBackend({ profile: true, ...deviceOptions(training) })()
  if (E.isLeft(opened)) return listed(opened)
  const backend = opened.right
  try {
    const { profiler } = backend
    if (profiler === undefined)
      return failed(
        problem(`kernels cannot be timed on ${backend.name}`, {
          why: 'the adapter takes no timestamps: it lacks the feature timestamp-query',
          fix: 'update its driver, or profile on another adapter (`thetagrad doctor` lists their features)',
        }),
      )
    log(`timing ${steps} steps of batch ${training.batch} on ${deviceWords(backend, training)}`)
    const profile = await profileTraining({ backend, profiler, model, settings: training, batches, steps })
    return E.right({ text: showProfile(profile), json: profile })
  } finally {
    backend.dispose()
  }
}

/** Kernels that a terminal shows; JSON has all. */
const SHOWN = 24

/** Three digits, and all before the point. */
const digits = (n: number): string => (n >= 1000 ? n.toFixed(0) : n.toPrecision(3))
const milliseconds = (seconds: number): string => digits(1e3 * seconds)
const giga = (rate: number): string => digits(rate / 1e9)
const percent = (share: number): string => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`

const showProfile = (profile: Profile): string => {
  const { device, steps, stepSeconds, kernelSeconds, peaks, kernels, classes } = profile
  const dispatches = classes.reduce((n, c) => n + c.dispatches, 0)
  const rest = kernels.slice(SHOWN)
  return [
    `${device}, ${steps} steps: ${milliseconds(stepSeconds)} ms a step; its ${dispatches} dispatches ${milliseconds(kernelSeconds)} ms`,
    `attainable here: ${giga(peaks.flops)} GFLOP/s (matmul), ${giga(peaks.bytes)} GB/s (copy)`,
    '',
    aligned(
      [
        ['class', 'dispatches', 'ms', 'share'],
        ...classes.map((c) => [c.class, String(c.dispatches), milliseconds(c.seconds), percent(c.share)]),
      ],
      1,
    ),
    '',
    aligned(
      [
        ['kernel', 'class', 'dispatches', 'ms', 'share', 'GFLOP/s', 'GB/s', 'of roofline'],
        ...kernels
          .slice(0, SHOWN)
          .map((k) => [
            k.kernel,
            k.class,
            String(k.dispatches),
            milliseconds(k.seconds),
            percent(k.share),
            giga(k.flopsPerSecond),
            giga(k.bytesPerSecond),
            `${percent(k.ofRoofline)} (${k.bound})`,
          ]),
      ],
      2,
    ),
    ...(rest.length === 0
      ? []
      : [
          `and ${rest.length} more kernels, ${milliseconds(rest.reduce((n, k) => n + k.seconds, 0))} ms (all of them with --json)`,
        ]),
  ].join('\n')
}
