/** What NumPy, where it is installed, reads of our folders: the same numbers in the same types. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { expect, it } from 'vitest'
import { arcSource, collect, writeSource } from '../../src/data/index.js'

const hasNumpy = spawnSync('python3', ['-c', 'import numpy']).status === 0
if (!hasNumpy) console.warn('SKIPPED: no NumPy here; folders are NOT read by it')

const script = `
import json, sys, numpy
out = {}
for name in ("inputs", "labels", "puzzle_identifiers", "puzzle_indices", "group_indices"):
    a = numpy.load(f"{sys.argv[1]}/train/all__{name}.npy")
    out[name] = [str(a.dtype), list(a.shape), a.ravel().tolist()]
out["json"] = [json.load(open(f"{sys.argv[1]}/{name}")) for name in ("identifiers.json", "train/dataset.json", "test_puzzles.json")]
print(json.dumps(out))
`

it.skipIf(!hasNumpy)('a folder means to Python what it means to us', async () => {
  const pair = (n: number) => ({ input: [[n, 0]], output: [[0], [n]] })
  const task = { name: 'één', train: [pair(1), pair(2)], test: [pair(3)] }
  const source = arcSource([task], [{ ...task, name: 'b' }], { size: 5, augmentations: 7, seed: 2 })
  const folder = mkdtempSync(join(tmpdir(), 'numpy-'))
  try {
    const testPuzzles = { b: { train: task.train, test: task.test } }
    expect(E.isRight(await writeSource(source, join(folder, 'out'), { testPuzzles })())).toBe(true)
    const read = JSON.parse(execFileSync('python3', ['-c', script, join(folder, 'out')], { encoding: 'utf8' }))
    const { splits, identifiers } = collect(source)
    const train = splits.train!
    const rows = train.inputs.length / 25
    expect(read).toEqual({
      inputs: ['uint8', [rows, 25], [...train.inputs]],
      labels: ['uint8', [rows, 25], [...train.labels]],
      puzzle_identifiers: ['int32', [train.puzzleIdentifiers.length], [...train.puzzleIdentifiers]],
      puzzle_indices: ['int32', [train.puzzleIndices.length], [...train.puzzleIndices]],
      group_indices: ['int32', [train.groupIndices.length], [...train.groupIndices]],
      json: [identifiers, train.info, testPuzzles],
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
