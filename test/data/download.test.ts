/** Fetching over a real connection: going on, checksums, redirections, servers that fail, and none at all. */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type DownloadOptions, download, type RemoteFile } from '../../src/data/download.js'
import { showProblem } from '../../src/problem.js'
import { type Behaviour, fileServer } from '../support/file-server.js'

const body = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) & 255))
const sha256 = createHash('sha256').update(body).digest('hex')
const etag = '"v1"'

let folder: string
let path: string
let close: () => Promise<unknown> = async () => {}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'download-'))
  path = join(folder, 'set', 'file.csv')
})
afterEach(async () => {
  await close()
  rmSync(folder, { recursive: true })
})

const serve = async (behave: (url: string, nth: number) => Behaviour | undefined) => {
  const server = await fileServer(behave)
  close = server.close
  return { ...server, url: `${server.origin}/file.csv` }
}
const quick: DownloadOptions = { pause: () => 1 }
const fetched = async (remote: RemoteFile, options = quick): Promise<string> => {
  const result = await download(remote, path, options)()
  return E.isLeft(result) ? showProblem(result.left) : 'fetched'
}
/** The whole file and nothing half of it. */
const isWhole = (): void => {
  expect(readFileSync(path).equals(body)).toBe(true)
  expect(readdirSync(join(folder, 'set')).sort()).toEqual(['file.csv', 'file.csv.json'])
}

it('a file is fetched once, and again only when it is no longer what it was', async () => {
  const { url, seen } = await serve(() => ({ body }))
  const told: (number | undefined)[][] = []
  expect(await fetched({ url, sha256 }, { ...quick, onProgress: (n, of) => told.push([n, of]) })).toBe('fetched')
  isWhole()
  expect(told.at(-1)).toEqual([body.length, body.length])
  expect(await fetched({ url, sha256 })).toBe('fetched')
  // Also where the digest is known from the first time alone.
  expect(await fetched({ url })).toBe('fetched')
  expect(seen.length).toBe(1)
  // Ctrl-C while what is there is checked is no leave to go on.
  expect(await fetched({ url }, { ...quick, signal: AbortSignal.abort() })).toContain('stopped while')
  writeFileSync(path, 'something else')
  expect(await fetched({ url })).toBe('fetched')
  expect(seen.length).toBe(2)
  isWhole()
})

it('a line that breaks again and again is gone on from where it broke', async () => {
  const { url, seen } = await serve(() => ({ body, etag, breaksAfter: 50_000 }))
  expect(await fetched({ url, sha256 }, { ...quick, tries: 2 })).toBe('fetched')
  isWhole()
  expect(seen.length).toBeGreaterThanOrEqual(6)
  const starts = seen.map(({ range }) => Number(range?.slice(6, -1) ?? 0))
  expect(starts).toEqual(starts.toSorted((a, b) => a - b))
  expect(seen.slice(1).every(({ ifRange }) => ifRange === etag)).toBe(true)
})

it('what an earlier run left is gone on from, unless the file is another one now', async () => {
  const first = await serve((_, n) => (n === 1 ? { body, etag, breaksAfter: 100_000 } : { body, status: 404 }))
  expect(await fetched({ url: first.url, sha256 })).toMatch(/does not give the file\n.*status 404/)
  expect(readFileSync(`${path}.part`).length).toBe(100_000)
  await first.close()
  const port = Number(new URL(first.url).port)
  expect(port).toBeGreaterThan(0)

  // The same address with another file: the server sends all of it, and what was there is forgotten.
  const other = await serve(() => ({ body, etag: '"v2"' }))
  writeFileSync(`${path}.part.json`, JSON.stringify({ url: other.url, etag }))
  expect(await fetched({ url: other.url, sha256 })).toBe('fetched')
  expect(other.seen[0]).toEqual({ url: '/file.csv', range: 'bytes=100000-', ifRange: etag })
  isWhole()
})

