/** Texts read as files are. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { Problem } from '../../src/problem.js'

/** Lets `read` have a file of that name and text; problems name it without its folder. */
export const readText = async <A>(
  text: string,
  name: string,
  read: (file: string) => TaskEither<Problem, A>,
): Promise<E.Either<Problem, A>> => {
  const folder = mkdtempSync(join(tmpdir(), 'thetagrad-text-'))
  try {
    writeFileSync(join(folder, name), text)
    const result = await read(join(folder, name))()
    return E.mapLeft((p: Problem) => JSON.parse(JSON.stringify(p).replaceAll(join(folder, '/'), '')) as Problem)(result)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
