/** One turn of the event loop: lets signals, timers and the device's events through in a long computation on this thread. */
export const turn = (): Promise<void> =>
  new Promise((resolve) => {
    // Browsers have no setImmediate.
    if (typeof setImmediate === 'function') setImmediate(resolve)
    else setTimeout(resolve)
  })
