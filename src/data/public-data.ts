/**
 * Where the public copies of the benchmarks lie, each at a commit, with its digest. Those of the CSV files are of the files
 * at that commit; those of ARC are of the tasks, because an archive's bytes are made anew by the server.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { parseTar } from 'nanotar'
import { type Problem, problem } from '../problem.js'
import { type ArcTask, readArcTasks } from './arc-files.js'
import { type DownloadOptions, download } from './download.js'

/** Servers; others may hold the same files (`HF_ENDPOINT`): the digests are checked. */
export interface Origins {
  readonly huggingFace: string
  readonly gitHub: string
}
export const origins: Origins = { huggingFace: 'https://huggingface.co', gitHub: 'https://github.com' }

/** A data set of `train.csv` and `test.csv`. */
export interface PublicTable {
  readonly name: string
  /** On Hugging Face. */
  readonly dataset: string
  readonly commit: string
  readonly sha256: Readonly<Record<'train' | 'test', string>>
}

export const publicTables = {
  sudoku: {
    name: 'Sudoku-Extreme',
    dataset: 'sapientinc/sudoku-extreme',
    commit: '58942f96baeb572ca3127e2a9e9c70f330783d6b',
    sha256: {
      train: '64b46674db0148e0d73a16346dadeb2b1c00824d3fca3f85b2ae7037f6b4b38e',
      test: 'a2fd52aea23d331d5b4ee723c856236e838a9fb9a70e66f4e0e0cf26c338c6a8',
    },
  },
  maze: {
    name: 'Maze-Hard',
    dataset: 'sapientinc/maze-30x30-hard-1k',
    commit: '549754de3d67eebe57b6b22c7d226b9412d55b07',
    sha256: {
      train: '25f9e39b5aee16967da41ba63b2d1d75cf608c2360d8a1419d827f9859dbafa0',
      test: '5120d52088fb3f8036e62e90103808a79ba58847d8601f9451f40991b0903a62',
    },
  },
} as const satisfies Readonly<Record<string, PublicTable>>

/** A repository of ARC tasks on GitHub. */
export interface PublicArc {
  readonly repository: string
  readonly commit: string
  /** Folders of tasks to train on whole, and of those whose test pairs are held out. */
  readonly train: readonly string[]
  readonly test: readonly string[]
  readonly tasks: number
  /** Of the tasks, whatever their files look like: `digestOf`. */
  readonly digest: string
}

export const publicArc = {
  'arc-agi-1': {
    repository: 'fchollet/ARC-AGI',
    commit: '399030444e0ab0cc8b4e199870fb20b863846f34',
    train: ['data/training'],
    test: ['data/evaluation'],
    tasks: 800,
    digest: '93381da31905139cdff280a1b553bd7e9fa9e354554aed9e3b52a28e17461acd',
  },
  'arc-agi-2': {
    repository: 'arcprize/ARC-AGI-2',
    commit: 'f3283f727488ad98fe575ea6a5ac981e4a188e49',
    train: ['data/training'],
    test: ['data/evaluation'],
    tasks: 1120,
    digest: 'c9cdff116a438da6609c8dfaecc477a26b15153dea4176db34e73520aa3413af',
  },
  conceptarc: {
    repository: 'victorvikram/ConceptARC',
    commit: '0e67da6af879e4bad3d7cd3c196e8d551b445725',
    train: ['corpus'],
    test: [],
    tasks: 160,
    digest: '5bcbb6807260489744982dbc9deb50d1209a286d52cda52cc271703ac9119eae',
  },
} as const satisfies Readonly<Record<string, PublicArc>>
export type PublicArcName = keyof typeof publicArc

export interface FetchOptions extends DownloadOptions {
  readonly cache: string
  readonly origins: Origins
  /** Before each file. */
  readonly onFile?: (url: string) => void
}

const short = (commit: string): string => commit.slice(0, 8)

/** Both files of a data set, in the cache. */
export const fetchTable =
  (
    { dataset, commit, sha256 }: PublicTable,
    options: FetchOptions,
  ): TaskEither<Problem, Record<'train' | 'test', string>> =>
  async () => {
    const folder = join(options.cache, `${dataset.replace('/', '--')}-${short(commit)}`)
    const paths = { train: join(folder, 'train.csv'), test: join(folder, 'test.csv') }
    for (const split of ['train', 'test'] as const) {
      const url = `${options.origins.huggingFace}/datasets/${dataset}/resolve/${commit}/${split}.csv`
      options.onFile?.(url)
      const byHand = `fetch it by hand (curl -LO ${url}) and give it with --${split} instead of --download`
      const fetched = await download({ url, sha256: sha256[split] }, paths[split], { ...options, byHand })()
      if (E.isLeft(fetched)) return fetched
    }
    return E.right(paths)
  }

