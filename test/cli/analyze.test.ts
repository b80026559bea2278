/**
 * `thetagrad analyze` on tiny runs trained here, on the reference interpreter: the command's work called as `main.ts` calls
 * it, and spawned where a process matters (arguments, streams, Ctrl-C).
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Analysis } from '../../src/analysis/index.js'
import { type AnalyzeOptions, analyzeCommand } from '../../src/cli/analyze.js'
import { buildSudoku } from '../../src/cli/data.js'
import { evalCommand } from '../../src/cli/eval.js'
import { openTraining } from '../../src/cli/examples.js'
import { createRun, loadModel, type ModelSource } from '../../src/cli/run-folder.js'
import { runTraining } from '../../src/cli/train.js'
import { referenceBackend } from '../../src/reference/index.js'
import { defaultSettings } from '../../src/train/index.js'

const main = resolve('src/cli/main.ts')
const tsx = resolve('node_modules/tsx/dist/loader.mjs')
let folder = ''
const at = (...path: readonly string[]) => join(folder, ...path)

/** `interruptAt`: Ctrl-C as soon as stderr says this. */
const thetagrad = (args: readonly string[], interruptAt?: string) =>
  new Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }>((resolve) => {
    const child = spawn(process.execPath, ['--import', tsx, main, ...args], { cwd: folder })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (text) => {
      stdout += text
    })
    child.stderr.on('data', (text) => {
      const before = stderr
      stderr += text
      if (interruptAt !== undefined && stderr.includes(interruptAt) && !before.includes(interruptAt))
        child.kill('SIGINT')
    })
    child.on('close', (status) => resolve({ status, stdout, stderr }))
  })

const analyze = (run: string, options: Partial<AnalyzeOptions>) =>
  analyzeCommand({
    run: at(run),
    split: 'test',
    limit: 100,
    against: [],
    examples: 3,
    backend: 'reference',
    ...options,
  })

const hrmRun: ModelSource = {
  kind: 'hrm',
  preset: 'tiny',
  sizes: {
    vocabulary: 6,
    sequence: 16,
    hidden: 8,
    heads: 2,
    expansion: 1,
    layers: { high: 1, low: 1 },
    puzzleEmbedding: 8,
    cycles: 2,
    steps: 1,
    maxSegments: 2,
  },
}
const recurrent = `import { adaptiveHalting, call, inputNet, iterate, outputNet, qHead, reasoner, transformerBlock } from 'thetagrad'
const sizes = { vocabulary: 6, sequence: 16, hidden: 8 } as const
export default {
  model: reasoner({
    name: 'recurrent',
    input: inputNet({ ...sizes, puzzleEmbedding: 8 }),
    blocks: { net: transformerBlock({ hidden: 8, heads: 2, expansion: 1, rotary: true }) },
    state: { z: 'init' },
    think: ({ net }, x) => iterate(3)(call('net', (s) => ({ z: net(s.z, x) }))),
    answer: 'z',
    output: outputNet({ ...sizes }),
    qHead: qHead({ hidden: 8 }),
    halting: adaptiveHalting({ maxSegments: 1, continuation: false }),
  }),
  training: { batch: 4, steps: 1, logEvery: 1, warmup: 0 },
}
`

const trained = async (name: string, model: ModelSource) => {
  const data = at('data')
  const training = { ...defaultSettings, batch: 4, steps: 3, logEvery: 1, warmup: 0 }
  const config = { model, training, data, augment: 0 }
  const [loaded, examples] = [await loadModel(model, { typeCheck: false }), await openTraining(data, 0)]
  if (E.isLeft(loaded) || E.isLeft(examples)) throw new Error('the run could not be made')
  expect(createRun(at(name), config)).toEqual(E.right(undefined))
  const backend = referenceBackend()
  const started = { config, model: loaded.right.model, examples: examples.right }
  expect(E.isRight(await runTraining({ ...started, backend, run: at(name), resume: false }))).toBe(true)
}

