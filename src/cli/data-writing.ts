/** Writing a dataset while somebody waits: a line every second, and Ctrl-C leaves nothing half-written. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type DatasetSource, type WriteOptions, type Written, writeSource } from '../data/index.js'
import type { Problem } from '../problem.js'
import { interruptible } from './interruption.js'
import { duration } from './progress.js'

export type Log = (line: string) => void

export const writeWatched =
  (source: DatasetSource, out: string, log: Log, options: WriteOptions = {}): TaskEither<Problem, Written> =>
  () =>
    interruptible('stopping', (signal) => {
      log(`writing ${out}`)
      return writeSource(source, out, { ...options, signal, onProgress: everySecond(log) })()
    })

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
