/**
 * The two compilers our users have, as commands: TypeScript 5.9, on which the library itself stands, and the native
 * TypeScript 7. Both packages bring a command `tsc`, and which of the two npm links depends on the order of
 * installation: so they are called by their path.
 */
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)
const tsc = (manifest: string): string => join(dirname(manifest), 'bin', 'tsc')

export type Compiler = 'native' | '5.9'
const commands: Readonly<Record<Compiler, string>> = {
  native: tsc(require.resolve('typescript-native/package.json')),
  '5.9': tsc(require.resolve('typescript/package.json')),
}

/** What the compiler prints, in a process of its own; errors in the program are no failure of the compiler. */
export const compile = (compiler: Compiler, args: readonly string[], folder?: string): string => {
  const { error, signal, stdout, stderr } = spawnSync(process.execPath, [commands[compiler], ...args], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  if (error !== undefined || signal !== null || stderr !== '')
    throw new Error(`${compiler} tsc ${args.join(' ')}: ${error?.message ?? signal ?? stderr}`)
  return stdout
}

export const versionOf = (compiler: Compiler): string => compile(compiler, ['--version']).trim().replace('Version ', '')