/** Folders of tasks, in the cache. */
export const fetchArc =
  (set: PublicArc, options: FetchOptions): TaskEither<Problem, Record<'train' | 'test', readonly string[]>> =>
  async () => {
    const { repository, commit } = set
    const folder = join(options.cache, `${repository.replace('/', '--')}-${short(commit)}`)
    const parts = [...set.train, ...set.test]
    const within = (part: string): string => join(folder, part)
    if (!existsSync(folder)) {
      const url = `${options.origins.gitHub}/${repository}/archive/${commit}.tar.gz`
      options.onFile?.(url)
      const archive = `${folder}.tar.gz`
      const byHand = `fetch it by hand (curl -L ${url} | tar xz) and give its folders with --train and --test instead of --download`
      const fetched = await download({ url }, archive, { ...options, byHand })()
      if (E.isLeft(fetched)) return fetched
      const unpacked = await unpack(archive, parts, folder)
      if (E.isLeft(unpacked)) return unpacked
    }
    const checked = checkTasks(set, parts, folder)
    if (E.isLeft(checked)) {
      // So that the next try fetches it again.
      await rm(folder, { recursive: true, force: true })
      await rm(`${folder}.tar.gz`, { force: true })
      return checked
    }
    return E.right({ train: set.train.map(within), test: set.test.map(within) })
  }

/** Writes the task files of some folders of a repository's archive, all of them or none. */
const unpack = async (archive: string, parts: readonly string[], folder: string): Promise<E.Either<Problem, void>> => {
  const unpacking = `${folder}.unpacking-${process.pid}`
  try {
    const files = parseTar(Uint8Array.from(gunzipSync(await readFile(archive))))
    for (const { name, type, data } of files) {
      // Below the one folder that an archive has; a name of the archive is a path only where it looks like one of a task.
      const path = /^[^/]+\/((?:[\w-]+\/)+[\w-]+\.json)$/.exec(name)?.[1]
      if (path === undefined || type !== 'file' || data === undefined) continue
      if (!parts.some((part) => path.startsWith(`${part}/`))) continue
      await mkdir(join(unpacking, dirname(path)), { recursive: true })
      await writeFile(join(unpacking, path), data)
    }
    if (!existsSync(unpacking)) return E.left(problem('the archive holds no tasks', { where: archive }))
    await rename(unpacking, folder)
    return E.right(undefined)
  } catch (cause) {
    await rm(unpacking, { recursive: true, force: true })
    return E.left(
      problem('the archive cannot be unpacked', { where: archive, why: String(cause), fix: 'remove it, run it again' }),
    )
  }
}

/** Whether the tasks are those that are known: their number, and their digest. */
const checkTasks = (set: PublicArc, parts: readonly string[], folder: string): E.Either<Problem, void> => {
  const tasks: (readonly [string, ArcTask])[] = []
  for (const part of parts) {
    const read = readArcTasks(join(folder, part))
    if (E.isLeft(read)) return read
    for (const task of read.right) tasks.push([part, task])
  }
  const digest = digestOf(tasks)
  if (tasks.length === set.tasks && digest === set.digest) return E.right(undefined)
  return E.left(
    problem(`the tasks of ${set.repository} are not those that are known of ${short(set.commit)}`, {
      where: folder,
      why: `${tasks.length} tasks, expected ${set.tasks}; their digest is ${digest}, expected ${set.digest}`,
      fix: 'run it again; or fetch them by hand and give their folders with --train and --test, which are not compared',
    }),
  )
}

/** SHA-256 of tasks in the order of their places: grids alone, so that spaces and other fields do not count. */
const digestOf = (tasks: readonly (readonly [part: string, task: ArcTask])[]): string => {
  const grids = (examples: ArcTask['train']) => examples.map(({ input, output }) => [input, output])
  const lines = tasks.map(([part, t]) => `${part}/${t.name} ${JSON.stringify([grids(t.train), grids(t.test)])}\n`)
  return createHash('sha256').update(lines.sort().join('')).digest('hex')
}
