/** Ctrl-C while work is under way. */
import { log } from './result.js'

const signals = ['SIGINT', 'SIGTERM'] as const

/**
 * The first Ctrl-C, or SIGTERM, aborts the signal that the work is given, so that it ends in order, and `told` is said;
 * another one ends the process. npm and timeout pass a terminal's signal on to a process that has had it already, so
 * one that follows at once is the same.
 */
export const interruptible = async <A>(told: string, work: (signal: AbortSignal) => Promise<A>): Promise<A> => {
  const controller = new AbortController()
  let asked = 0
  const stop = () => {
    const now = performance.now()
    if (controller.signal.aborted) {
      if (now - asked > 1000) process.exit(130)
      return
    }
    asked = now
    log(`\n${told}; once more to quit at once`)
    controller.abort()
  }
  for (const signal of signals) process.on(signal, stop)
  try {
    return await work(controller.signal)
  } finally {
    for (const signal of signals) process.off(signal, stop)
  }
}
