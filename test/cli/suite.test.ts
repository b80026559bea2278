/** `thetagrad bench suite` with one benchmark and few steps: a row of measured numbers, and that it goes on where it was. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SuiteOptions, suiteCommand } from '../../src/cli/suite.js'
import { showProblem } from '../../src/problem.js'

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
