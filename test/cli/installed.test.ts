/** What a fresh clone has after its set-up: a command that starts, as `npx thetagrad` starts it. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const built = join('dist', 'src', 'cli', 'main.js')
if (!existsSync(built)) console.warn('SKIPPED: dist is not built (npm test builds it); the command is NOT started')

it.skipIf(!existsSync(built) || process.platform === 'win32')('the built command is executable and runs', () => {
  const { status, stdout } = spawnSync(built, ['--version'], { encoding: 'utf8' })
  expect([status, stdout.trim()]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+$/)])
})
