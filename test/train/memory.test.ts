import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import type { Target } from '../../kernels/kernel.js'
import { compile } from '../../src/compile/index.js'
import { DeviceFailure, memoryPlan, openBackend } from '../../src/device/index.js'
import { cgar, hrm, type Reasoner, trm } from '../../src/hrm/index.js'
import type { Backend } from '../../src/ir/index.js'
import { problem } from '../../src/problem.js'
import {
  adviseOnMemory,
  defaultSettings,
  type HostBatch,
  loadTraining,
  stepGraphs,
  trainingMemory,
} from '../../src/train/index.js'

const sizes = { vocabulary: 5, sequence: 7, hidden: 16, heads: 2, expansion: 1, puzzles: 3 } as const
const models = [
  hrm({ ...sizes, layers: { high: 1, low: 2 } }),
  hrm({ ...sizes, layers: { high: 1, low: 1 }, positions: 'learned', puzzleEmbedding: 0 }),
  trm({ ...sizes, layers: 1, puzzleEmbedding: 8, puzzleTokens: 2 }),
]
const settings = { ...defaultSettings, logEvery: 3 }

/** Dawn's device that computes nothing: it allocates and compiles like any other. */
const open = async (): Promise<Backend | undefined> => {
  const opened = await openBackend({ backend: 'null' })()
  return E.isLeft(opened) ? undefined : opened.right
}

const [plain, unplaced, shared] = models
const runs = [
  { model: plain!, batch: 6, accumulate: 1, ema: undefined, evaluated: undefined },
  { model: unplaced!, batch: 1, accumulate: 1, ema: 0.9, evaluated: 5 },
  { model: shared!, batch: 12, accumulate: 3, ema: undefined, evaluated: 100 },
  { model: plain!, batch: 10, accumulate: 10, ema: 0.99, evaluated: 1 },
]

describe('what training will take is known before it is taken', () => {
  test.each(runs)(
    '$model.name, batch $batch in $accumulate, average $ema, $evaluated evaluated',
    async ({ model, batch, accumulate, ema, evaluated }) => {
      const backend = await open()
      if (backend === undefined) return
      const whole = { ...settings, batch, accumulate, ...(ema !== undefined && { ema }) }
      const known = trainingMemory(backend, model, whole, evaluated)
      expect(backend.peakBytes()).toBe(0)
      expect(E.isRight(await loadTraining(backend, model, whole, evaluated))).toBe(true)
      expect(known.bytes).toBe(backend.peakBytes())
      expect(known.bytes).toBeGreaterThan(0)
    },
  )
})

describe('a model in stages takes what its largest stage takes', () => {
  const { stages, ...last } = cgar({ ...sizes, layers: 1, puzzleEmbedding: 8, puzzleTokens: 2 }) as Reasoner
  const model: Reasoner = { ...last, stages: stages! }

  test.each([1, 2])('in %i micro-batches', async (accumulate) => {
    const backend = await open()
    if (backend === undefined) return
    const whole = { ...settings, batch: 4, accumulate, steps: 10 }
    const loaded = await loadTraining(backend, model, whole, 3)
    if (E.isLeft(loaded)) throw new Error(loaded.left.what)
    const first = backend.peakBytes()
    for (let t = 1; t <= whole.steps; t++) await loaded.right.step(t, zeros(model, whole.batch))
    const known = trainingMemory(backend, model, whole, 3).bytes
    expect(backend.peakBytes()).toBe(known)
    expect(known).toBeGreaterThan(first)
    expect(known).toBe(trainingMemory(backend, last, whole, 3).bytes)
  })

  test('is refused before its first step where that does not fit', async () => {
    const bytes = (of: Reasoner) => trainingMemory(onPaper(2 ** 40, 2 ** 40), of, { ...settings, batch: 6 }).bytes
    const [least, most] = [bytes(stages![0]!.model), bytes(last)]
    const device = { ...onPaper(2 ** 40, 2 ** 40, (least + most) / 2), load: () => expect.unreachable() }
    const refused = await loadTraining(device, model, { ...settings, batch: 6 })
    expect(E.isLeft(refused) && refused.left.what).toBe('a batch of 6 does not fit')
  })
})

