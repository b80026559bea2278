/** Files that come with this package, and versions. */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** Where one is, by its path from the package's root: higher or lower, depending on whether this code was built. */
export const packageFile = (path: string): URL | undefined =>
  ['../../', '../../../'].map((root) => new URL(`${root}${path}`, import.meta.url)).find(existsSync)

export const packageVersion = (): string => {
  const found = packageFile('package.json')
  return found === undefined ? 'unknown' : (JSON.parse(readFileSync(found, 'utf8')) as { version: string }).version
}

/** Of the npm package `webgpu`, which brings Dawn. */
export const webgpuVersion = (): string =>
  (createRequire(import.meta.url)('webgpu/package.json') as { version: string }).version
