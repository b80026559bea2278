/** Folders written as a stream and at once, byte for byte as the published builders leave them. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  arcSource,
  augment,
  collect,
  type DatasetSource,
  geometryOfSide,
  readDataset,
  readIdentifiers,
  readPuzzles,
  sudokuSource,
  writeDataset,
  writeSource,
} from '../../src/data/index.js'
import { encodeNpy } from '../../src/data/npy.js'
import { pythonJson } from '../../src/data/python-json.js'
import { right } from '../support/outcomes.js'
import { readText } from '../support/text-files.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'write-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Every file of a folder with its bytes. */
const filesOf = (path: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(path, { recursive: true, withFileTypes: true, encoding: 'utf8' })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [file.slice(path.length + 1), readFileSync(file, 'latin1')]),
  )

const four = geometryOfSide(4)!
const { puzzles } = right(
  await readText(
    'source,question,answer,rating\na,.234341221434321,1234341221434321,0\nb,4321214334121.34,4321214334121234,0\n',
    'two.csv',
    readPuzzles,
  ),
)
const sudoku = (): DatasetSource => sudokuSource(four, augment(four, puzzles, 50, 1), [puzzles])
const task = (name: string, colour: number) => {
  const pair = (n: number) => ({ input: [[n, 0]], output: [[0], [n]] })
  return { name, train: [pair(colour), pair(colour + 1)], test: [pair(colour + 2)] }
}
const arc = (): DatasetSource => arcSource([task('één', 1)], [task('b', 4)], { size: 6, augmentations: 20, seed: 1 })

describe('a stream', () => {
  it.each([
    ['Sudoku', sudoku],
    ['ARC', arc],
  ])(
    'of %s is written byte for byte like the dataset in memory, and the same when written again',
    async (_, source) => {
      right(await writeDataset(collect(source()), join(folder, 'memory'))())
      const seen: string[] = []
      const onProgress = (done: number, count: number) => seen.push(`${done}/${count}`)
      const written = right(await writeSource(source(), join(folder, 'stream'), { onProgress })())
      right(await writeSource(source(), join(folder, 'again'))())
      const expected = filesOf(join(folder, 'memory'))
      expect(Object.keys(expected).length).toBe(13)
      expect(filesOf(join(folder, 'stream'))).toEqual(expected)
      expect(filesOf(join(folder, 'again'))).toEqual(expected)
      expect(seen.at(-1)).toBe(`${source().count}/${source().count}`)
      const dataset = right(await readDataset(join(folder, 'stream'))())
      expect(dataset).toEqual(collect(source()))
      expect(written.identifiers).toBe(dataset.identifiers.length)
      expect(written.train.examples).toBe(dataset.splits.train!.inputs.length / dataset.splits.train!.info.seq_len)
    },
  )

  it('that is stopped, or breaks, leaves an older dataset as it was and nothing beside it', async () => {
    const out = join(folder, 'data')
    right(await writeSource(sudoku(), out)())
    const before = filesOf(out)
    const controller = new AbortController()
    const onProgress = (done: number) => done === 2 && controller.abort()
    const stopped = await writeSource(arc(), out, { signal: AbortSignal.abort() })()
    expect(E.isLeft(stopped) && [stopped.left.what, stopped.left.why]).toEqual([
      'stopped before the dataset was whole',
      '0 of 2 groups; nothing is left of them',
    ])
    expect(E.isLeft(await writeSource(sudoku(), out, { signal: controller.signal, onProgress })())).toBe(true)
    const groups = {
      [Symbol.iterator]: (): Iterator<never> => {
        throw new Error('out of puzzles')
      },
    }
    const broken = await writeSource({ ...sudoku(), groups }, out)()
    expect(E.isLeft(broken) && broken.left.why).toContain('out of puzzles')
    expect(filesOf(out)).toEqual(before)
    expect(readdirSync(folder)).toEqual(['data'])
  })

  it('may be longer than what is gathered before it is written', async () => {
    const many = () =>
      sudokuSource(
        four,
        augment(four, puzzles, 70_000, 1),
        puzzles.map((p) => [p]),
      )
    right(await writeSource(many(), join(folder, 'many'))())
    const [read, made] = [right(await readDataset(join(folder, 'many'))()), collect(many())].map((d) => d.splits.train!)
    for (const key of ['inputs', 'labels', 'puzzleIndices'] as const)
      expect(Buffer.from(read![key].buffer).equals(Buffer.from(made![key].buffer)), key).toBe(true)
  })
})

