/** Writing a dataset while somebody waits: a line every second, and Ctrl-C leaves nothing half-written. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type DatasetSource, type WriteOptions, type Written, writeSource } from '../data/index.js'
import type { Problem } from '../problem.js'
import { duration } from './progress.js'

export type Log = (line: string) => void

export const writeWatched = (
  source: DatasetSource,
  out: string,
  log: Log,
  options: WriteOptions = {},
): TaskEither<Problem, Written> =>
  interruptible((signal) => {
    log(`writing ${out}`)
    return writeSource(source, out, { ...options, signal, onProgress: everySecond(log) })
  })

/** Ctrl-C aborts the work, which so can end in order, instead of the process. */
export const interruptible =
  <A>(work: (signal: AbortSignal) => TaskEither<Problem, A>): TaskEither<Problem, A> =>
  async () => {
    const controller = new AbortController()
    const stop = () => controller.abort()
    const signals = ['SIGINT', 'SIGTERM'] as const
    for (const signal of signals) process.on(signal, stop)
    try {
      return await work(controller.signal)()
    } finally {
      for (const signal of signals) process.off(signal, stop)
    }
  }

/** Says how far it is and what is left, once a second. */
export const everySecond = (log: Log): ((done: number, count: number) => void) => {
  const start = performance.now()
  let said = start
  return (done, count) => {
    const now = performance.now()
    if (now - said < 1000) return
    said = now
    log(`  ${done} of ${count}, ${duration(((now - start) / 1000 / done) * (count - done))} left`)
  }
}

/** Lets signals and timers through in a long computation. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
