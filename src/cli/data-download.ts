/** `--download`: the public copy of a benchmark instead of files of one's own, with progress while somebody waits. */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { showBytes } from '../bytes.js'
import {
  type FetchOptions,
  fetchArc,
  fetchTable,
  type Origins,
  origins,
  type PublicArc,
  type PublicTable,
} from '../data/index.js'
import type { Problem } from '../problem.js'
import { cacheFolder } from './adapter-cache.js'
import type { Log } from './data-writing.js'
import { interruptible } from './interruption.js'
import { duration } from './progress.js'

export interface DownloadFlags {
  /** Where what was fetched is kept. */
  readonly cache?: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** A mirror of Hugging Face is told as to its own tools. */
const originsOf = (env: Environment): Origins => ({
  ...origins,
  ...(env.HF_ENDPOINT && { huggingFace: env.HF_ENDPOINT.replace(/\/$/, '') }),
})

const watched =
  <A>(
    flags: DownloadFlags,
    log: Log,
    from: Origins,
    fetching: (options: FetchOptions) => TaskEither<Problem, A>,
  ): TaskEither<Problem, A> =>
  () =>
    interruptible('stopping', (signal) =>
      fetching({
        cache: flags.cache ?? cacheFolder(),
        origins: from,
        signal,
        onFile: (url) => log(`fetching ${url}`),
        onProgress: rate(log),
      })(),
    )

export const downloadTable = (
  table: PublicTable,
  flags: DownloadFlags,
  log: Log,
  from = originsOf(process.env),
): TaskEither<Problem, Record<'train' | 'test', string>> =>
  watched(flags, log, from, (options) => fetchTable(table, options))

/** Several sets, one after the other. */
export const downloadArc =
  (
    sets: readonly PublicArc[],
    flags: DownloadFlags,
    log: Log,
    from = originsOf(process.env),
  ): TaskEither<Problem, Record<'train' | 'test', readonly string[]>> =>
  async () => {
    const [train, test]: [string[], string[]] = [[], []]
    for (const set of sets) {
      const fetched = await watched(flags, log, from, (options) => fetchArc(set, options))()
      if (E.isLeft(fetched)) return fetched
      train.push(...fetched.right.train)
      test.push(...fetched.right.test)
    }
    return E.right({ train, test })
  }

/** Once a second how much there is, how fast it comes and how long the rest takes. */
const rate = (log: Log): ((done: number, of: number | undefined) => void) => {
  let begun: { readonly at: number; readonly done: number } | undefined
  let said = performance.now()
  return (done, of) => {
    const now = performance.now()
    // A second file, or one that begins anew, has another pace.
    if (begun === undefined || done < begun.done) begun = { at: now, done }
    if (now - said < 1000) return
    said = now
    const speed = (done - begun.done) / ((now - begun.at) / 1000)
    const rest = of === undefined || speed === 0 ? '' : `, ${duration((of - done) / speed)} left`
    log(`  ${showBytes(done)}${of === undefined ? '' : ` of ${showBytes(of)}`}, ${showBytes(speed)}/s${rest}`)
  }
}
