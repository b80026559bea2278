/** `train` and `eval` with averages, evaluations on the way, early stopping, and settings from the command line. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDevice } from '../support/run-kernel.js'

const main = resolve('src/cli/main.ts')
const tsx = resolve('node_modules/tsx/dist/loader.mjs')

let folder = ''
const at = (...path: readonly string[]) => join(folder, ...path)

const thetagrad = (...args: readonly string[]) =>
  new Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }>((done) => {
    const child = spawn(process.execPath, ['--import', tsx, main, ...args], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (text) => {
      stdout += text
    })
    child.stderr.on('data', (text) => {
      stderr += text
    })
    child.on('close', (status) => done({ status, stdout, stderr }))
  })
const json = async (...args: readonly string[]) => {
  const { status, stdout, stderr } = await thetagrad(...args, '--json')
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as Record<string, unknown>
}
const refused = async (status: 1 | 2, args: readonly string[], ...says: readonly string[]) => {
  const result = await thetagrad(...args)
  for (const text of says) expect(result.stderr).toContain(text)
  expect(result.status).toBe(status)
  expect(existsSync(at('none'))).toBe(false)
}

const puzzle = '1...3.2..1...4.2'
const config = `import { hrm } from 'thetagrad'
export default {
  model: hrm({
    vocabulary: 6, sequence: 16, hidden: 8, heads: 2, expansion: 1, layers: { high: 1, low: 1 },
    puzzleEmbedding: 8, cycles: 1, steps: 1, maxSegments: 2,
  }),
  training: { batch: 4, steps: 40, logEvery: 1, warmup: 0, lr: 1e-3 },
}
`
const onReference = ['--data', 'data', '--backend', 'reference']
const training = ['train', '--config', 'model.ts', ...onReference, '--out']

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'thetagrad-training-'))
  writeFileSync(at('model.ts'), config)
  writeFileSync(at('puzzles.csv'), `source,question,answer,rating\na,124334212134431.,1243342121344312,0\n`)
  const grids = ['--train-grids', '8', '--test-grids', '3', '--puzzles-per-grid', '2']
  await json('data', 'sudoku', '--generate', '4', ...grids, '--out', 'data')
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a run with everything', () => {
  let report: Record<string, unknown> = {}
  beforeAll(async () => {
    const watched = ['--eval-every', '2', '--eval-limit', '4', '--patience', '2', '--set', 'keep=1']
    const recipe = ['--ema', '0.99', '--accumulate', '2', '--set', 'lr=0', '--set', 'puzzleLr=0']
    report = await json(...training, 'run', ...watched, ...recipe)
  }, 120_000)

  test('stops early, and says why and which checkpoint is the best', () => {
    // Nothing is learnt at a rate of 0: the first evaluation stays the best.
    expect(report).toMatchObject({ step: 6, steps: 40, interrupted: false, best: { step: 2, by: 'exact' } })
    expect(report.stoppedEarly).toContain('patience 2')
    expect(readFileSync(at('run', 'checkpoints', 'best'), 'utf8')).toBe('step-2\n')
  })

  test('has what the command line changed in its config, and evaluations among its metrics', () => {
    expect(JSON.parse(readFileSync(at('run', 'config.json'), 'utf8')).training).toMatchObject({
      ema: 0.99,
      accumulate: 2,
      lr: 0,
      evalEvery: 2,
      patience: 2,
    })
    const lines = readFileSync(at('run', 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const evaluations = lines.filter(({ kind }) => kind === 'evaluation')
    expect(evaluations.map(({ step }) => step)).toEqual([2, 4, 6])
    expect(evaluations[0]).toMatchObject({ examples: 4, segments: 2, weights: 'ema' })
    expect(lines.filter(({ kind }) => kind === undefined).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('is evaluated at the best checkpoint or another, with live or averaged weights', async () => {
    const evaluated = (...more: readonly string[]) =>
      json('eval', 'run', '--limit', '4', '--backend', 'reference', ...more)
    const best = await evaluated('--checkpoint', 'best')
    expect(best).toMatchObject({ weights: 'ema', examples: 4 })
    expect(best.checkpoint).toMatch(/step-2$/)
    expect(await evaluated('--weights', 'live')).toMatchObject({ weights: 'live' })
    await refused(
      1,
      ['eval', 'run', '--checkpoint', 'step-3'],
      'no checkpoint "step-3"',
      'latest, best, step-2, step-6',
    )
    expect(await json('solve', 'run', puzzle, '--weights', 'live', '--backend', 'reference')).toMatchObject({
      segments: 2,
    })
  })

  test('goes on with more patience, but not with another recipe', async () => {
    const more = await json('train', '--out', 'run', '--resume', '--patience', '3', '--backend', 'reference')
    expect(more).toMatchObject({ step: 8 })
    await refused(2, ['train', '--out', 'run', '--resume', '--set', 'lr=1'], 'leave out lr', 'what may change is steps')
  })
})

describe('before a run begins', () => {
  /** The width of a binding that software adapters allow, on which the numbers below rest. */
  const BINDING = 2 ** 27

  test('a batch that does not fit is refused with one that does, and no run folder is made', async (context) => {
    const device = await testDevice()
    if (E.isLeft(device) || device.right.target.maxBindingBytes !== BINDING) return context.skip()
    const preset = ['train', '--preset', 'sudoku-4x4', '--data', 'data', '--out', 'none', '--steps', '1']
    // The widest tensor is gate and up of SwiGLU: [batch, 17, 2·256] in f32.
    const most = Math.floor(BINDING / (17 * 2 * 256 * 4))
    const says = ['a batch of 4000 does not fit', '--accumulate 2 (micro-batches of 2000,', `--batch ${most} at most`]
    await refused(1, [...preset, '--batch', '4000'], ...says)
  }, 120_000)

  test('a profile needs an adapter but no run folder; training needs one', async () => {
    const here = ['train', '--config', 'model.ts', '--data', 'data']
    await refused(2, [...here], 'give --out FOLDER')
    await refused(2, [...here, '--profile', '--backend', 'reference'], '--profile needs an adapter')
    await refused(2, [...here, '--profile', '0'], 'It must be a whole number')
  }, 120_000)
})

