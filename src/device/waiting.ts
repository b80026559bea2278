/**
 * Waiting for the device.
 *
 * Dawn's Node binding drives its promises by spinning on `setImmediate`: while one is awaited the JavaScript thread burns
 * a whole core, which on a software adapter is a core taken from the computation (measured on 2-core lavapipe: 470 ms
 * awaited plainly, 300 ms this way). So in Node we sleep between turns of the event loop, half a millisecond at first, then
 * longer where the wait is long: a turn costs 40 µs. A browser forbids `Atomics.wait` on its main thread and needs none of
 * this: there it is a plain await.
 */

import { turn } from '../turn.js'

const isNode = typeof process !== 'undefined' && process.versions?.node !== undefined

const LEAST_MS = 0.5
const MOST_MS = 4
/** Of the time waited so far: by so much the end may be seen late. */
const LATE = 0.02

/** Settles as `promise` does, without burning a core. Use it for `onSubmittedWorkDone`, `mapAsync` and the like. */
export const settled = async <A>(promise: Promise<A>): Promise<A> => {
  if (!isNode) return promise
  const cell = new Int32Array(new SharedArrayBuffer(4))
  let waiting = true
  const seen = () => {
    waiting = false
  }
  promise.then(seen, seen)
  const start = performance.now()
  // Dawn processes its events in a turn.
  await turn()
  while (waiting) {
    const sleep = LATE * (performance.now() - start)
    Atomics.wait(cell, 0, 0, Math.min(MOST_MS, Math.max(LEAST_MS, sleep)))
    await turn()
  }
  return promise
}