/** What the published builders write, in the words of Python's json and of NumPy. */
const published = (path: string): void => {
  const ids = ['<blank>', 'a', 'a_t3_0832597416', 'é']
  const puzzle = '{"a": {"train": [{"input": [[1, 0]], "output": [[2]]}], "test": [{"input": [[3]], "output": [[4]]}]}}'
  mkdirSync(path)
  writeFileSync(join(path, 'identifiers.json'), `["<blank>", "a", "a_t3_0832597416", "\\u00e9"]`)
  writeFileSync(join(path, 'test_puzzles.json'), puzzle)
  for (const [split, mean, wide] of [
    ['train', '1.3333333333333333', true],
    ['test', '1.0', false],
  ] as const) {
    mkdirSync(join(path, split))
    const rows = mean === '1.0' ? 3 : 4
    const info = `{"pad_id": 0, "ignore_label_id": ${wide ? 0 : 'null'}, "blank_identifier_id": 0, "vocab_size": 12, "seq_len": 2, "num_puzzle_identifiers": ${ids.length}, "total_groups": 2, "mean_puzzle_examples": ${mean}, "total_puzzles": 3, "sets": ["all"]}`
    writeFileSync(join(path, split, 'dataset.json'), info)
    const tokens = Uint8Array.from({ length: 2 * rows }, (_, i) => i)
    const write = (name: string, data: Int32Array | Uint8Array | BigInt64Array, shape: readonly number[]) =>
      writeFileSync(join(path, split, `all__${name}.npy`), encodeNpy({ shape, data }))
    write('inputs', wide ? BigInt64Array.from(tokens, BigInt) : tokens, [rows, 2])
    write('labels', tokens, [rows, 2])
    write('puzzle_identifiers', Int32Array.of(1, 2, 3), [3])
    write('puzzle_indices', rows === 3 ? Int32Array.of(0, 1, 2, 3) : Int32Array.of(0, 2, 3, 4), [4])
    write('group_indices', Int32Array.of(0, 2, 3), [3])
  }
}

describe('a folder beside which a killed process left something', () => {
  const dead = (spawnSync(process.execPath, ['-e', '']).pid ?? 0) as number
  const left = () => readdirSync(folder).sort()

  it('loses half a dataset, but not one that is being built', async () => {
    for (const owner of [dead, process.ppid]) mkdirSync(join(folder, `mine.building-${owner}`))
    right(await writeSource(sudoku(), join(folder, 'mine'))())
    expect(left()).toEqual(['mine', `mine.building-${process.ppid}`])
  })

  it('gets back what was to be replaced', async () => {
    right(await writeSource(sudoku(), join(folder, 'mine'))())
    renameSync(join(folder, 'mine'), join(folder, `mine.replaced-${dead}`))
    const stop = AbortSignal.abort()
    expect(E.isLeft(await writeSource(arc(), join(folder, 'mine'), { signal: stop })())).toBe(true)
    expect(left()).toEqual(['mine'])
    right(await readDataset(join(folder, 'mine'))())
  })
})

describe('a published folder', () => {
  it('is the same byte for byte when it was read and written: 64-bit tokens, fields of its own, held-out tasks', async () => {
    published(join(folder, 'theirs'))
    const dataset = right(await readDataset(join(folder, 'theirs'))())
    expect(dataset.splits.train!.inputs).toBeInstanceOf(Int32Array)
    right(await writeDataset(dataset, join(folder, 'ours'))())
    expect(filesOf(join(folder, 'ours'))).toEqual(filesOf(join(folder, 'theirs')))
  })

  it('with broken names is refused, naming the file', async () => {
    published(join(folder, 'theirs'))
    for (const [text, what] of [
      ['["<blank>", 1]', 'this is no list of names'],
      ['["<blank>"', 'this is no JSON'],
    ] as const) {
      writeFileSync(join(folder, 'theirs', 'identifiers.json'), text)
      const names = await readIdentifiers(join(folder, 'theirs'))()
      expect(E.isLeft(names) && [names.left.what, names.left.where]).toEqual([
        what,
        join(folder, 'theirs', 'identifiers.json'),
      ])
    }
  })

  it('has JSON as Python writes it', () => {
    const value = {
      mean: 2,
      n: 2,
      half: 0.5,
      list: [1, 'a"\u00e9\n\u{1f600}\u007f', null, true, {}],
      nested: { mean: 1 },
    }
    expect(pythonJson(value, ['mean'])).toBe(
      '{"mean": 2.0, "n": 2, "half": 0.5, "list": [1, "a\\"\\u00e9\\n\\ud83d\\ude00\\u007f", null, true, {}], "nested": {"mean": 1.0}}',
    )
  })
})
