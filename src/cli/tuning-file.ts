/** Where tuning is kept: a file for every adapter, driver and version, in the user's cache folder. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import envPaths from 'env-paths'
import { sync as writeFileAtomic } from 'write-file-atomic'
import type { AdapterDescription, TuningStore } from '../device/index.js'
import { packageVersion } from './package-file.js'

/** `THETAGRAD_CACHE` names another folder than the system's for caches. */
const folder = (): string => join(process.env.THETAGRAD_CACHE ?? envPaths('thetagrad', { suffix: '' }).cache, 'tuning')

/** What the speed of a kernel depends on, beside its shape. */
const keyOf = ({ vendor, architecture, device, description }: AdapterDescription) => ({
  adapter: [vendor, architecture, device].filter((word) => word !== '').join(' '),
  driver: description,
  thetagrad: packageVersion(),
  webgpu: (createRequire(import.meta.url)('webgpu/package.json') as { version: string }).version,
})

const tuningFile = (adapter: AdapterDescription): string => {
  const key = JSON.stringify(keyOf(adapter))
  return join(folder(), `${createHash('sha256').update(key).digest('hex').slice(0, 16)}.json`)
}

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
    mkdirSync(folder(), { recursive: true })
    writeFileAtomic(tuningFile(adapter), `${JSON.stringify({ ...keyOf(adapter), matmul: fastest }, null, 1)}\n`)
  },
}
