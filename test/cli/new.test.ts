/** `thetagrad new`: what it writes is the example that the compiler checks with all others. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, expect, test } from 'vitest'
import { newCommand, startingFile } from '../../src/cli/new.js'

const folder = mkdtempSync(join(tmpdir(), 'thetagrad-new-'))
const at = (...path: readonly string[]) => join(folder, ...path)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('is examples/starting-point.ts under another name', () => {
  expect(startingFile('starting-point', 'starting-point.ts')).toBe(readFileSync('examples/starting-point.ts', 'utf8'))
  const mine = startingFile('mine', 'models/mine.ts')
  expect(mine).not.toMatch(/starting.?point/i)
  expect(mine).toContain("name: 'mine',")
  expect(mine).toContain('train --config models/mine.ts --data data/sudoku4 --out runs/mine')
})

// That the example type-checks and learns is in test/examples.test.ts.
test('writes a model with its recipe, and never over another file', async () => {
  expect(await newCommand(at('models', 'mine'))).toMatchObject(E.right({ json: { name: 'mine' } }))
  expect(readFileSync(at('models', 'mine.ts'), 'utf8')).toBe(startingFile('mine', at('models', 'mine.ts')))

  writeFileSync(at('mine.ts'), 'mine')
  for (const name of ['mine', 'mine.ts']) expect(E.isLeft(await newCommand(at(name)))).toBe(true)
  expect(readFileSync(at('mine.ts'), 'utf8')).toBe('mine')
  expect(E.isLeft(await newCommand(at('my model')))).toBe(true)
})
