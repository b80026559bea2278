/**
 * Where the time of a program goes, kernel by kernel. On a software adapter one dispatch of each, submitted over and over, its
 * processor time (of this process, all cores; it hardly moves when other work shares the host) multiplied by how often the
 * program dispatches it. A GPU lowers its clocks between such submissions: there whole steps run, with timestamps.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { BufferRange, Program } from '../../src/compile/index.js'
import { allocate, commandBuffer, commandOf, type Device, finished, write } from '../../src/device/index.js'
import type { HostArray, Profiler } from '../../src/ir/index.js'
import { showProblem } from '../../src/problem.js'

export interface KernelTime {
  readonly kernel: string
  readonly dispatches: number
  /** Of all its dispatches. */
  readonly milliseconds: number
}

/** A timed submission takes about this long, so that its fixed cost does not count. */
const MILLISECONDS = 12
const ROUNDS = 3

/** The dearest first. Residents and streams start as `values`, all else as zeros. */
export const profile = async (
  device: Device,
  program: Program,
  values: Readonly<Record<string, HostArray>>,
): Promise<readonly KernelTime[]> => {
  const made: GPUBuffer[] = []
  for (const { bytes, name } of program.buffers) {
    const buffer = await allocate(device, bytes, name)()
    if (E.isLeft(buffer)) throw new Error(showProblem(buffer.left))
    made.push(buffer.right)
  }
  const put = ({ buffer, offset }: BufferRange, data: HostArray) => write(device, made[buffer]!, data, offset)
  for (const { range, data } of program.literals) put(range, data)
  for (const [name, slot] of Object.entries({ ...program.streamed, ...program.residents }))
    if (values[name] !== undefined) put(slot.range, values[name])
  const clock = (): number => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e3
  }
  const times: KernelTime[] = []
  for (const [number, kernel] of program.kernels.entries()) {
    const uses = program.dispatches.filter((d) => d.kernel === number)
    const ranges = uses[0]!.bindings.map(({ buffer, ...range }) => ({ buffer: made[buffer]!, ...range }))
    const command = await commandOf(device, kernel, ranges)
    const run = async (repeats: number): Promise<number> => {
      const work = commandBuffer(device, [command], repeats)
      const start = clock()
      device.gpu.queue.submit([work])
      await finished(device)
      return (clock() - start) / repeats
    }
    await run(1)
    const once = await run(1)
    const repeats = Math.max(1, Math.min(200, Math.round(MILLISECONDS / once)))
    const seen = [once]
    for (let round = 0; round < ROUNDS; round++) seen.push(await run(repeats))
    times.push({ kernel: kernel.name, dispatches: uses.length, milliseconds: uses.length * Math.min(...seen) })
  }
  for (const buffer of made) buffer.destroy()
  return times.sort((a, b) => b.milliseconds - a.milliseconds)
}

/** Of a step among several, all with timestamps around every dispatch; `step` runs one. The dearest first. */
export const profileSteps = async (
  profiler: Profiler,
  step: () => Promise<unknown>,
): Promise<readonly KernelTime[]> => {
  await step()
  profiler.start()
  for (let round = 0; round < ROUNDS; round++) await step()
  const times = new Map<string, { dispatches: number; milliseconds: number }>()
  for (const { kernel, seconds } of await profiler.stop()) {
    const { dispatches, milliseconds } = times.get(kernel) ?? { dispatches: 0, milliseconds: 0 }
    times.set(kernel, { dispatches: dispatches + 1, milliseconds: milliseconds + 1e3 * seconds })
  }
  return [...times]
    .map(([kernel, { dispatches, milliseconds }]) => ({
      kernel,
      dispatches: dispatches / ROUNDS,
      milliseconds: milliseconds / ROUNDS,
    }))
    .sort((a, b) => b.milliseconds - a.milliseconds)
}

export type Share = 'matmul' | 'attention' | 'rest'
export const shareOf = (kernel: string): Share =>
  kernel.startsWith('matmul') ? 'matmul' : kernel.startsWith('attention') ? 'attention' : 'rest'