/** A batch in which nothing is written. */
const zeros = ({ sizes: { sequence } }: Reasoner, batch: number): HostBatch => ({
  inputs: new Int32Array(batch * sequence),
  labels: new Int32Array(batch * sequence),
  puzzleIdentifiers: new Int32Array(batch),
})

/** A device of given limits on paper: programs are compiled for it, and nothing is allocated. */
const onPaper = (maxBindingBytes: number, maxBufferBytes: number, room = Number.POSITIVE_INFINITY) => {
  const target: Target = {
    ...{ adapterClass: 'gpu', subgroupSize: 0, maxBindingBytes, maxStorageBuffers: 8 },
    ...{ maxWorkgroupsPerDimension: 65535, maxWorkgroupInvocations: 256, maxWorkgroupMemoryBytes: 16384 },
  }
  return {
    plan: (graph, dims) => memoryPlan(compile(graph, dims, target), { maxBufferBytes, maxBindingBytes }),
    hasRoom: async (buffers) => buffers.reduce((a, b) => a + b, 0) <= room,
  } as Pick<Backend, 'plan' | 'hasRoom'> as Backend
}

describe('a batch that does not fit is refused with what does', () => {
  const model = hrm({ ...sizes, layers: { high: 1, low: 1 } })
  const batch = 12
  const oneOf = (n: number) => trainingMemory(onPaper(2 ** 40, 2 ** 40), model, { ...settings, batch: n }).bytes
  const devices = {
    'a limit of bindings': onPaper(9 * 8 * 512 * 4 + 100, 2 ** 40),
    'little memory': onPaper(2 ** 40, 2 ** 40, (oneOf(7) + oneOf(8)) / 2),
  }

  test.each(Object.entries(devices))('%s: as trying every one finds', async (_, device) => {
    const fits = async (changed: object) => {
      const { refusal, buffers } = trainingMemory(device, model, { ...settings, batch, ...changed })
      return refusal === undefined && (await device.hasRoom(buffers))
    }
    let most = 0
    for (let n = 1; n < batch; n++) if (await fits({ batch: n })) most = n
    let least = 0
    for (const n of [2, 3, 4, 6, 12]) if (least === 0 && (await fits({ accumulate: n }))) least = n
    expect(most).toBeGreaterThan(0)
    expect(least).toBeGreaterThan(0)
    const told = await adviseOnMemory(device, model, { ...settings, batch }, problem('no room'))
    expect(told.what).toBe('a batch of 12 does not fit')
    expect(told.fix).toContain(`--batch ${most} at most`)
    expect(told.fix).toContain(`--accumulate ${least} (micro-batches of ${batch / least},`)
  })

  test('more micro-batches than there are keep their number in the largest batch', async () => {
    const device = onPaper(2 ** 40, 2 ** 40, (oneOf(3) + oneOf(4)) / 2)
    const told = await adviseOnMemory(device, model, { ...settings, batch, accumulate: 2 }, problem('no room'))
    expect(told.what).toBe('a batch of 12 in 2 micro-batches does not fit')
    expect(Number(/--batch (\d+)/.exec(told.fix!)?.[1]) % 2).toBe(0)
  })

  test('a model whose parameters alone are too many fits no batch', async () => {
    const told = await adviseOnMemory(onPaper(1000, 2 ** 40), model, { ...settings, batch }, problem('no room'))
    expect(told.what).toContain('does not fit, whatever the batch')
    expect(told.why).toContain('this adapter allows')
  })

  test('what could not be loaded holds no memory, and a smaller batch can be loaded after it', async () => {
    const backend = await open()
    if (backend === undefined) return
    const [graph] = stepGraphs(model, settings).stages[0]!
    await expect(backend.load(graph, { batch: 2 ** 21 })).rejects.toBeInstanceOf(DeviceFailure)
    expect(backend.peakBytes()).toBe(0)
    expect(E.isRight(await loadTraining(backend, model, { ...settings, batch: 2 }))).toBe(true)
  })
})
