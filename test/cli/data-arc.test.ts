/** `thetagrad data arc`: tasks given twice, large grids, the published layouts, and archives that are fetched. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as E from 'fp-ts/lib/Either.js'
import { createTar } from 'nanotar'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ArcOptions, arcUsage, buildArc, showArcSummary } from '../../src/cli/data-arc.js'
import { type ArcTask, dihedral, publicArc, readArcTasks } from '../../src/data/index.js'
import { showProblem } from '../../src/problem.js'
import { fileServer } from '../support/file-server.js'
import { hasShared, unpackShared } from '../support/shared-data.js'

let folder: string
let out: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'data-arc-'))
  out = join(folder, 'out')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A task that turns a row of two colours round, told apart by its first colour. */
const task = (colour: number) => {
  const pair = (n: number) => ({ input: [[n, colour]], output: [[colour, n]] })
  return { train: [pair(1), pair(2)], test: [pair(3)] }
}
const tasks = (name: string, files: Readonly<Record<string, unknown>>): string => {
  const path = join(folder, name)
  for (const [file, value] of Object.entries(files)) {
    mkdirSync(dirname(join(path, file)), { recursive: true })
    writeFileSync(join(path, file), JSON.stringify(value))
  }
  return path
}
const said: string[] = []
const build = (options: Partial<ArcOptions>, origin?: string) => {
  said.length = 0
  const from = origin === undefined ? undefined : { huggingFace: origin, gitHub: origin }
  return buildArc({ out, seed: 0, ...options }, (line) => said.push(line), from)()
}
const summaryOf = async (options: Partial<ArcOptions>, origin?: string) => {
  const built = await build(options, origin)
  if (E.isLeft(built)) throw new Error(showProblem(built.left))
  return built.right
}
const message = async (options: Partial<ArcOptions>, origin?: string): Promise<string> => {
  const built = await build(options, origin)
  return E.isLeft(built) ? showProblem(built.left) : 'no problem'
}

describe('a task that is given twice', () => {
  it('by its name is refused, or dropped from training where that is asked for', async () => {
    const options = {
      train: [tasks('a', { 'x.json': task(4), 'y.json': task(5) })],
      test: [tasks('b', { 'y.json': task(5), 'z.json': task(6) })],
    }
    expect(await message(options)).toMatch(/the task y is given twice\n.*must not be tested\n.*--drop-repeated/)
    expect(existsSync(out)).toBe(false)
    const summary = await summaryOf({ ...options, dropRepeated: true })
    expect(summary).toMatchObject({ tasks: 3, dropped: 1, puzzles: 3, testExamples: 2, trainExamples: 3 + 2 + 2 })
    expect(showArcSummary(summary)).toContain('1 given again, and dropped')
    expect(Object.keys(JSON.parse(readFileSync(join(out, 'test_puzzles.json'), 'utf8')))).toEqual(['y', 'z'])
  })

  it('by its name with something else in it counts as given twice, and how many there are is said', async () => {
    const train = [tasks('a', { 'x.json': task(4), 'y.json': task(5) })]
    const test = [tasks('b', { 'x.json': task(6), 'y.json': task(7) })]
    expect(await message({ train, test })).toMatch(/the task x is given twice, and 1 more/)
    expect(await message({ test: [...test, ...test] })).toMatch(/the task x is given twice, and 1 more/)
    expect(await message({ test: train, train: [join(train[0]!, '.')] })).toMatch(/the task x is given twice/)
  })

  it('under another name is dropped, whatever the order of its pairs, and said', async () => {
    const { train, test } = task(4)
    const twin = { train: [test[0], train[0]], test: [train[1]] }
    const summary = await summaryOf({
      train: [tasks('a', { 'twin.json': twin, 'other.json': task(5) })],
      test: [tasks('b', { 'x.json': task(4) })],
    })
    expect(summary).toMatchObject({ tasks: 2, dropped: 1 })
    expect(said).toContain('dropping twin: it is x under another name')
    expect(readFileSync(join(out, 'identifiers.json'), 'utf8')).not.toContain('twin')
  })
})

