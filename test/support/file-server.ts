/** A local HTTP server of files, as good or bad as a test wants it: ranges, broken lines, redirections, other digests. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Behaviour {
  readonly body: Buffer
  readonly etag?: string
  /** Bytes after which the line breaks; of every answer. */
  readonly breaksAfter?: number
  readonly status?: number
  readonly ignoresRanges?: boolean
  /** Sent to another path, with these headers. */
  readonly redirect?: { readonly to: string; readonly headers?: Readonly<Record<string, string>> }
}

interface Seen {
  readonly url: string
  readonly range?: string
  readonly ifRange?: string
}

/** `behave` is asked for every request. */
export const fileServer = async (behave: (url: string, nth: number) => Behaviour | undefined) => {
  const seen: Seen[] = []
  const server = createServer((request: IncomingMessage, response) => {
    const { range } = request.headers
    const ifRange = request.headers['if-range']
    seen.push({ url: request.url!, ...(range && { range }), ...(typeof ifRange === 'string' && { ifRange }) })
    const found = behave(request.url!, seen.length)
    if (found === undefined) return response.writeHead(404).end('no such file')
    const { body, etag, breaksAfter, status, ignoresRanges, redirect } = found
    if (redirect) return response.writeHead(302, { location: redirect.to, ...redirect.headers }).end()
    if (status) return response.writeHead(status).end('no')
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
    const isPart = range !== undefined && !ignoresRanges && (ifRange === undefined || ifRange === etag)
    if (isPart && from >= body.length) return response.writeHead(416).end()
    const part = isPart ? body.subarray(from) : body
    response.writeHead(isPart ? 206 : 200, {
      'content-length': part.length,
      ...(etag && { etag }),
      ...(isPart && { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` }),
    })
    if (breaksAfter === undefined || breaksAfter >= part.length) return response.end(part)
    response.write(part.subarray(0, breaksAfter), () => setTimeout(() => response.destroy(), 150))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(resolve)
      }),
  }
}
