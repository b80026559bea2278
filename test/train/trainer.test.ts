import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eqr, hrm, type Reasoner } from '../../src/hrm/index.js'
import type { Backend } from '../../src/ir/index.js'
import { init } from '../../src/nn/index.js'
import type { Problem } from '../../src/problem.js'
import { referenceBackend } from '../../src/reference/index.js'
import {
  type BatchStream,
  checkpointNamed,
  checkpointSteps,
  defaultSettings,
  latestCheckpoint,
  readCheckpoint,
  readEvaluations,
  readMetrics,
  readModel,
  type TrainingOptions,
  type TrainingReport,
  type TrainingSettings,
  train,
} from '../../src/train/index.js'
import { generatorOf, uniform } from '../../src/train/randomness.js'

/** A task of one step of thought: the label of a token is the token after it. */
const [sequence, vocabulary] = [4, 4]
const model = hrm({
  vocabulary,
  sequence,
  hidden: 8,
  heads: 2,
  expansion: 1,
  layers: { high: 1, low: 1 },
  puzzleEmbedding: 8,
  puzzles: 3,
  cycles: 1,
  steps: 1,
  maxSegments: 3,
})
/** Draws at every turn: where an example begins, and in every call. */
const noisy = eqr({
  vocabulary,
  sequence,
  hidden: 8,
  heads: 2,
  expansion: 1,
  layers: 1,
  cycles: 1,
  steps: 1,
  maxSegments: 3,
  noise: 0.1,
})
const settings: TrainingSettings = {
  ...defaultSettings,
  batch: 3,
  steps: 11,
  lr: 1e-2,
  puzzleLr: 1e-2,
  lrMinRatio: 0.1,
  warmup: 2,
  seed: 7,
  logEvery: 4,
  checkpointEvery: 6,
}

function* batches(taken: number): BatchStream {
  for (let t = taken; ; t++) {
    const random = generatorOf(1, t)
    const inputs = Int32Array.from({ length: settings.batch * sequence }, () =>
      Math.floor(uniform(random) * vocabulary),
    )
    yield {
      inputs,
      labels: inputs.map((token) => (token + 1) % vocabulary),
      puzzleIdentifiers: Int32Array.from({ length: settings.batch }, (_, b) => (t + b) % 3),
    }
  }
}

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'thetagrad-run-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Two batches to evaluate on. */
const evaluation = {
  count: 6,
  batches: (size: number) =>
    Array.from({ length: 6 / size }, (_, i) => {
      const { inputs, labels, puzzleIdentifiers } = batches(100 + i).next().value
      const first = (all: Int32Array) => all.slice(0, (all.length * size) / settings.batch)
      return { inputs: first(inputs), labels: first(labels), puzzleIdentifiers: first(puzzleIdentifiers) }
    }),
}

const run = (options: {
  readonly resume?: boolean
  readonly signal?: AbortSignal
  readonly settings?: TrainingSettings
  readonly evaluation?: TrainingOptions['evaluation'] & {}
  readonly batches?: (taken: number) => BatchStream
  readonly backend?: Backend
  readonly model?: Reasoner
}): Promise<E.Either<Problem, TrainingReport>> =>
  train({ backend: referenceBackend(), model, settings, batches, run: folder, resume: false, ...options })()

const empty = () => {
  rmSync(folder, { recursive: true })
  mkdirSync(folder)
}
const right = <A>(e: E.Either<Problem, A>): A => {
  if (E.isLeft(e)) throw new Error(JSON.stringify(e.left))
  return e.right
}
const best = () => {
  const named = checkpointNamed(folder, 'best')
  return E.isLeft(named) ? undefined : right(readCheckpoint(named.right)).step
}
const evaluations = () => readEvaluations(folder).map(({ seconds: _, ...line }) => line)
const newest = () => right(readCheckpoint(right(latestCheckpoint(folder))))
/** Metrics without the clock. */
const lines = () => readMetrics(folder).map(({ seconds: _, ...line }) => line)

/** Asks to stop while step `after` + 1 is being prepared. */
const stopping = (after: number) => {
  const controller = new AbortController()
  const stopped = (taken: number): BatchStream => {
    const stream = batches(taken)
    let t = taken
    return {
      next: () => {
        if (t++ === after) controller.abort()
        return stream.next()
      },
    }
  }
  return { signal: controller.signal, batches: stopped }
}

