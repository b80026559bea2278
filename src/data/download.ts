/**
 * A public file over HTTP, once: into a cache, checked against its SHA-256. What is there of it already is gone on from,
 * also after Ctrl-C or a broken line; a file that is no longer what was fetched is fetched again. It knows no dataset.
 */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type Problem, problem } from '../problem.js'

export interface RemoteFile {
  readonly url: string
  /** In hexadecimal. Without it the one that the server tells is taken (Hugging Face does), if it tells one. */
  readonly sha256?: string
}

export interface DownloadOptions {
  /** Aborted: what has come is kept, to go on from. */
  readonly signal?: AbortSignal
  /** Bytes that are there, and bytes of the whole file if the server tells them. */
  readonly onProgress?: (bytes: number, of: number | undefined) => void
  /** What to do where it cannot be had. */
  readonly byHand?: string
  /** Tries in a row that bring nothing before it is given up; default 4. */
  readonly tries?: number
  /** Milliseconds to wait before try n = 1, 2, …; default 1 s, doubled each time. */
  readonly pause?: (attempt: number) => number
}

/** What is remembered beside a file. */
interface Memory {
  readonly url: string
  readonly etag?: string
  readonly sha256?: string
}

/** Why a try failed, and whether another may do better. */
interface Failure {
  readonly problem: Problem
  readonly final: boolean
}

export const download =
  (remote: RemoteFile, path: string, options: DownloadOptions = {}): TaskEither<Problem, void> =>
  async () => {
    try {
      if (await isCached(remote, path)) return options.signal?.aborted ? E.left(unchecked(path)) : E.right(undefined)
      await mkdir(dirname(path), { recursive: true })
    } catch (cause) {
      return E.left(problem('the cache cannot be used', { where: path, why: String(cause) }))
    }
    const { tries = 4, pause = (n) => 1000 * 2 ** (n - 1) } = options
    for (let attempt = 1; ; attempt++) {
      const before = await sizeOf(partOf(path))
      const result = await attemptOnce(remote, path, options)
      if (E.isRight(result)) return result
      if (options.signal?.aborted) return E.left(stopped(remote, path, await sizeOf(partOf(path))))
      // A line that breaks again and again, but brings something each time, is not given up.
      if ((await sizeOf(partOf(path))) > before) attempt = 0
      if (result.left.final || attempt >= tries) return E.left(result.left.problem)
      await sleep(pause(Math.max(1, attempt)), undefined, options.signal && { signal: options.signal }).catch(() => {})
    }
  }

const partOf = (path: string): string => `${path}.part`
const memoryOf = (path: string): string => `${path}.json`
const sizeOf = async (path: string): Promise<number> => (existsSync(path) ? (await stat(path)).size : 0)

const remembered = async (path: string): Promise<Memory | undefined> => {
  try {
    return JSON.parse(await readFile(memoryOf(path), 'utf8')) as Memory
  } catch {
    return undefined
  }
}

const sha256Of = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

/** Whether the file is there and still what it was when it was fetched. */
const isCached = async ({ url, sha256 }: RemoteFile, path: string): Promise<boolean> => {
  if (!existsSync(path)) return false
  const memory = await remembered(path)
  const expected = sha256 ?? (memory?.url === url ? memory.sha256 : undefined)
  return expected !== undefined && (await sha256Of(path)) === expected
}

const unchecked = (path: string): Problem =>
  problem('stopped while what was fetched before was checked', { where: path, fix: 'run it again' })

const stopped = ({ url }: RemoteFile, path: string, size: number): Problem =>
  problem('stopped before the file was whole', {
    where: url,
    why: `${size} bytes of it are kept in ${partOf(path)}`,
    fix: 'run it again: it goes on from there',
  })

