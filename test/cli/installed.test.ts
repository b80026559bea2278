/**
 * What a fresh clone has after its set-up: a command that starts, as `npx thetagrad` starts it, and modules that a program
 * finds under the package's name.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkpointSteps, readMetrics } from '../../src/train/index.js'
import { backendsForTests } from '../support/backends.js'

const built = join('dist', 'src', 'cli', 'main.js')
if (!existsSync(built)) console.warn('SKIPPED: dist is not built (npm test builds it); the command is NOT started')

it.skipIf(!existsSync(built) || process.platform === 'win32')('the built command is executable and runs', () => {
  const { status, stdout } = spawnSync(built, ['--version'], { encoding: 'utf8' })
  expect([status, stdout.trim()]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+$/)])
})

it.skipIf(!existsSync(built))(
  'the example program trains on puzzles of its own, and goes on where it stood',
  async () => {
    const backend = await backendsForTests().at(-1)!.open()
    if (backend === undefined) return console.warn('SKIPPED: no device; the example program is NOT run')
    backend.dispose()
    const run = mkdtempSync(join(tmpdir(), 'program-'))
    const program = (steps: number) =>
      spawnSync(process.execPath, ['--import', 'tsx', 'examples/programs/sorting.ts', run, `${steps}`], {
        encoding: 'utf8',
      })
    try {
      expect(program(0)).toMatchObject({ status: 1, stderr: expect.stringContaining('steps is 0') })
      expect(program(100)).toMatchObject({ status: 0, stdout: expect.stringMatching(/^step 100: \d+\.\d % sorted$/m) })
      const second = program(150)
      expect(second).toMatchObject({ status: 0, stdout: expect.stringContaining('trained 150 steps') })
      expect(second.stdout).not.toContain('step 100:')
      const lines = readMetrics(run)
      expect(lines.map(({ step }) => step)).toEqual([50, 100, 150])
      expect(lines[2]!.lm_loss).toBeLessThan(0.8 * lines[0]!.lm_loss)
      expect(checkpointSteps(run)).toEqual([100, 150])
    } finally {
      rmSync(run, { recursive: true })
    }
  },
)
