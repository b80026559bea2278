/** Where tuning is kept: with the adapter, its driver and the versions that it was found with. */
import type { TuningStore } from '../device/index.js'
import { adapterKey, readCache, writeCache } from './adapter-cache.js'

export const tuningFiles: TuningStore = {
  read: (adapter) => {
    const { matmul } = readCache('tuning', adapterKey(adapter))
    const entries = Object.entries((matmul ?? {}) as Record<string, unknown>)
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
  },
  write: (adapter, fastest) => writeCache('tuning', adapterKey(adapter), { matmul: fastest }),
}
