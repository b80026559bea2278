/** Files that come with this package. */
import { existsSync } from 'node:fs'

/** Where one is, by its path from the package's root: higher or lower, depending on whether this code was built. */
export const packageFile = (path: string): URL | undefined =>
  ['../../', '../../../'].map((root) => new URL(`${root}${path}`, import.meta.url)).find(existsSync)
