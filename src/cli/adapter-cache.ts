/** Where what was found out about an adapter is kept: a file for every adapter, driver and version, in the user's cache folder. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import envPaths from 'env-paths'
import { sync as writeFileAtomic } from 'write-file-atomic'
import type { AdapterDescription } from '../device/index.js'
import { packageVersion, webgpuVersion } from './package-file.js'
import { log } from './result.js'

/** What the speed of a kernel depends on, beside its shape, and whether it works at all. */
export const adapterKey = ({ vendor, architecture, device, description }: AdapterDescription) => ({
  adapter: [vendor, architecture, device].filter((word) => word !== '').join(' '),
  driver: description,
  thetagrad: packageVersion(),
  webgpu: webgpuVersion(),
})

/** `THETAGRAD_CACHE` names another folder than the system's for caches. */
export const cacheFolder = (): string => process.env.THETAGRAD_CACHE ?? envPaths('thetagrad', { suffix: '' }).cache

const fileOf = (folder: string, key: object): string => {
  const name = createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 16)
  return join(cacheFolder(), folder, `${name}.json`)
}

/** What is kept under a key. A file that is missing or no JSON is as good as none: it is found out anew. */
export const readCache = (folder: string, key: object): Readonly<Record<string, unknown>> => {
  try {
    return (JSON.parse(readFileSync(fileOf(folder, key), 'utf8')) ?? {}) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** Keeps it, beside its key. Where nothing can be written it is found out anew the next time. */
export const writeCache = (folder: string, key: object, value: object): void => {
  const file = fileOf(folder, key)
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileAtomic(file, `${JSON.stringify({ ...key, ...value }, null, 1)}\n`)
  } catch (cause) {
    log(`what was found out about the adapter cannot be kept (THETAGRAD_CACHE names another folder): ${cause}`)
  }
}
