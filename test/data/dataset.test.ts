/** Dataset folders: the published layout, written whole or not at all, and what is said of broken ones. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Dataset, readSplit } from '../../src/data/dataset.js'
import { decodeNpy, encodeNpy } from '../../src/data/npy.js'
import type { DatasetSplit } from '../../src/data/split.js'
import { writeDataset } from '../../src/data/write.js'
import { showProblem } from '../../src/problem.js'

/** Two groups: one of two puzzles with one and two examples, one of one puzzle; three tokens an example. */
const split: DatasetSplit = {
  info: {
    pad_id: 0,
    ignore_label_id: 0,
    blank_identifier_id: 0,
    vocab_size: 6,
    seq_len: 3,
    num_puzzle_identifiers: 3,
    total_groups: 2,
    mean_puzzle_examples: 4 / 3,
    sets: ['all'],
  },
  inputs: Uint8Array.of(1, 2, 3, 1, 1, 1, 2, 2, 2, 3, 3, 3),
  labels: Uint8Array.of(5, 2, 3, 4, 4, 4, 5, 5, 5, 0, 3, 3),
  puzzleIdentifiers: Int32Array.of(1, 2, 1),
  puzzleIndices: Int32Array.of(0, 1, 3, 4),
  groupIndices: Int32Array.of(0, 2, 3),
}
const dataset: Dataset = { splits: { train: split, test: split }, identifiers: ['<blank>', 'a', 'b'] }

let folder: string
let out: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dataset-'))
  out = join(folder, 'sudoku')
})
afterEach(() => rmSync(folder, { recursive: true }))

const message = (result: E.Either<Parameters<typeof showProblem>[0], unknown>): string =>
  E.isLeft(result) ? showProblem(result.left) : 'no problem'

describe('a dataset folder', () => {
  it('has the files of the published layout, and is read back as it was', async () => {
    expect(await writeDataset(dataset, out)()).toEqual(E.right(undefined))
    const arrays = ['group_indices', 'inputs', 'labels', 'puzzle_identifiers', 'puzzle_indices']
    expect(readdirSync(out).sort()).toEqual(['identifiers.json', 'test', 'train'])
    expect(readdirSync(join(out, 'train')).sort()).toEqual([...arrays.map((a) => `all__${a}.npy`), 'dataset.json'])
    expect(JSON.parse(readFileSync(join(out, 'train', 'dataset.json'), 'utf8'))).toEqual(split.info)
    expect(JSON.parse(readFileSync(join(out, 'identifiers.json'), 'utf8'))).toEqual(dataset.identifiers)
    const inputs = decodeNpy(readFileSync(join(out, 'train', 'all__inputs.npy')), 'inputs')
    expect(inputs).toEqual(E.right({ shape: [4, 3], data: split.inputs }))
    expect(await readSplit(out, 'train')()).toEqual(E.right(split))
  })

  it('keeps the name of its set', async () => {
    const named = { ...split, info: { ...split.info, sets: ['concept'] } }
    await writeDataset({ ...dataset, splits: { train: named } }, out)()
    expect(existsSync(join(out, 'train', 'concept__inputs.npy'))).toBe(true)
    expect(await readSplit(out, 'train')()).toEqual(E.right(named))
  })

  it('may hold 64-bit integers, as the published builder writes them for augmented puzzles', async () => {
    await writeDataset(dataset, out)()
    const wide = { shape: [4, 3], data: BigInt64Array.from(split.inputs, BigInt) }
    writeFileSync(join(out, 'train', 'all__inputs.npy'), encodeNpy(wide))
    expect(await readSplit(out, 'train')()).toEqual(
      E.right({ ...split, inputs: Int32Array.from(split.inputs), wide: ['inputs'] }),
    )
  })

  it('replaces an older dataset, also where its name ends in a slash, and leaves nothing beside it', async () => {
    await writeDataset(dataset, out)()
    const other = { ...split, inputs: split.inputs.map((token) => 6 - token) }
    expect(message(await writeDataset({ ...dataset, splits: { train: other } }, `${out}/`)())).toBe('no problem')
    expect(readdirSync(folder)).toEqual(['sudoku'])
    expect(readdirSync(out).sort()).toEqual(['identifiers.json', 'train'])
    expect(await readSplit(out, 'train')()).toEqual(E.right(other))
  })

  it('does not replace a folder with other things in it, nor a file', async () => {
    mkdirSync(out)
    writeFileSync(join(out, 'thesis.tex'), 'years of work')
    writeFileSync(join(out, 'identifiers.json'), '[]')
    expect(message(await writeDataset(dataset, out)())).toMatch(/sudoku: the folder holds something that is no dataset/)
    expect(readFileSync(join(out, 'thesis.tex'), 'utf8')).toBe('years of work')

    await writeDataset(dataset, join(folder, 'second'))()
    writeFileSync(join(folder, 'second', 'notes.txt'), 'mine')
    expect(message(await writeDataset(dataset, join(folder, 'second'))())).toMatch(/no dataset\n.*notes\.txt\n.*--out/)
    expect(message(await writeDataset(dataset, join(out, 'thesis.tex'))())).toMatch(/thesis\.tex: .*no dataset/)
  })

  it('is not begun where it cannot be put', async () => {
    writeFileSync(join(folder, 'file'), '')
    const result = await writeDataset(dataset, join(folder, 'file', 'sudoku'))()
    expect(message(result)).toMatch(/the dataset could not be written/)
    expect(readdirSync(folder)).toEqual(['file'])
  })
})