describe('grids', () => {
  const large = { train: [{ input: [Array(13).fill(1)], output: [[1]] }], test: [{ input: [[1]], output: [[2]] }] }
  it('larger than told are left out with their task, which is said', async () => {
    const options = { test: [tasks('b', { 'large.json': large, 'x.json': task(4) })] }
    const summary = await summaryOf({ ...options, maxSide: 12 })
    expect(summary).toMatchObject({ tasks: 1, leftOut: 1, side: 12 })
    expect(showArcSummary(summary)).toContain('(1 left out: larger grids)')
    expect(await summaryOf({ ...options, maxSide: 13 })).toMatchObject({ tasks: 2, leftOut: 0 })
    expect(await message({ ...options, maxSide: 1 })).toMatch(
      /--max-side: no task has grids of at most 1×1\n.*raise it/,
    )
  })
})

describe('generated tasks', () => {
  const options = { generate: 4, rule: ['large', 'fall'], trainCount: 40, testCount: 10 } as const
  it('are those of the rules, with pairs to train on and others to test with, the same when built again', async () => {
    const summary = await summaryOf({ ...options, augment: 2 })
    expect(summary).toMatchObject({
      side: 4,
      tasks: 2,
      puzzles: 6,
      trainExamples: 2 * 3 * 40,
      testExamples: 2 * 3 * 10,
    })
    const tests = readFileSync(join(out, 'test_puzzles.json'), 'utf8')
    const puzzles = JSON.parse(tests) as Readonly<Record<string, Pick<ArcTask, 'train' | 'test'>>>
    expect(Object.keys(puzzles)).toEqual(['large', 'fall'])
    for (const { train, test } of Object.values(puzzles)) {
      const trained = new Set(
        train.flatMap(({ input }) => [0, 1, 2, 3, 4, 5, 6, 7].map((k) => `${dihedral(input, k)}`)),
      )
      expect(test.filter(({ input }) => trained.has(`${input}`))).toEqual([])
      expect([train.length, test.length]).toEqual([40, 10])
    }
    await summaryOf({ ...options, augment: 2 })
    expect(readFileSync(join(out, 'test_puzzles.json'), 'utf8')).toBe(tests)
  })

  it('are refused where there are not so many, or none', async () => {
    expect(await message({ ...options, generate: 2, rule: ['fall'], trainCount: 10_000 })).toMatch(
      /--generate: only \d+ of 10010 pairs of fall were found at 2×2\n.*lower --train-count and --test-count, or give/,
    )
    expect(await message({ ...options, generate: 2, rule: ['six'] })).toMatch(
      /only 0 of 50 pairs of six were found at 2×2\n.*give a larger --generate/,
    )
    expect(existsSync(out)).toBe(false)
  })
})

it.each([
  [{}, 'give --test PATH'],
  [{ train: ['a'] }, 'give --test PATH'],
  [{ test: ['a'], maxSide: 31 }, '--max-side 31 is more than any grid has: 30 is the most'],
  [{ test: ['a'], cache: 'c' }, '--cache is for what is fetched: add --download SET'],
  [{ download: ['conceptarc'] }, 'conceptarc is trained on whole: add tasks to test on'],
  [{ test: ['a'], trainCount: 3 }, '--train-count is for generated tasks: add --generate SIDE, or leave it out'],
  [{ generate: 6, test: ['a'] }, '--test is for published tasks: leave out --generate or --test'],
  [{ generate: 31 }, '--generate 31 is more than any grid has: 30 is the most'],
] as const)('%j is bad usage, and says what to change', (options, sentence) => {
  expect(arcUsage(options as Partial<ArcOptions>)).toContain(sentence)
})
it.each([
  [{ test: ['a'], maxSide: 30 }],
  [{ download: ['arc-agi-1', 'conceptarc'], cache: 'c' }],
  [{ download: ['conceptarc'], test: ['a'] }],
  [{ generate: 6, rule: ['reach'], testCount: 5 }],
] as const)('%j is no bad usage', (options) => {
  expect(arcUsage(options as Partial<ArcOptions>)).toBeUndefined()
})

const unpacked = (archive: string): string => unpackShared(archive, folder)
if (!hasShared('data/arc/arc-agi-1.tar.gz'))
  console.warn('SKIPPED: no shared ARC sets here; the full sets are NOT read')