it('a server without ranges sends it all again, one that has less than is there is asked anew', async () => {
  const { url, seen } = await serve((_, n) => (n === 1 ? { body, breaksAfter: 1000 } : { body, ignoresRanges: true }))
  expect(await fetched({ url, sha256 })).toBe('fetched')
  isWhole()
  expect(seen[1]!.range).toBe('bytes=1000-')
  rmSync(path)
  writeFileSync(`${path}.part`, Buffer.alloc(body.length + 5))
  writeFileSync(`${path}.part.json`, JSON.stringify({ url }))
  const shorter = await serve(() => ({ body }))
  writeFileSync(`${path}.part.json`, JSON.stringify({ url: shorter.url }))
  expect(await fetched({ url: shorter.url, sha256 })).toBe('fetched')
  expect(shorter.seen.map(({ range }) => range)).toEqual([`bytes=${body.length + 5}-`, undefined])
})

it('a wrong checksum is refused and nothing of it kept', async () => {
  const { url, seen } = await serve(() => ({ body: Buffer.from('<html>please log in</html>') }))
  expect(await fetched({ url, sha256 }, { ...quick, byHand: 'fetch it by hand' })).toMatch(
    new RegExp(`file.csv: the file is not what it should be\n.*expected is ${sha256}\n.*by hand`),
  )
  expect(seen.length).toBe(1)
  expect(readdirSync(join(folder, 'set')).filter((name) => !name.endsWith('.json'))).toEqual([])
})

it('redirections are followed, and the digest that Hugging Face tells on the way is checked', async () => {
  const told = (digest: string) => ({ 'x-linked-etag': `"${digest}"`, 'x-linked-size': `${body.length}` })
  const via = (digest: string) => (url: string) =>
    url === '/file.csv' ? { body, redirect: { to: '/blob/7', headers: told(digest) } } : { body }
  const good = await serve(via(sha256))
  expect(await fetched({ url: good.url })).toBe('fetched')
  isWhole()
  await good.close()
  rmSync(path)

  const wrong = await serve(via('0'.repeat(64)))
  // Known beforehand: refused before it is fetched. Not known: what came is compared.
  expect(await fetched({ url: wrong.url, sha256 })).toMatch(/the file there is another one now\n.*SHA-256 is 0000/)
  expect(await fetched({ url: wrong.url })).toMatch(/the file is not what it should be\n.*expected is 0000/)
  await wrong.close()
  const loop = await serve(() => ({ body, redirect: { to: '/file.csv' } }))
  expect(await fetched({ url: loop.url }, { ...quick, tries: 1 })).toMatch(/more than 8 redirections/)
})

it('a server that is busy is asked again, one that has no such file is not', async () => {
  const busy = await serve((_, n) => (n < 3 ? { body, status: 503 } : { body }))
  expect(await fetched({ url: busy.url, sha256 })).toBe('fetched')
  expect(busy.seen.length).toBe(3)
  await busy.close()
  rmSync(path)
  const none = await serve(() => undefined)
  expect(await fetched({ url: none.url, sha256 })).toMatch(/does not give the file\n {2}why: status 404/)
  expect(none.seen.length).toBe(1)
})

it('where nobody answers it says who, why and what to do', async () => {
  const { url, close: hangUp } = await serve(() => ({ body }))
  await hangUp()
  close = async () => {}
  const message = await fetched({ url, sha256 }, { ...quick, tries: 2, byHand: `curl -LO ${url}` })
  expect(message).toMatch(/127\.0\.0\.1:\d+ cannot be reached\n {2}why: .*ECONNREFUSED.*\n {2}fix: curl -LO http/)
})

it('stopped, it keeps what has come and says so, and goes on the next time', async () => {
  const { url, seen } = await serve((_, n) => ({ body, etag, ...(n === 1 && { breaksAfter: 200_000 }) }))
  const controller = new AbortController()
  const message = await fetched(
    { url, sha256 },
    { ...quick, signal: controller.signal, onProgress: (n) => n >= 200_000 && controller.abort() },
  )
  expect(message).toMatch(
    /stopped before the file was whole\n.*200000 bytes of it are kept in .*\.part\n.*run it again/,
  )
  expect(existsSync(path)).toBe(false)
  expect(await fetched({ url, sha256 })).toBe('fetched')
  isWhole()
  expect(seen[1]).toEqual({ url: '/file.csv', range: 'bytes=200000-', ifRange: etag })
})