describe('reading a broken dataset folder', () => {
  /** Writes a good folder, breaks something, reads it. */
  const afterBreaking = async (breakIt: (train: string) => void): Promise<string> => {
    await writeDataset(dataset, out)()
    breakIt(join(out, 'train'))
    return message(await readSplit(out, 'train')())
  }
  const withArray = (name: string, data: Int32Array | Float32Array, shape: readonly number[] = [data.length]) =>
    afterBreaking((train) => writeFileSync(join(train, `all__${name}.npy`), encodeNpy({ shape, data })))
  const withInfo = (changes: Readonly<Record<string, unknown>>) =>
    afterBreaking((train) => writeFileSync(join(train, 'dataset.json'), JSON.stringify({ ...split.info, ...changes })))

  it('says which folder is missing and how to make one', async () => {
    expect(message(await readSplit(out, 'train')())).toMatch(
      /sudoku: there is no such dataset folder\n.*thetagrad data/,
    )
  })

  it('says which file is missing, cut off, or no JSON', async () => {
    expect(await afterBreaking((train) => rmSync(join(train, 'all__labels.npy')))).toMatch(/labels\.npy: .*missing/)
    expect(await afterBreaking((train) => truncateSync(join(train, 'all__labels.npy'), 130))).toMatch(
      /labels\.npy: .*cut off\n.*12 bytes of data, it has 2/,
    )
    expect(await afterBreaking((train) => truncateSync(join(train, 'dataset.json'), 20))).toMatch(
      /dataset\.json: this is no JSON/,
    )
  })

  it('says which field of dataset.json is wrong', async () => {
    expect(await withInfo({ seq_len: 0 })).toMatch(/dataset\.json: seq_len is 0/)
    expect(await withInfo({ pad_id: 'none' })).toMatch(/pad_id is "none"/)
    expect(await withInfo({ vocab_size: undefined })).toMatch(/vocab_size is undefined/)
    expect(await withInfo({ width: 2 })).toMatch(/width is 2/)
    expect(await withInfo({ sets: ['all', 'concept'] })).toMatch(/sets is \["all","concept"\], expected one set/)
  })

  it('takes an absent ignore id as null: every label counts', async () => {
    await writeDataset(dataset, out)()
    const { ignore_label_id: _, ...rest } = split.info
    writeFileSync(join(out, 'train', 'dataset.json'), JSON.stringify(rest))
    expect(await readSplit(out, 'train')()).toEqual(E.right({ ...split, info: { ...rest, ignore_label_id: null } }))
  })

  it('says which array does not fit, and how', async () => {
    const tokens = Int32Array.from(split.inputs)
    expect(await withArray('inputs', tokens, [3, 4])).toMatch(/inputs\.npy: its shape is \[3,4\], expected \[3, 3\]/)
    expect(await withArray('labels', tokens.subarray(3), [3, 3])).toMatch(/labels.*\[3,3\], expected \[4, 3\]/)
    expect(await withArray('inputs', tokens.with(7, 6), [4, 3])).toMatch(
      /inputs\.npy: entry 7 is 6, expected 0 to 5 \(vocab_size is 6\)/,
    )
    expect(await withArray('inputs', Float32Array.from(tokens), [4, 3])).toMatch(/inputs\.npy: it holds float32/)
    expect(await withArray('puzzle_identifiers', Int32Array.of(1, 3, 1))).toMatch(/entry 1 is 3, expected 0 to 2/)
    expect(await withArray('puzzle_indices', Int32Array.of(0, 1, 4))).toMatch(/it has 3 entries, expected 4/)
    expect(await withArray('puzzle_indices', Int32Array.of(0, 1, 3, 5))).toMatch(/0 to 5, expected 0 to the 4 examples/)
    expect(await withArray('puzzle_indices', Int32Array.of(0, 3, 1, 4))).toMatch(/entry 2 is 1, no more than the one/)
    expect(await withArray('group_indices', Int32Array.of(0, 2, 2))).toMatch(/0 to 2, expected 0 to the 3 puzzles/)
  })
})
