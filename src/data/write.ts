/**
 * Dataset folders written: of a dataset in memory, or of a stream (`source.ts`) group by group, in little memory. The bytes
 * are those of NumPy and of Python's json, as the published builders leave them.
 */
import { type FileHandle, mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type Problem, problem } from '../problem.js'
import { type Dataset, FIELDS } from './dataset.js'
import { encodeNpy, npyHeader } from './npy.js'
import { pythonJson } from './python-json.js'
import { replaceFolder } from './replace-folder.js'
import { BLANK, type DatasetSource, emptyLedger, enter, indicesOf, infoOf, splitNames } from './source.js'
import { type DatasetInfo, type DatasetSplit, exampleCount } from './split.js'

const writeInfo = (folder: string, info: DatasetInfo): Promise<void> =>
  writeFile(join(folder, 'dataset.json'), pythonJson(info, ['mean_puzzle_examples']))

/** Writes the folder whole or not at all. Replaces an older dataset, never anything else. */
export const writeDataset =
  (dataset: Dataset, path: string): TaskEither<Problem, void> =>
  () =>
    replaceFolder(path, async (building) => {
      for (const [name, split] of Object.entries(dataset.splits)) {
        const folder = join(building, name)
        await mkdir(folder)
        await writeInfo(folder, split.info)
        for (const [file, key] of FIELDS)
          await writeFile(join(folder, `${split.info.sets[0]}__${file}.npy`), encodeNpy(arrayOf(split, key)))
      }
      await writeFile(join(building, 'identifiers.json'), pythonJson(dataset.identifiers))
      if (dataset.testPuzzles !== undefined)
        await writeFile(join(building, 'test_puzzles.json'), pythonJson(dataset.testPuzzles))
      return E.right(undefined)
    })

const arrayOf = (split: DatasetSplit, key: (typeof FIELDS)[number][1]) => {
  if (key !== 'inputs' && key !== 'labels') return { shape: [split[key].length], data: split[key] }
  const data = split.wide?.includes(key) ? BigInt64Array.from(split[key], BigInt) : split[key]
  return { shape: [exampleCount(split), split.info.seq_len], data }
}

export interface WriteOptions {
  /** Aborted: the folder is left as it was. */
  readonly signal?: AbortSignal
  /** After every group: how many of how many are done. */
  readonly onProgress?: (done: number, count: number) => void
  /** What ARC's evaluation needs to know of held-out tasks. */
  readonly testPuzzles?: unknown
}

export interface Written {
  readonly identifiers: number
  readonly train: DatasetInfo & { readonly examples: number }
  readonly test: DatasetInfo & { readonly examples: number }
}

/** Writes a stream while it is made, as `writeDataset` would write all of it. */
export const writeSource =
  (source: DatasetSource, path: string, options: WriteOptions = {}): TaskEither<Problem, Written> =>
  () =>
    replaceFolder(path, (building) => within((opened) => streamed(source, building, options, opened)))

type Open = (file: string) => Promise<FileHandle>

/** Closes every file that was opened, however it ends. */
const within = async <A>(work: (opened: Open) => Promise<A>): Promise<A> => {
  const handles: FileHandle[] = []
  try {
    return await work(async (file) => {
      const handle = await open(file, 'w')
      handles.push(handle)
      return handle
    })
  } finally {
    for (const handle of handles) await handle.close()
  }
}

const streamed = async (
  source: DatasetSource,
  building: string,
  { signal, onProgress, testPuzzles }: WriteOptions,
  opened: Open,
): Promise<E.Either<Problem, Written>> => {
  const { sequence } = source
  const file = (name: string) => opened(join(building, name))
  const part = async (name: string) => {
    await mkdir(join(building, name))
    const array = async (field: string) => tokenFile(await file(join(name, `all__${field}.npy`)), sequence)
    return { ledger: emptyLedger(), inputs: await array('inputs'), labels: await array('labels') }
  }
  const parts = { train: await part('train'), test: await part('test') }
  const names = gathering(await file('identifiers.json'))
  await names.append(Buffer.from(`["${BLANK}"`))
  let [identifiers, done] = [1, 0]
  for (const group of source.groups) {
    if (signal?.aborted)
      return E.left(
        problem('stopped before the dataset was whole', {
          why: `${done} of ${source.count} groups; nothing is left of them`,
          fix: 'run it again',
        }),
      )
    for (const split of splitNames) {
      const rows = group[split]
      if (rows === undefined) continue
      enter(parts[split].ledger, rows, sequence, group.names && identifiers)
      await parts[split].inputs.append(rows.inputs)
      await parts[split].labels.append(rows.labels)
    }
    for (const name of group.names ?? []) await names.append(Buffer.from(`, ${pythonJson(name)}`))
    identifiers += group.names?.length ?? 0
    onProgress?.(++done, source.count)
  }
  await names.append(Buffer.from(']'))
  await names.flush()
  if (testPuzzles !== undefined) await (await file('test_puzzles.json')).writeFile(pythonJson(testPuzzles))
  const finish = async (name: 'train' | 'test') => {
    const { ledger, inputs, labels } = parts[name]
    await inputs.finish(ledger.examples)
    await labels.finish(ledger.examples)
    const info = infoOf(ledger, source, identifiers)
    await writeInfo(join(building, name), info)
    const indices = indicesOf(ledger)
    for (const [field, key] of FIELDS) {
      if (key === 'inputs' || key === 'labels') continue
      const data = indices[key]
      await writeFile(join(building, name, `all__${field}.npy`), encodeNpy({ shape: [data.length], data }))
    }
    return { ...info, examples: ledger.examples }
  }
  return E.right({ identifiers, train: await finish('train'), test: await finish('test') })
}

/** Bytes before they are written: a disk wants them by the megabyte. */
const GATHERED = 1 << 20

/** A file that small pieces are appended to. */
const gathering = (handle: FileHandle) => {
  const buffer = Buffer.alloc(GATHERED)
  let held = 0
  const flush = async (): Promise<void> => {
    await handle.appendFile(buffer.subarray(0, held))
    held = 0
  }
  const append = async (bytes: Uint8Array): Promise<void> => {
    if (held + bytes.length > GATHERED) await flush()
    if (bytes.length > GATHERED) return await handle.appendFile(bytes)
    buffer.set(bytes, held)
    held += bytes.length
  }
  return { append, flush }
}

/** An array [rows, S] of bytes whose rows come one after the other; how many there are stands in its header at the end. */
const tokenFile = async (handle: FileHandle, sequence: number) => {
  // However many rows: the header is 128 bytes long.
  const header = (rows: number) => npyHeader('|u1', [rows, sequence])
  const { append, flush } = gathering(handle)
  await append(header(0))
  return {
    append,
    finish: async (rows: number): Promise<void> => {
      await flush()
      await handle.write(header(rows), 0, header(rows).length, 0)
    },
  }
}
