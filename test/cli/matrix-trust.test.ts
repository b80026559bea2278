/** What is believed of matrix units: the child process is made up here, but for what lavapipe, which has none, says. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as E from 'fp-ts/lib/Either.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { matrixVerdict, verdictOf } from '../../src/cli/matrix-trust.js'
import { type AdapterDescription, openDevice } from '../../src/device/index.js'

const adapter: AdapterDescription = {
  vendor: 'nvidia',
  architecture: 'hopper',
  device: '0x2330',
  description: 'NVIDIA: 580.65',
  adapterClass: 'gpu',
  features: [],
  limits: {},
  matrix: { m: 16, n: 16, k: 16, subgroupSize: 32, asksForSize: false },
}

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'thetagrad-cache-'))
  process.env.THETAGRAD_CACHE = folder
})
afterEach(() => {
  delete process.env.THETAGRAD_CACHE
  rmSync(folder, { recursive: true })
})

describe('a verdict on matrix units', () => {
  it('is good only where kernels were tried and were right', () => {
    expect(verdictOf({ stdout: '{"right": 24}\n' })).toMatchObject({ isUsable: true })
    expect(verdictOf({ stdout: '{"right": 0}' })).toMatchObject({ isUsable: false })
    expect(verdictOf({ stdout: '{"why": "matmul.nn computes wrong numbers"}' })).toMatchObject({
      isUsable: false,
      why: 'matmul.nn computes wrong numbers',
    })
    expect(verdictOf({ stdout: '' })).toMatchObject({ isUsable: false, why: 'the self-test said nothing' })
    expect(verdictOf({ stdout: '{"right": 24}', failure: 'was ended by SIGSEGV' })).toMatchObject({
      isUsable: false,
      why: 'the self-test was ended by SIGSEGV',
    })
  })

  it('is not kept where the units were not tried', async () => {
    const untried = [
      { stdout: '', failure: 'was killed', isUntried: true },
      { stdout: '{"why": "the adapter is lost", "isUntried": true}' },
    ]
    for (const ended of untried)
      expect(await matrixVerdict(adapter, async () => ended)).toMatchObject({ isUsable: false })
    expect(await matrixVerdict(adapter, async () => ({ stdout: '{"right": 1}' }))).toEqual({ isUsable: true })
  })

  it('is kept nowhere, and no failure, where nothing can be written', async () => {
    const file = join(folder, 'a-file')
    writeFileSync(file, '')
    process.env.THETAGRAD_CACHE = file
    expect(await matrixVerdict(adapter, async () => ({ stdout: '{"right": 1}' }))).toEqual({ isUsable: true })
  })

  it('is asked for once for an adapter, its driver and its unit', async () => {
    let attempts = 0
    const attempt = async () => {
      attempts++
      return { stdout: '', failure: 'was ended by SIGSEGV' }
    }
    const first = await matrixVerdict(adapter, attempt)
    expect(await matrixVerdict(adapter, attempt)).toEqual(first)
    expect(attempts).toBe(1)
    await matrixVerdict({ ...adapter, description: 'NVIDIA: 590.11' }, attempt)
    await matrixVerdict({ ...adapter, matrix: { ...adapter.matrix!, m: 8 } }, attempt)
    expect(attempts).toBe(3)
    // A file that was cut off is as good as none.
    for (const name of readdirSync(join(folder, 'matrix'))) writeFileSync(join(folder, 'matrix', name), '{"isUs')
    expect(await matrixVerdict(adapter, async () => ({ stdout: '{"right": 24}' }))).toEqual({ isUsable: true })
  })

  it('an adapter is asked about only where it offers units', async () => {
    let asked = 0
    const device = await openDevice({ backend: 'null', matrix: async () => ++asked > 0 })()
    if (E.isLeft(device)) throw new Error(device.left.what)
    expect([asked, device.right.target.matrix]).toEqual([0, undefined])
  })

  it('the process says why there is nothing to try, on an adapter without them', async () => {
    const run = promisify(execFile)
    const { stdout } = await run(process.execPath, ['--import', 'tsx', 'src/cli/matrix-child.ts'], { timeout: 100_000 })
    const verdict = verdictOf({ stdout })
    expect(verdict.isUsable || /no kernel fits|no graphics adapter/.test(verdict.why ?? '')).toBe(true)
  }, 120_000)
})
