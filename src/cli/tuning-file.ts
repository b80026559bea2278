/** Where tuning is kept: a file for every adapter, driver and version, in the user's cache folder. */
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { sync as writeFileAtomic } from 'write-file-atomic'
import type { AdapterDescription, TuningStore } from '../device/index.js'
import { adapterKey, cacheFile } from './adapter-cache.js'

const tuningFile = (adapter: AdapterDescription): string => cacheFile('tuning', adapterKey(adapter))

/** A file that is missing or no JSON is as good as none: it is measured anew. */
export const tuningFiles: TuningStore = {
  read: (adapter) => {
    try {
      const { matmul } = JSON.parse(readFileSync(tuningFile(adapter), 'utf8')) as { matmul?: unknown }
      const entries = Object.entries((matmul ?? {}) as Record<string, unknown>)
      return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
    } catch {
      return {}
    }
  },
  write: (adapter, fastest) => {
    const file = tuningFile(adapter)
    mkdirSync(dirname(file), { recursive: true })
    writeFileAtomic(file, `${JSON.stringify({ ...adapterKey(adapter), matmul: fastest }, null, 1)}\n`)
  },
}
