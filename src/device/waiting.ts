/**
 * Waiting for the device.
 *
 * Dawn's Node binding drives its promises by spinning on `setImmediate`: while one is awaited the JavaScript thread burns
 * a whole core, which on a software adapter is a core taken from the computation (measured on 2-core lavapipe: 470 ms
 * awaited plainly, 300 ms this way). So in Node we sleep half a millisecond between turns of the event loop. A browser
 * forbids `Atomics.wait` on its main thread and needs none of this: there it is a plain await.
 */

import { turn } from '../turn.js'

const isNode = typeof process !== 'undefined' && process.versions?.node !== undefined

const SLEEP_MS = 0.5

/** Settles as `promise` does, without burning a core. Use it for `onSubmittedWorkDone`, `mapAsync` and the like. */
export const settled = async <A>(promise: Promise<A>): Promise<A> => {
  if (!isNode) return promise
  const cell = new Int32Array(new SharedArrayBuffer(4))
  let waiting = true
  const seen = () => {
    waiting = false
  }
  promise.then(seen, seen)
  // Dawn processes its events in a turn.
  await turn()
  while (waiting) {
    Atomics.wait(cell, 0, 0, SLEEP_MS)
    await turn()
  }
  return promise
}
