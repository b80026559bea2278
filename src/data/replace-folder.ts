/** A dataset folder is written whole or not at all: built beside its place and moved there. */
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { type Problem, problem } from '../problem.js'

/** What a dataset folder may hold; anything else beside these is somebody's and must not be replaced. */
const OWN_ENTRIES = ['train', 'test', 'identifiers.json', 'test_puzzles.json', '.DS_Store']

/** Why a folder must not be replaced, if it must not: only an empty or a dataset folder may be. */
const foreignEntry = async (folder: string): Promise<string | undefined> => {
  if (!existsSync(folder)) return undefined
  try {
    const entries = await readdir(folder)
    const isDataset = entries.some((name) => existsSync(join(folder, name, 'dataset.json')))
    return entries.find((name) => !(isDataset && OWN_ENTRIES.includes(name)))
  } catch (cause) {
    return String(cause)
  }
}

/** Whether a dataset may be put there; worth asking before minutes of work. */
export const mayReplace = async (path: string): Promise<E.Either<Problem, void>> => {
  const foreign = await foreignEntry(resolve(path))
  return foreign === undefined
    ? E.right(undefined)
    : E.left(
        problem('the folder holds something that is no dataset', {
          where: path,
          why: foreign,
          fix: 'choose another --out folder',
        }),
      )
}

/** What a process left behind that was killed: half a dataset is removed, one that was to be replaced put back. */
const mend = async (folder: string): Promise<void> => {
  const [within, name] = [dirname(folder), basename(folder)]
  if (!existsSync(within)) return
  for (const entry of await readdir(within)) {
    const [, state, owner] = /^\.(building|replaced)-(\d+)$/.exec(entry.slice(name.length)) ?? []
    if (!entry.startsWith(name) || state === undefined || isAlive(Number(owner))) continue
    const left = join(within, entry)
    if (state === 'replaced' && !existsSync(folder)) await rename(left, folder)
    else await rm(left, { recursive: true, force: true })
  }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (cause) {
    // One that is another user's may not be asked.
    return (cause as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * Lets `build` fill a new folder and puts that in the place of an older dataset, never of anything else. Whatever `build`
 * throws, or a problem it returns, leaves the place as it was.
 */
export const replaceFolder = async <A>(
  path: string,
  build: (folder: string) => Promise<E.Either<Problem, A>>,
): Promise<E.Either<Problem, A>> => {
  const may = await mayReplace(path)
  if (E.isLeft(may)) return may
  // Without a slash at the end, so that what is beside it is not in it.
  const folder = resolve(path)
  const building = `${folder}.building-${process.pid}`
  const replaced = `${folder}.replaced-${process.pid}`
  // Where nothing could be written there may be nothing to remove either.
  const undo = () => rm(building, { recursive: true, force: true }).catch(() => {})
  try {
    await mend(folder)
    await rm(building, { recursive: true, force: true })
    await mkdir(building, { recursive: true })
    const built = await build(building)
    if (E.isLeft(built)) {
      await undo()
      return built
    }
    if (existsSync(folder)) await rename(folder, replaced)
    await rename(building, folder)
    await rm(replaced, { recursive: true, force: true })
    return built
  } catch (cause) {
    await undo()
    if (existsSync(replaced) && !existsSync(folder)) await rename(replaced, folder)
    return E.left(problem('the dataset could not be written', { where: path, why: String(cause) }))
  }
}