describe('training', () => {
  test('writes a line of metrics every few steps, checkpoints, and a report', async () => {
    const report = right(await run({}))
    expect(report).toMatchObject({ step: 11, interrupted: false })
    expect(lines().map(({ step }) => step)).toEqual([4, 8, 11])
    expect(checkpointSteps(folder)).toEqual([6, 11])
    for (const line of lines()) for (const value of Object.values(line)) expect(Number.isFinite(value)).toBe(true)
  })

  test.each([
    ['plain', settings],
    ['with averages, micro-batches and evaluations', { ...settings, ema: 0.9, accumulate: 3, evalEvery: 3 }],
    ['with averages, the best by loss', { ...settings, ema: 0.5, checkpointEvery: 2, keep: 1 }],
    ['in f16, the scale of the loss included', { ...settings, ema: 0.5, precision: 'f16' as const }],
    ['from noise', { ...settings, evalEvery: 3 }, noisy],
  ])(
    'a run interrupted anywhere and resumed ends with the very same metrics and state: %s',
    async (_, chosen, of = model) => {
      right(await run({ settings: chosen, evaluation, model: of }))
      const [whole, wholeLines, wholeEvaluations, wholeBest] = [newest(), lines(), evaluations(), best()]
      // The last step stands for the evaluation after it.
      for (const after of [2, 5, 7, settings.steps - 1]) {
        empty()
        const first = right(await run({ ...stopping(after), settings: chosen, evaluation, model: of }))
        const isUnfinished = after + 1 < settings.steps || 'evalEvery' in chosen
        expect(first).toMatchObject({ step: after + 1, interrupted: isUnfinished })
        const second = right(await run({ resume: true, settings: chosen, evaluation, model: of }))
        expect(second.interrupted).toBe(false)
        expect(lines()).toEqual(wholeLines)
        expect(evaluations()).toEqual(wholeEvaluations)
        const { state, ...all } = newest()
        expect(all).toEqual({ ...whole, state: undefined })
        expect({ ...state, seconds: 0 }).toEqual({ ...whole.state, seconds: 0 })
        expect(best()).toBe(wholeBest)
      }
    },
  )

  test('in f16 it tells the scale of the loss, and refuses a device that has no f16', async () => {
    const chosen = { ...settings, precision: 'f16' as const }
    const { f16: _, ...without } = referenceBackend()
    expect(await run({ settings: chosen, backend: without })).toMatchObject({
      left: { what: 'the adapter cannot train in f16' },
    })
    right(await run({ settings: chosen }))
    expect(lines().map(({ loss_scale }) => loss_scale)).toEqual([65536, 65536, 65536])
    expect(newest().optimizer.scaling!.data[1]).toBe(11)
  })

  test('an evaluation that the signal cuts short is made up for', async () => {
    const chosen = { ...settings, evalEvery: 3 }
    right(await run({ settings: chosen, evaluation }))
    const whole = evaluations()
    empty()
    const controller = new AbortController()
    const cut = {
      ...evaluation,
      batches: (size: number) => {
        controller.abort()
        return evaluation.batches(size)
      },
    }
    right(await run({ settings: chosen, evaluation: cut, signal: controller.signal }))
    expect([newest().step, evaluations()]).toEqual([3, []])
    right(await run({ settings: chosen, evaluation, resume: true }))
    expect(evaluations()).toEqual(whole)
  })

  test('a run killed before its first checkpoint begins anew', async () => {
    right(await run({}))
    const wholeLines = lines()
    rmSync(join(folder, 'checkpoints'), { recursive: true })
    right(await run({ resume: true }))
    expect(lines()).toEqual(wholeLines)
  })

  test('the average of the weights lies beside them, evaluation uses it, and live weights are as without it', async () => {
    right(await run({ settings: { ...settings, evalEvery: 11 }, evaluation }))
    const [plain, [live]] = [newest(), evaluations()]
    empty()
    right(await run({ settings: { ...settings, evalEvery: 11, ema: 0.999 }, evaluation }))
    const [averaged, [slow]] = [newest(), evaluations()]
    expect(averaged.model).toEqual(plain.model)
    expect(plain.average).toBeUndefined()
    expect(Object.keys(averaged.average!)).not.toContain('puzzle_emb.weights')
    // Almost the initial weights still.
    const initial = init(model.parameters, settings.seed)
    for (const [path, { data }] of Object.entries(averaged.average!))
      for (const [i, x] of data.entries()) expect(Math.abs(x - initial[path]![i]!)).toBeLessThan(2e-3)
    expect([live!.weights, slow!.weights]).toEqual(['live', 'ema'])
    expect(slow!.token).not.toBe(live!.token)
    const folderOfIt = right(latestCheckpoint(folder))
    expect(right(readModel(folderOfIt))).toEqual({ ...averaged.model, ...averaged.average })
    expect(right(readModel(folderOfIt, 'live'))).toEqual(averaged.model)
  })

  test('evaluates every so many steps and at the end, keeps the best, and stops without improvement', async () => {
    const lasting = { ...settings, steps: 40, evalEvery: 3, lr: 0, puzzleLr: 0, checkpointEvery: 5, keep: 1 }
    const report = right(await run({ settings: { ...lasting, patience: 4 }, evaluation }))
    // Nothing is learnt: the first evaluation is the best, and four more bring nothing.
    expect(report).toMatchObject({ step: 15, interrupted: false, best: { step: 3, by: 'exact' } })
    expect(report.stoppedEarly).toMatch(/^4 evaluations in a row/)
    expect(evaluations().map(({ step }) => step)).toEqual([3, 6, 9, 12, 15])
    expect([checkpointSteps(folder), best()]).toEqual([[3, 15], 3])
    // It stays stopped, unless it is given more patience.
    const again = right(await run({ resume: true, settings: { ...lasting, patience: 4 }, evaluation }))
    expect(again).toMatchObject({ step: 15, interrupted: false })
    const longer = right(await run({ resume: true, settings: { ...lasting, patience: 5 }, evaluation }))
    expect([longer.step, evaluations().length]).toEqual([18, 6])
  })

  test('stops when the answers in training stay right', async () => {
    const easy = {
      ...settings,
      steps: 400,
      lr: 2e-2,
      puzzleLr: 2e-2,
      warmup: 5,
      lrMinRatio: 1,
      logEvery: 4,
      stopAt: 0.9,
    }
    const report = right(await run({ settings: easy }))
    expect(report.stoppedEarly).toContain('10 lines of metrics')
    expect(
      lines()
        .slice(-10)
        .every((line) => line.count === 0 || line.exact_accuracy >= 0.9),
    ).toBe(true)
    expect(report.step).toBeLessThan(400)
    expect(newest().step).toBe(report.step)
  })

  test('lines that came after the checkpoint are not doubled when a run crashed', async () => {
    right(await run({}))
    const wholeLines = lines()
    // As after a crash at step 11: the newest checkpoint is that of step 6, the lines of steps 8 and 11 are there.
    rmSync(join(folder, 'checkpoints', 'step-11'), { recursive: true })
    right(await run({ resume: true }))
    expect(lines()).toEqual(wholeLines)
  })

  test('the same seed gives the same losses, another seed others', async () => {
    const losses = async (seed: number) => {
      empty()
      right(await run({ settings: { ...settings, seed, steps: 4 } }))
      return lines().map(({ loss }) => loss)
    }
    const first = await losses(1)
    expect(await losses(1)).toEqual(first)
    expect(await losses(2)).not.toEqual(first)
  })

  test('learns: the loss falls', async () => {
    right(await run({ settings: { ...settings, steps: 60, lr: 2e-2, logEvery: 10, checkpointEvery: 60 } }))
    const all = lines()
    expect(all.at(-1)!.lm_loss).toBeLessThan(0.7 * all[0]!.lm_loss)
  })

  test('a loss that is not a number stops it, naming step, part and tensor, and keeps the last good checkpoint', async () => {
    // A device that goes wrong: after step 8 it finds its parameters spoilt.
    const backend = referenceBackend()
    const spoilt: Backend = {
      ...backend,
      load: async (graph, dims) => {
        const executable = await backend.load(graph, dims)
        let t = 0
        return {
          ...executable,
          run: async (inputs) => {
            await executable.run(inputs)
            if (++t !== 8) return
            const { parameters } = await backend.read(['parameters'])
            backend.write('parameters', (parameters as Float32Array).fill(Number.NaN))
          },
        }
      },
    }
    const stopped = await run({ backend: spoilt })
    if (E.isRight(stopped)) throw new Error('the run went on')
    expect(stopped.left.what).toMatch(/^the loss of step 9 is not finite: lm_loss is NaN$/)
    expect(stopped.left.why).toContain('embed_tokens.embedding_weight and')
    expect(stopped.left.fix).toContain('step 6')
    expect(newest().step).toBe(6)
  })

  test('a checkpoint of another model is refused by name', async () => {
    right(await run({ settings: { ...settings, steps: 1 } }))
    const other = hrm({ vocabulary, sequence, hidden: 16, heads: 2, expansion: 1, layers: { high: 1, low: 1 } })
    const refused = await train({
      backend: referenceBackend(),
      model: other,
      settings,
      batches,
      run: folder,
      resume: true,
    })()
    expect(E.isLeft(refused) && refused.left.what).toBe(
      "the checkpoint's embed_tokens.embedding_weight is [4, 8], expected [4, 16]",
    )
  })

  test('progress tells loss, speed and what is left', async () => {
    let clock = 0
    const seen: number[] = []
    await train({
      backend: referenceBackend(),
      model,
      settings,
      batches,
      run: folder,
      resume: false,
      clock: () => (clock += 1000),
      progress: (p) => {
        seen.push(p.step)
        expect(p.stepsPerSecond).toBeGreaterThan(0)
        expect(p.secondsLeft).toBeGreaterThanOrEqual(0)
        expect(p.loss).toBeGreaterThan(0)
      },
    })()
    expect(seen).toEqual([4, 8, 11])
    expect(existsSync(join(folder, 'metrics.jsonl'))).toBe(true)
    expect(readFileSync(join(folder, 'metrics.jsonl'), 'utf8').endsWith('\n')).toBe(true)
  })
})