describe.skipIf(!hasShared('data/arc/arc-agi-1.tar.gz'))('the published sets', () => {
  it('are read from combined files as from folders, and ConceptARC from its folders', async () => {
    const combined = join(unpacked('arc/kaggle-combined-trm'), 'kaggle', 'combined')
    const one = unpacked('arc/arc-agi-1')
    for (const part of ['training', 'evaluation']) {
      const [a, b] = [
        readArcTasks(join(combined, `arc-agi_${part}_challenges.json`)),
        readArcTasks(join(one, 'data', part)),
      ]
      if (E.isLeft(a) || E.isLeft(b)) throw new Error('not read')
      const sorted = a.right.toSorted((x, y) => (x.name < y.name ? -1 : 1))
      expect(sorted.length).toBe(400)
      expect(sorted).toEqual(b.right)
    }
    const concept = readArcTasks(join(unpacked('conceptarc/conceptarc'), 'corpus'))
    expect(E.isRight(concept) && concept.right.length).toBe(160)
  })

  it('ARC-AGI-1 has one task twice, under two names: its training copy is dropped', async () => {
    const data = join(unpacked('arc/arc-agi-1'), 'data')
    // Small grids alone, to be quick.
    const summary = await summaryOf({ train: [join(data, 'training')], test: [join(data, 'evaluation')], maxSide: 9 })
    expect(summary).toMatchObject({ dropped: 1 })
    expect(said).toContain('dropping 40853293: it is 070dd51e under another name')
  })

  it('ARC-AGI-2 trained on and ARC-AGI-1 tested: 376 tasks are known, refused unless they are dropped', async () => {
    const one = join(unpacked('arc/arc-agi-1'), 'data', 'evaluation')
    const two = join(unpacked('arc/arc-agi-2'), 'data', 'training')
    const options = { train: [two], test: [one], maxSide: 5 }
    expect(await message(options)).toMatch(/the task \w+ is given twice, and 375 more\n.*must not be tested/)
    expect(await summaryOf({ ...options, dropRepeated: true })).toMatchObject({ dropped: 376 })
  })

  /** As GitHub packs it: all below one folder, other files beside the tasks. */
  const archive = (root: string, change = (name: string, text: string): string | undefined => (name ? text : name)) => {
    const listed = execFileSync('find', [root, '-type', 'f'], { encoding: 'utf8' }).trim().split('\n')
    const files = listed.flatMap((file) => {
      const name = file.slice(root.length + 1)
      const text = change(name, readFileSync(file, 'utf8'))
      return text === undefined ? [] : [{ name: `Repository-3990304/${name}`, data: text }]
    })
    return gzipSync(createTar([{ name: 'Repository-3990304/apps/../../../escaped.json', data: '{}' }, ...files]))
  }
  const serving = async (body: Buffer, work: (origin: string, seen: readonly { url: string }[]) => Promise<void>) => {
    const server = await fileServer(() => ({ body }))
    try {
      await work(server.origin, server.seen)
    } finally {
      await server.close()
    }
  }

  it('are fetched at their commit, unpacked, compared with their digest, and kept', async () => {
    const body = archive(unpacked('arc/arc-agi-1'))
    await serving(body, async (origin, seen) => {
      const options = { download: ['arc-agi-1'], cache: join(folder, 'cache'), maxSide: 5 } as const
      const first = await summaryOf(options, origin)
      expect(first.dropped).toBe(1)
      const { commit } = publicArc['arc-agi-1']
      expect(seen).toEqual([{ url: `/fchollet/ARC-AGI/archive/${commit}.tar.gz` }])
      expect(await summaryOf(options, origin)).toEqual({ ...first, seconds: expect.any(Number) })
      expect(seen.length).toBe(1)
      expect(existsSync(join(folder, 'escaped.json'))).toBe(false)
    })
  })

  it('with another task than is known are refused, and fetched again the next time', async () => {
    const root = unpacked('conceptarc/conceptarc')
    const body = archive(root, (name, text) => (name.endsWith('Copy1.json') ? text.replace('0', '3') : text))
    await serving(body, async (origin, seen) => {
      const test = [tasks('b', { 'x.json': task(4) })]
      const options = { download: ['conceptarc'], test, cache: join(folder, 'cache') } as const
      const says = /the tasks of victorvikram\/ConceptARC are not those .*\n.*160 tasks, expected 160; .*digest/
      expect(await message(options, origin)).toMatch(says)
      expect(await message(options, origin)).toMatch(says)
      expect(seen.length).toBe(2)
    })
    await serving(Buffer.from('no archive'), async (origin) => {
      const test = [tasks('c', { 'x.json': task(4) })]
      const options = { download: ['arc-agi-2'], test, cache: join(folder, 'cache') } as const
      expect(await message(options, origin)).toMatch(/\.tar\.gz: the archive cannot be unpacked/)
    })
  })
})
