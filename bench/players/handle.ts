/** The other end of a player: its process, asked one thing at a time. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Request } from './protocol.js'

/** What a player answers; which fields there are depends on the request. */
interface Answer {
  readonly seconds: number
  readonly processor: number
  readonly error?: string
}

export interface Handle {
  readonly name: string
  /** Rejects with what went wrong in the player, or when it has ended. */
  readonly ask: (request: Request) => Promise<Answer>
  readonly close: () => void
}

export const summon = (
  name: string,
  [program, ...words]: readonly string[],
  environment: Readonly<Record<string, string>>,
): Handle => {
  const child = spawn(program!, words, {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', process.argv.includes('--verbose') ? 'inherit' : 'pipe'],
  })
  let noise = ''
  child.stderr?.on('data', (data) => {
    noise = `${noise}${data}`.slice(-2000)
  })
  let settle: { readonly resolve: (a: Answer) => void; readonly reject: (e: Error) => void } | undefined
  let ended: Error | undefined
  const end = (why: string) => {
    ended = new Error(`${why} ${noise}`.trim())
    settle?.reject(ended)
  }
  child.on('error', (error) => end(error.message))
  child.on('exit', (code, signal) => end(`the player ended (${signal ?? code})`))
  createInterface({ input: child.stdout! }).on('line', (line) => {
    if (!line.startsWith('@')) return
    const answer = JSON.parse(line.slice(1)) as Answer
    if (answer.error === undefined) settle?.resolve(answer)
    else settle?.reject(new Error(answer.error))
  })
  const send = (request: Request) => child.stdin!.write(`${JSON.stringify(request)}\n`)
  child.stdin!.on('error', () => {}) // told by `exit`
  return {
    name,
    ask: (request) =>
      new Promise((resolve, reject) => {
        settle = { resolve, reject }
        if (ended !== undefined) reject(ended)
        else send(request)
      }),
    close: () => {
      if (ended === undefined) send({ do: 'close' })
    },
  }
}