describe('settings on the command line', () => {
  test('are refused with a sentence: unknown, of a wrong kind, contradictory', async () => {
    await refused(2, [...training, 'none', '--set', 'speed=1'], 'no training setting "speed"', 'the settings are loss')
    await refused(2, [...training, 'none', '--set', 'lr=fast'], 'lr is "fast": give a number ≥ 0')
    await refused(2, [...training, 'none', '--ema', '1'], 'ema is 1: give a number > 0 and < 1')
    await refused(1, [...training, 'none', '--accumulate', '3'], 'a batch of 4 cannot be made of 3 micro-batches')
    await refused(1, [...training, 'none', '--patience', '3'], 'patience needs evaluations', 'set evalEvery')
  }, 120_000)

  test('change the sizes of a preset', async () => {
    const small = ['hidden=8', 'layers.high=2', 'expansion=0.5', 'maxSegments=2', 'puzzleEmbedding=8', 'positions=none']
    const preset = ['train', '--preset', 'sudoku-4x4', ...onReference, '--batch', '2', '--steps', '1']
    const sizes = (given: readonly string[]) => given.flatMap((size) => ['--set', `model.${size}`])
    await json(...preset, '--out', 'small', ...sizes(small))
    const { model } = JSON.parse(readFileSync(at('small', 'config.json'), 'utf8'))
    expect(model.sizes).toMatchObject({ hidden: 8, layers: { high: 2, low: 1 }, positions: 'none', vocabulary: 6 })
    const none = [...preset, '--out', 'none']
    await refused(1, [...none, ...sizes(['width=8'])], 'no size "width"', 'vocabulary, sequence, hidden')
    await refused(1, [...none, ...sizes(['heads=2.5'])], 'model.heads is "2.5"', 'whole number')
    await refused(1, [...none, ...sizes(['heads=3'])], 'sudoku-4x4: ', '64')
    await refused(2, [...training, 'none', ...sizes(['hidden=8'])], 'change a model of your own in its file')
  }, 120_000)

  test('a single file is not evaluated on by itself', async () => {
    const alone = ['train', '--config', 'model.ts', '--backend', 'reference', '--data', 'puzzles.csv', '--out', 'none']
    await refused(1, [...alone, '--eval-every', '2'], 'no test split', '--eval-data FILE')
  })

  test('a run that was trained on a single file is evaluated on another', async () => {
    const alone = ['train', '--config', 'model.ts', '--backend', 'reference', '--data', 'puzzles.csv', '--out', 'none']
    await json(...alone.slice(0, -1), 'alone', '--steps', '1')
    await refused(1, ['eval', 'alone', '--backend', 'reference'], 'not trained on', '--data DIR')
    await json('eval', 'alone', '--backend', 'reference', '--data', 'data')
  }, 240_000)

  test('that nothing would come of are refused', async () => {
    await refused(1, [...training, 'none', '--eval-data', 'data'], 'nothing is evaluated', 'add --eval-every')
    await refused(1, [...training, 'none', '--augment', '2'], 'has its augmentations already')
    await refused(2, ['train', '--config', 'model.ts', '--data', 'data', '--profile', '--tune'], 'leave out --tune')
    await refused(2, ['data', 'sudoku', '--generate', '4', '--no-check-unique', '--out', 'none'], 'have one solution')
  }, 240_000)

  test('are all in the help, with examples', async () => {
    const { stdout } = await thetagrad('train', '--help')
    for (const word of ['puzzleWeightDecay', 'evalSplit', '--set', '--stop-at', '$ thetagrad train'])
      expect(stdout).toContain(word)
  })
})
