/** A split whose tokens stay on the disk: batches and problems are those of the same split in memory. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  arcSource,
  collect,
  evaluationBatches,
  openRows,
  readSplit,
  trainingBatches,
  writeDataset,
} from '../../src/data/index.js'
import { encodeNpy } from '../../src/data/npy.js'
import { right } from '../support/outcomes.js'

let folder: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stored-'))
  const task = (name: string, colour: number) => {
    const pair = (n: number) => ({ input: [[n, 0]], output: [[0], [n]] })
    return { name, train: [pair(colour), pair(colour + 1)], test: [pair(colour + 2)] }
  }
  const source = arcSource([task('a', 1)], [task('b', 4)], { size: 6, augmentations: 30, seed: 1 })
  right(await writeDataset(collect(source), folder)())
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Every split, however small, is left on the disk. */
const stored = async () => right(await openRows(folder, 'train', 0)())
const file = (name: string) => join(folder, 'train', `all__${name}.npy`)

const areAlike = async (): Promise<void> => {
  const [there, here] = [await stored(), right(await readSplit(folder, 'train')())]
  expect(there.inputs).not.toBeInstanceOf(Uint8Array)
  const [a, b] = [there, here].map((split) => trainingBatches(split, 8, 3, 5))
  for (let i = 0; i < 20; i++) expect(a!.next()).toEqual(b!.next())
  expect([...evaluationBatches(there, 16)]).toEqual([...evaluationBatches(here, 16)])
}

it('gives the batches of the split in memory, resumed and in order', areAlike)

it('also where the published builder left 64-bit integers, or 32-bit ones', async () => {
  const { inputs, labels, info } = right(await readSplit(folder, 'train')())
  const shape = [inputs.length / info.seq_len, info.seq_len]
  writeFileSync(file('inputs'), encodeNpy({ shape, data: BigInt64Array.from(inputs, BigInt) }))
  writeFileSync(file('labels'), encodeNpy({ shape, data: Int32Array.from(labels) }))
  expect((await stored()).wide).toEqual(['inputs'])
  await areAlike()
})

it('is held in memory where it is small', async () => {
  expect(right(await openRows(folder, 'train')()).inputs).toBeInstanceOf(Uint8Array)
})

it('is refused for the same reasons', async () => {
  const alike = async (): Promise<string> => {
    const [there, here] = [await openRows(folder, 'train', 0)(), await readSplit(folder, 'train')()]
    expect(there).toEqual(here)
    return E.isLeft(there) ? there.left.what : 'no problem'
  }
  const { inputs, info } = right(await readSplit(folder, 'train')())
  const shape = [inputs.length / info.seq_len, info.seq_len]
  writeFileSync(file('inputs'), encodeNpy({ shape, data: Uint8Array.from(inputs).fill(12, 700, 701) }))
  expect(await alike()).toBe('entry 700 is 12, expected 0 to 11 (vocab_size is 12)')
  writeFileSync(file('inputs'), encodeNpy({ shape, data: Float32Array.from(inputs) }))
  expect(await alike()).toBe('it holds float32, expected whole numbers')
  writeFileSync(file('inputs'), encodeNpy({ shape: [inputs.length], data: Uint8Array.from(inputs) }))
  expect(await alike()).toMatch(/^its shape is/)
  truncateSync(file('inputs'), 500)
  expect(await alike()).toBe('the .npy file is cut off')
  rmSync(file('inputs'))
  expect(await alike()).toBe('a file of the dataset is missing')
})