let said = ''
beforeAll(async () => {
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text
    return true
  })
  folder = mkdtempSync(join(tmpdir(), 'thetagrad-analyze-'))
  writeFileSync(at('recurrent.ts'), recurrent)
  const grids = { generate: 4, trainGrids: 8, testGrids: 4, puzzlesPerGrid: 2, seed: 0 }
  expect(E.isRight(await buildSudoku({ ...grids, out: at('data') }, () => {})())).toBe(true)
  await trained('run', hrmRun)
  await trained('rnn', { kind: 'file', file: at('recurrent.ts') })
}, 120_000)
afterAll(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

const plots = ['accuracy.svg', 'halting.svg', 'participation.svg', 'residuals.svg', 'trajectory.svg']
const analysisIn = (out: string) =>
  JSON.parse(readFileSync(join(out, 'analysis.json'), 'utf8')) as {
    readonly models: readonly (Analysis & { readonly name: string; readonly trained: boolean })[]
  }

describe('thetagrad analyze', () => {
  test('writes the figures of a run, of the run untrained and of another model', async () => {
    said = ''
    const options = { limit: 6, against: [at('rnn')], untrained: true, examples: 2, out: at('found') } as const
    const answer = await analyze('run', options)
    expect(said).toContain('6 of 6 examples')
    expect(readdirSync(at('found')).sort()).toEqual([...plots, 'analysis.json'].sort())
    const { models } = analysisIn(at('found'))
    expect(models.map(({ name, trained }) => [name, trained])).toEqual([
      ['run', true],
      ['run untrained', false],
      ['rnn', true],
    ])
    const [run, untrained, rnn] = models
    expect(run!.calls).toEqual(['L', 'H', 'L', 'H'])
    expect(run!.residuals.map(({ state, steps }) => [state, steps.map((s) => s.step)])).toEqual([
      ['z_H', [2, 4, 6, 8]],
      ['z_L', [1, 3, 5, 7]],
    ])
    expect(run!.predictions.map(({ segments }) => segments.length)).toEqual([2, 2])
    const ways = ['0 z_H', '0 z_L', '1 z_H', '1 z_L']
    expect(run!.trajectories.map(({ example, state }) => `${example} ${state}`)).toEqual(ways)
    expect(run!.halting.first.reduce((a, b) => a + b, run!.halting.never)).toBe(6)
    expect(untrained!.participation[0]!.final).not.toBe(run!.participation[0]!.final)
    expect(rnn).toMatchObject({ segments: 1, haltingRule: 'q_halt > 0' })
    const first = { name: 'run', examples: 6, exact: run!.accuracy.at(-1)!.exact }
    expect(answer).toMatchObject(E.right({ json: { out: at('found'), models: [first, {}, {}] } }))
  })

  test('agrees with eval on the accuracies', async () => {
    const shared = { run: at('run'), split: 'test', limit: 5, segments: 3, backend: 'reference' } as const
    const evaluated = await evalCommand(shared)
    const analysed = await analyze('run', { limit: 5, segments: 3 })
    if (E.isLeft(evaluated) || E.isLeft(analysed)) throw new Error('it failed')
    const { bySegment } = evaluated.right.json as { bySegment: readonly { exact: number; token: number }[] }
    const { accuracy } = analysisIn(at('run', 'analysis')).models[0]!
    expect(accuracy.map(({ exact }) => exact)).toEqual(bySegment.map(({ exact }) => exact))
    expect(accuracy.map(({ token }) => token)).toEqual(bySegment.map(({ token }) => expect.closeTo(token, 6)))
  })

  test('says bad input in a sentence, before any work', async () => {
    const noun = 'source,question,answer,rating\n'
    writeFileSync(at('nine.csv'), `${noun}a,${nine.map((d, i) => (i === 0 ? '.' : d)).join('')},${nine.join('')},0\n`)
    writeFileSync(at('empty.csv'), noun)
    const wrong: readonly (readonly [Partial<AnalyzeOptions>, string])[] = [
      [{ run: at('nowhere') }, 'no such run folder'],
      [{ against: [at('data')] }, 'no config.json'],
      [{ out: at('recurrent.ts') }, 'this is no folder'],
      [{ data: at('nine.csv') }, 'the examples have 81 tokens, the model takes 16'],
      [{ data: at('empty.csv') }, 'no '],
    ]
    for (const [options, says] of wrong) {
      said = ''
      const answer = await analyze('run', { out: at('none'), ...options })
      expect(E.isLeft(answer) && answer.left[0]!.what).toContain(says)
      expect(said).not.toContain('segments, on')
    }
    expect(existsSync(at('none'))).toBe(false)
  })

  test('answers --json on stdout alone, and refuses a count that is none', async () => {
    const args = ['--limit', '2', '--untrained', '7', '--out', 'spawned', '--backend', 'reference', '--json']
    const [good, bad] = await Promise.all([
      thetagrad(['analyze', 'run', ...args]),
      thetagrad(['analyze', 'run', '--limit', '0']),
    ])
    expect(good.status, good.stderr).toBe(0)
    expect(good.stderr).toContain('run untrained (seed 7)')
    expect(JSON.parse(good.stdout)).toMatchObject({ out: 'spawned', models: [{ examples: 2 }, { trained: false }] })
    expect(bad.status).toBe(2)
  })

  test('leaves nothing behind after Ctrl-C', async () => {
    const long = ['analyze', 'run', '--segments', '100000', '--out', 'none', '--backend', 'reference']
    const { status, stderr } = await thetagrad(long, 'segments, on reference')
    expect(stderr).toContain('interrupted: nothing was written')
    expect(status).toBe(1)
    expect(existsSync(at('none'))).toBe(false)
  })
})

/** A solved grid, shifted by three a row and one a band. */
const nine = Array.from({ length: 81 }, (_, i) => 1 + ((3 * Math.floor(i / 9) + Math.floor(i / 27) + (i % 9)) % 9))