/** One request and all it brings, appended to what is there. */
const attemptOnce = async (
  remote: RemoteFile,
  path: string,
  options: DownloadOptions,
): Promise<E.Either<Failure, void>> => {
  const { url } = remote
  const refuse = (what: string, rest: Omit<Problem, 'what'>, final: boolean) =>
    E.left({ problem: problem(what, { where: url, ...(options.byHand && { fix: options.byHand }), ...rest }), final })
  const part = partOf(path)
  const memory = await remembered(part)
  const mayGoOn = memory?.url === url && (memory.etag !== undefined || remote.sha256 !== undefined)
  if (!mayGoOn) await rm(part, { force: true })
  const have = await sizeOf(part)
  let response: Answered
  try {
    response = await request(url, rangeFrom(have, memory?.etag), options.signal)
  } catch (cause) {
    return refuse(`${new URL(url).host} cannot be reached`, { why: reason(cause) }, false)
  }
  const { status, headers, body, linked } = response
  const expected = remote.sha256 ?? linked
  if (linked !== undefined && linked !== expected) {
    await body?.cancel()
    return refuse('the file there is another one now', { why: sums(linked, remote.sha256) }, true)
  }
  if (status === 416) {
    // What is there is longer than the file: it was something else.
    await rm(part, { force: true })
    return refuse('the server has not so much of the file', { why: `status 416 for ${have} bytes and more` }, false)
  }
  if ((status !== 200 && status !== 206) || body === null) {
    await body?.cancel()
    const passes = status >= 500 || status === 429 || status === 408
    return refuse(`${new URL(url).host} does not give the file`, { why: `status ${status}` }, !passes)
  }
  const start = status === 206 ? Number(/^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1]) : 0
  if (status === 206 && start !== have) {
    await body.cancel()
    await rm(part, { force: true })
    return refuse('the server answers with another part of the file than asked for', {}, false)
  }
  const length = headers.get('content-length')
  const whole = length === null ? undefined : start + Number(length)
  const etag = headers.get('etag') ?? undefined
  const told: Memory = { url, ...(etag !== undefined && { etag }) }
  try {
    await append(part, told, start, body, (bytes) => options.onProgress?.(bytes, whole))
  } catch (cause) {
    // A full disk is not cured by asking again.
    const { code } = cause as NodeJS.ErrnoException
    return refuse(`the file did not come whole`, { why: reason(cause) }, code === 'ENOSPC' || code === 'EACCES')
  }
  const size = await sizeOf(part)
  if (whole !== undefined && size !== whole)
    return refuse('the file did not come whole', { why: `${size} of ${whole} bytes` }, false)
  const actual = await sha256Of(part)
  if (expected !== undefined && actual !== expected) {
    await rm(part, { force: true })
    return refuse('the file is not what it should be', { why: sums(actual, expected) }, true)
  }
  await rename(part, path)
  await rm(memoryOf(part), { force: true })
  await writeFile(memoryOf(path), JSON.stringify({ url, sha256: actual }))
  return E.right(undefined)
}

const sums = (actual: string, expected: string | undefined): string =>
  `its SHA-256 is ${actual}, expected is ${expected}`

/** Asks for what is missing, unless the file has changed since. */
const rangeFrom = (have: number, etag: string | undefined): Readonly<Record<string, string>> =>
  have === 0
    ? {}
    : // Weak tags must not be asked with; the checksum tells at the end.
      { range: `bytes=${have}-`, ...(etag !== undefined && !etag.startsWith('W/') && { 'if-range': etag }) }

interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly body: ReadableStream<Uint8Array> | null
  /** SHA-256 that Hugging Face tells of a large file, on the way to where it lies. */
  readonly linked?: string
}

const REDIRECTS = 8

/** Follows redirections itself, because what is told on the way matters. Rejects where nobody answers. */
const request = async (
  url: string,
  range: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<Answered> => {
  let linked: string | undefined
  let at = url
  for (let i = 0; i <= REDIRECTS; i++) {
    const response = await fetch(at, {
      redirect: 'manual',
      // Ranges and lengths are those of the bytes as they are.
      headers: { 'accept-encoding': 'identity', 'user-agent': 'thetagrad', ...range },
      ...(signal && { signal }),
    })
    linked ??= /^"?([0-9a-f]{64})"?$/.exec(response.headers.get('x-linked-etag') ?? '')?.[1]
    const next = response.headers.get('location')
    if (response.status < 300 || response.status >= 400 || next === null)
      return {
        status: response.status,
        headers: response.headers,
        body: response.body as ReadableStream<Uint8Array> | null,
        ...(linked !== undefined && { linked }),
      }
    await response.body?.cancel()
    at = new URL(next, at).href
  }
  throw new Error(`more than ${REDIRECTS} redirections`)
}

/** Appends to what is there of the file, from `start` on; what has come when the line breaks stays. */
const append = async (
  part: string,
  told: Memory,
  start: number,
  body: ReadableStream<Uint8Array>,
  onProgress: (bytes: number) => void,
): Promise<void> => {
  // Asked for at once: what lies unread in a stream is lost when it breaks.
  const reader = body.getReader()
  let next = reader.read()
  next.catch(() => {})
  await writeFile(memoryOf(part), JSON.stringify(told))
  const handle = await open(part, start === 0 ? 'w' : 'a')
  try {
    for (let bytes = start; ; ) {
      const { done, value } = await next
      if (done) return
      next = reader.read()
      next.catch(() => {})
      await handle.writeFile(value)
      bytes += value.length
      onProgress(bytes)
    }
  } finally {
    await handle.close()
    await reader.cancel().catch(() => {})
  }
}

/** What `fetch` hides behind "fetch failed". */
const reason = (cause: unknown): string => {
  const { cause: inner } = cause as { readonly cause?: unknown }
  return inner instanceof Error ? String((inner as AggregateError).errors?.[0] ?? inner) : String(cause)
}
