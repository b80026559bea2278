/** Files that come with this package. */
import { existsSync, readFileSync } from 'node:fs'

/** Where one is, by its path from the package's root: higher or lower, depending on whether this code was built. */
export const packageFile = (path: string): URL | undefined =>
  ['../../', '../../../'].map((root) => new URL(`${root}${path}`, import.meta.url)).find(existsSync)

export const packageVersion = (): string => {
  const found = packageFile('package.json')
  return found === undefined ? 'unknown' : (JSON.parse(readFileSync(found, 'utf8')) as { version: string }).version
}
