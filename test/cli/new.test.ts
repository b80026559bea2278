/** `thetagrad new`: what it writes is the example that the compiler checks with all others, and it learns. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, expect, test, vi } from 'vitest'
import { buildSudoku } from '../../src/cli/data.js'
import { newCommand, startingFile } from '../../src/cli/new.js'
import { trainCommand } from '../../src/cli/train.js'

const folder = mkdtempSync(join(tmpdir(), 'thetagrad-new-'))
const at = (...path: readonly string[]) => join(folder, ...path)
afterAll(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

test('is examples/starting-point.ts under another name', () => {
  expect(startingFile('starting-point')).toBe(readFileSync('examples/starting-point.ts', 'utf8'))
})

test('writes a file that type-checks and trains, and never over another one', async () => {
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  expect(await newCommand(at('models', 'mine'))).toMatchObject(E.right({ json: { name: 'mine' } }))
  const grids = { generate: 4, trainGrids: 4, testGrids: 2, puzzlesPerGrid: 1, seed: 0 }
  expect(E.isRight(await buildSudoku({ ...grids, out: at('data') }, () => {})())).toBe(true)
  const changes = { steps: 3, batch: 2, logEvery: 1, warmup: 0 }
  const config = { config: at('models', 'mine.ts'), data: at('data'), out: at('run') }
  const outcome = await trainCommand({ ...config, resume: false, backend: 'reference', changes })
  expect(outcome).toMatchObject(E.right({ json: { step: 3 } }))
  const losses = readFileSync(at('run', 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { lm_loss: number }).lm_loss)
  expect(losses.at(-1)).toBeLessThan(losses[0]!)

  writeFileSync(at('mine.ts'), 'mine')
  for (const name of ['mine', 'mine.ts']) expect(E.isLeft(await newCommand(at(name)))).toBe(true)
  expect(readFileSync(at('mine.ts'), 'utf8')).toBe('mine')
  expect(E.isLeft(await newCommand(at('my model')))).toBe(true)
}, 120_000)
