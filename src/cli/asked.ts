/** A folder of several runs remembers what was asked for: started again it goes on, and never mixes runs of two requests. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { sync as writeFileAtomic } from 'write-file-atomic'
import { type Problem, problem } from '../problem.js'

/** Keeps `asked` in a file of the folder, which is made; a problem where another request is kept there. */
export const keepAsked = (
  folder: string,
  file: string,
  asked: unknown,
  /** E.g. `a comparison with another budget`. */
  other: string,
): E.Either<Problem, void> => {
  const path = join(folder, file)
  const text = `${JSON.stringify(asked, null, 2)}\n`
  if (existsSync(path))
    return readFileSync(path, 'utf8') === text
      ? E.right(undefined)
      : E.left(problem(`the folder holds ${other}`, { where: path, fix: 'choose another --out, or ask for the same' }))
  return E.tryCatch(
    () => {
      mkdirSync(folder, { recursive: true })
      writeFileAtomic(path, text)
    },
    (cause) => problem('the folder cannot be made', { where: folder, why: String(cause) }),
  )
}
