/** `thetagrad bench suite` with one benchmark and few steps: a row of measured numbers, and that it goes on where it was. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildData } from '../../src/cli/data-commands.js'
import { type SuiteOptions, suiteCommand } from '../../src/cli/suite.js'
import { showProblem } from '../../src/problem.js'
import { presetNamed } from '../../src/train/index.js'
import { hasShared, sharedFile } from '../support/shared-data.js'

let out: string
beforeAll(() => {
  out = mkdtempSync(join(tmpdir(), 'suite-'))
})
afterAll(() => rmSync(out, { recursive: true }))

const suite = (options: Partial<SuiteOptions> = {}) =>
  suiteCommand({ out, tasks: ['sudoku'], baseline: false, seed: 1, steps: 4, backend: 'auto', ...options })
const refusal = async (options: Partial<SuiteOptions>): Promise<string> => {
  const outcome = await suite(options)
  return E.isLeft(outcome) ? outcome.left.map(showProblem).join('\n') : 'no problem'
}

describe('what presets say of their data', () => {
  const small = [
    'sudoku-4x4',
    'maze-6x6',
    'arc-rules-6x6',
    ...(hasShared('data/arc/subset/training') ? ['arc-6x6'] : []),
  ]
  it.each(small)('%s: it has the sizes of the model', async (name) => {
    const { data, sizes } = presetNamed(name)!
    const folder = join(out, name)
    const test = name === 'arc-6x6' ? { test: [sharedFile('data/arc/subset/training')] } : {}
    const built = await buildData(data, { out: folder, seed: 1, ...test })()
    if (E.isLeft(built)) throw new Error(showProblem(built.left))
    const { seq_len: sequence, vocab_size: vocabulary } = JSON.parse(
      readFileSync(join(folder, 'train', 'dataset.json'), 'utf8'),
    ) as Record<string, number>
    expect({ sequence, vocabulary }).toEqual({ sequence: sizes.sequence, vocabulary: sizes.vocabulary })
  })
})

describe('bench suite', () => {
  it('trains and evaluates, tells what it measured, and measures nothing twice', async () => {
    const outcome = await suite()
    if (E.isLeft(outcome)) throw new Error(outcome.left.map(showProblem).join('\n'))
    const { rows } = outcome.right.json as { readonly rows: readonly Record<string, unknown>[] }
    expect(rows).toHaveLength(1)
    // 58 held-out grids, four puzzles of each.
    expect(rows[0]).toMatchObject({ task: 'sudoku', preset: 'sudoku-4x4', model: 'hrm', steps: 4, examples: 232 })
    const { seconds, samplesPerSecond, curve, parameters } = rows[0] as Record<string, number> & { curve: unknown[] }
    expect(samplesPerSecond).toBeCloseTo((4 * 64) / seconds!, 6)
    expect(curve).toHaveLength(4)
    expect(outcome.right.text).toContain(`${parameters!.toLocaleString('en-GB').replace(',', ' ')}`)
    expect(JSON.parse(readFileSync(join(out, 'suite.json'), 'utf8'))).toEqual(outcome.right.json)

    const metrics = join(out, 'sudoku-hrm', 'metrics.jsonl')
    const before = statSync(metrics).mtimeMs
    expect(await suite()).toEqual(outcome)
    expect(statSync(metrics).mtimeMs).toBe(before)
  })

  it('does not pass off the runs of another seed, or of other steps', async () => {
    for (const other of [{ seed: 2 }, { steps: 5 }])
      expect(await refusal(other)).toMatch(
        /the folder holds a suite with another --seed or --steps[\s\S]*another --out/,
      )
  })

  it('says what is missing where only ARC is asked for', async () =>
    expect(await refusal({ tasks: ['arc'] })).toMatch(/nothing to measure[\s\S]*--arc PATH/))
})
