/** `thetagrad new NAME`: a commented starting file for a variant of one's own, which type-checks and trains as it stands. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { sync as writeFileAtomic } from 'write-file-atomic'
import { problem } from '../problem.js'
import { packageFile } from './package-file.js'
import { failed, listed, type Outcome } from './result.js'

export const newCommand = async (given: string): Promise<Outcome> => {
  const path = given.endsWith('.ts') ? given : `${given}.ts`
  const name = basename(path, '.ts')
  if (!/^[A-Za-z][\w-]*$/.test(name))
    return failed(
      problem(`"${name}" cannot name a model`, { fix: 'begin with a letter; go on with letters, digits, - and _' }),
    )
  if (existsSync(path)) return failed(problem('the file is there already', { where: path, fix: 'choose another name' }))
  const written = E.tryCatch(
    () => {
      mkdirSync(dirname(path), { recursive: true })
      writeFileAtomic(path, startingFile(name, path))
    },
    (cause) => problem('the file cannot be written', { where: path, why: String(cause) }),
  )
  return E.isLeft(written)
    ? listed(written)
    : E.right({ text: `${path}\nnext: npx thetagrad check ${path}`, json: { file: path, name } })
}

/** The example that it is made of. */
const EXAMPLE = 'starting-point'

/** `examples/starting-point.ts` under another name, its commands with the path that was given. */
export const startingFile = (name: string, path: string): string =>
  readFileSync(packageFile(`examples/${EXAMPLE}.ts`)!, 'utf8')
    .replaceAll(`${EXAMPLE}.ts`, path)
    .replaceAll(EXAMPLE, name)
