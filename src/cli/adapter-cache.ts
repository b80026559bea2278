/** Where what was found out about an adapter is kept: a file for every adapter, driver and version, in the user's cache folder. */
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import envPaths from 'env-paths'
import type { AdapterDescription } from '../device/index.js'
import { packageVersion } from './package-file.js'

/** What the speed of a kernel depends on, beside its shape, and whether it works at all. */
export const adapterKey = ({ vendor, architecture, device, description }: AdapterDescription) => ({
  adapter: [vendor, architecture, device].filter((word) => word !== '').join(' '),
  driver: description,
  thetagrad: packageVersion(),
  webgpu: (createRequire(import.meta.url)('webgpu/package.json') as { version: string }).version,
})

/** `THETAGRAD_CACHE` names another folder than the system's for caches. */
export const cacheFile = (folder: string, key: object): string => {
  const name = createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 16)
  return join(process.env.THETAGRAD_CACHE ?? envPaths('thetagrad', { suffix: '' }).cache, folder, `${name}.json`)
}
