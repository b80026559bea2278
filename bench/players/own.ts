/** This library as a player of `bench/peers.ts`; `own.ts f16`: in mixed precision, on matrix units where there are any. */
import { readFileSync } from 'node:fs'
import * as E from 'fp-ts/lib/Either.js'
import { matmul } from '../../kernels/matmul/index.js'
import {
  allocate,
  commandBuffer,
  commandOf,
  type Device,
  dispatch,
  finished,
  openDevice,
  readBack,
  webgpuBackend,
  write,
} from '../../src/device/index.js'
import type { HostArray } from '../../src/ir/index.js'
import { type Problem, showProblem } from '../../src/problem.js'
import {
  arenaOf,
  evaluationSegment,
  freshScaling,
  metricNames,
  parametersOutside,
  type StoredTensor,
  type StoredTensors,
  streamedRates,
  trainingStep,
  unpackArena,
} from '../../src/train/index.js'
import { carryOf, modelOf, residentParametersOf, settingsOf } from './cases.js'
import { type HrmTask, type MatmulTask, type Prepared, serve } from './protocol.js'
import { readTensors, writeTensors } from './tensors.js'

const certain = <A>(result: E.Either<Problem, A>): A => {
  if (E.isLeft(result)) throw new Error(showProblem(result.left))
  return result.right
}

const precision = process.argv[2] === 'f16' ? 'f16' : 'f32'
const isHalf = precision === 'f16'

let opened: Device | undefined
const theDevice = async (): Promise<Device> => {
  opened ??= certain(await openDevice({ matrix: async () => precision === 'f16' })())
  return opened
}

const store = (folder: string, tensors: StoredTensors): void =>
  writeTensors(folder, isHalf ? 'thetagrad-f16' : 'thetagrad', tensors)

const prepareMatmul = async ({ layout, m, n, k }: MatmulTask, folder: string): Promise<Prepared> => {
  const device = await theDevice()
  const { a, b } = readTensors(folder, 'inputs')
  const buffers = await Promise.all(
    [m * k, k * n, m * n].map(async (elements) => certain(await allocate(device, elements * 4, 'operand')())),
  )
  write(device, buffers[0]!, a!.data)
  write(device, buffers[1]!, b!.data)
  const kernel = matmul({ layout, batch: 1, m, n, k }, device.target)
  const ranges = buffers.map((buffer) => ({ buffer, offset: 0, bytes: buffer.size }))
  await dispatch(device, kernel, ranges)
  const [c] = await readBack(device, [{ buffer: buffers[2]!, offset: 0, bytes: m * n * 4 }])
  store(folder, { c: { shape: [m, n], data: new Float32Array(c!) } })
  const command = await commandOf(device, kernel, ranges)
  return {
    run: () => {
      device.gpu.queue.submit([commandBuffer(device, [command])])
    },
    finish: () => finished(device),
    drop: () => {
      for (const buffer of buffers) buffer.destroy()
    },
  }
}

const prepareHrm = async (task: HrmTask, folder: string): Promise<Prepared> => {
  // A backend of its own, so that residents of one task do not meet those of another.
  const device = await theDevice()
  const backend = webgpuBackend(device)
  const model = modelOf(task)
  const inputs = readTensors(folder, 'inputs')
  const settings = settingsOf(task, precision)
  const streamed = (name: string) => inputs[name]!.data
  const batch = Object.fromEntries(
    ['batch.inputs', 'batch.labels', 'batch.puzzle_identifiers'].map((name) => [name, streamed(name)]),
  )
  for (const [name, data] of Object.entries(residentParametersOf(task, inputs))) backend.write(name, data)
  if (task.kind === 'evaluate') {
    const segment = await backend.load(evaluationSegment(model, 'evaluation'), { batch: task.batch })
    const run = async (): Promise<Readonly<Record<string, HostArray>>> => {
      await segment.run({ ...batch, fresh: Int32Array.of(1) })
      return segment.read(['predictions', 'labelled', 'right', 'q_halt', 'stops'])
    }
    const first = await run()
    store(folder, {
      predictions: { shape: [task.batch, task.sequence], data: first.predictions! },
      q_halt: { shape: [task.batch], data: first.q_halt! },
    })
    return { run: async () => void (await run()), finish: async () => {} }
  }
  const arena = arenaOf(model.parameters)
  for (const [name, data] of Object.entries({
    ...carryOf(task),
    ...emptyMoments(arena.size, settings.window),
    ...(isHalf && { scaling: freshScaling() }),
  }))
    backend.write(name, data)
  const step = await backend.load(trainingStep(model, settings), { batch: task.batch })
  let t = 0
  const run = async () => {
    t++
    const { lr, puzzleLr } = task
    await step.run({
      ...batch,
      'explore.uniform': streamed('explore.uniform'),
      'explore.min_steps': streamed('explore.min_steps'),
      ...streamedRates(settings, { t, lr, puzzleLr, globalBatch: task.batch }),
    })
  }
  /** Of one step: the sums of its metrics. */
  const metrics = async () => {
    const history = (await backend.read(['metrics.history']))['metrics.history'] as Float32Array
    const at = (t % settings.window) * metricNames.length
    return history.slice(at, at + metricNames.length)
  }
  await run()
  const [losses, first] = [await metrics(), await backend.read(['moments.m'])]
  await run()
  await run()
  const last = await backend.read(['parameters', ...parametersOutside(model.parameters).map(({ path }) => path)])
  const named = (prefix: string, flat: HostArray): Readonly<Record<string, StoredTensor>> => {
    const pieces = unpackArena(arena, flat as Float32Array)
    return Object.fromEntries(
      arena.entries.map(({ path, shape }) => [`${prefix}${path}`, { shape, data: pieces[path]! }]),
    )
  }
  store(folder, {
    losses: { shape: [4], data: losses.slice(0, 4) },
    ...named('m.', first['moments.m']!),
    ...named('final.', last.parameters!),
    'final.puzzle_emb.weights': { shape: [1, task.hidden], data: last['puzzle_emb.weights']! },
  })
  return { run, finish: async () => void (await metrics()) }
}

const emptyMoments = (size: number, window: number): Readonly<Record<string, HostArray>> => ({
  'moments.m': new Float32Array(size),
  'moments.v': new Float32Array(size),
  'metrics.history': new Float32Array(window * metricNames.length),
})

await serve({
  open: async () => {
    const { description } = await theDevice()
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    return { library: 'thetagrad', version, adapter: `${description.device}, ${description.description}` }
  },
  prepare: (task, folder) => (task.kind === 'matmul' ? prepareMatmul(task, folder) : prepareHrm(task, folder)),
})
