/**
 * What libraries written for browsers look for, in Node: WebGPU (the npm package `webgpu`, the same Dawn and adapter that
 * thetagrad computes with) and web workers. Import it before such a library: some look around when they are loaded.
 */
import { resolveObjectURL } from 'node:buffer'
import { cpus } from 'node:os'
import { Worker as Thread } from 'node:worker_threads'
import { create, globals } from 'webgpu'

/**
 * Awaits with the event loop sleeping half a millisecond between its turns, as thetagrad does: Dawn's Node binding spins
 * while a promise is awaited, which on a software adapter takes a core from the computation.
 */
export const resting = async <A>(promise: Promise<A>): Promise<A> => {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  let waiting = true
  const seen = () => {
    waiting = false
  }
  promise.then(seen, seen)
  while (waiting) {
    await new Promise((resolve) => setImmediate(resolve))
    if (waiting) Atomics.wait(cell, 0, 0, 0.5)
  }
  return promise
}

const PRELUDE = `
const { parentPort } = require('node:worker_threads')
globalThis.self = globalThis
globalThis.postMessage = (data) => parentPort.postMessage(data)
parentPort.on('message', (data) => self.onmessage({ data }))
`

/** The part of a browser's `Worker` that jax-js uses, on Node's threads: a script from a blob, messages both ways. */
class BlobWorker {
  onmessage: ((event: { data: unknown }) => void) | undefined
  onerror: ((event: { message: string }) => void) | undefined
  readonly #thread: Promise<Thread>

  constructor(url: string) {
    const blob = resolveObjectURL(url)
    if (blob === undefined) throw new Error(`no blob behind ${url}`)
    this.#thread = blob.text().then((source) => {
      const thread = new Thread(PRELUDE + source, { eval: true })
      thread.on('message', (data) => this.onmessage?.({ data }))
      thread.on('error', (error) => this.onerror?.({ message: String(error) }))
      return thread
    })
  }

  postMessage(data: unknown): void {
    this.#thread.then((thread) => thread.postMessage(data))
  }
}

Object.assign(globalThis, globals)
const gpu = create(['enable-dawn-features=allow_unsafe_apis'])
Object.defineProperty(globalThis, 'navigator', {
  value: { gpu, userAgent: 'Node', hardwareConcurrency: cpus().length },
  configurable: true,
})
Object.defineProperty(globalThis, 'Worker', { value: BlobWorker, configurable: true })
