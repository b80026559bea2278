/** `thetagrad tune` on a tiny model: what it keeps, where, and that it does nothing twice. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type TuneCommandOptions, tuneCommand } from '../../src/cli/tune.js'
import type { Tuned } from '../../src/ir/index.js'
import { testDevice } from '../support/run-kernel.js'

let folder = ''
const model = () => join(folder, 'tiny.ts')
const tuned = async (options: Partial<TuneCommandOptions> = {}) => {
  const outcome = await tuneCommand({ config: model(), again: false, ...options })
  if (E.isLeft(outcome)) throw new Error(outcome.left.map(({ what }) => what).join())
  return outcome.right.json as { readonly device: string; readonly tuned: readonly Tuned[] }
}
const refused = async (options: TuneCommandOptions) => {
  const outcome = await tuneCommand(options)
  return E.isLeft(outcome) ? outcome.left[0]!.what : 'nothing was refused'
}

beforeAll(() => {
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  folder = mkdtempSync(join(tmpdir(), 'thetagrad-tune-'))
  vi.stubEnv('THETAGRAD_CACHE', join(folder, 'cache'))
  writeFileSync(
    model(),
    `import { transformer } from 'thetagrad'
export default {
  model: transformer({ vocabulary: 6, sequence: 16, hidden: 32, heads: 1, expansion: 1, layers: 1 }),
  training: { batch: 2 },
}
`,
  )
})
afterAll(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

describe('thetagrad tune', () => {
  test('measures the shapes of a step and keeps the fastest of each for this adapter', async (context) => {
    if (E.isLeft(await testDevice())) return context.skip('no adapter')
    const { tuned: found } = await tuned()
    expect(found.length).toBeGreaterThan(3)
    const [file, ...others] = readdirSync(join(folder, 'cache', 'tuning'))
    expect(others).toEqual([])
    const kept = JSON.parse(readFileSync(join(folder, 'cache', 'tuning', file!), 'utf8'))
    expect(kept.matmul).toEqual(Object.fromEntries(found.map(({ shape, fastest }) => [shape, fastest])))
    expect(kept).toMatchObject({ adapter: expect.any(String), driver: expect.any(String), webgpu: expect.any(String) })

    expect((await tuned()).tuned).toEqual([])
    // Another batch: the shapes with other rows are new, the rest is known.
    const more = (await tuned({ batch: 3 })).tuned
    expect(more.length).toBeGreaterThan(0)
    expect(found.map(({ shape }) => shape)).not.toContain(more[0]!.shape)
  })

  test('a file that is broken is as good as none', async (context) => {
    if (E.isLeft(await testDevice())) return context.skip('no adapter')
    const cache = join(folder, 'cache', 'tuning')
    const [file] = existsSync(cache) ? readdirSync(cache) : []
    writeFileSync(join(cache, file!), '{"matmul": ')
    expect((await tuned()).tuned.length).toBeGreaterThan(3)
  })

  test('wants one recipe, and says so', async () => {
    expect(await refused({ again: false })).toContain('give one of')
    expect(await refused({ again: false, run: 'a', preset: 'b' })).toContain('give one of')
    expect(await refused({ again: false, config: model(), model: 'trm' })).toContain('--model goes with --preset')
    expect(await refused({ again: false, preset: 'sudoku-44' })).toContain('there is no preset "sudoku-44"')
    expect(await refused({ again: false, run: join(folder, 'nowhere') })).toContain('no such run folder')
  })
})
