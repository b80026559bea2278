/**
 * The WebGPU backend: runs compiled programs on a device. Resident tensors are buffers shared by name; a program's own
 * buffers are allocated once, its pipelines and bind groups made once, and a run is one upload, one encoder and one
 * submit. Results are waited for only when they are read.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type BufferRange, compile, type Program, type Slot, workspaceBytes } from '../compile/index.js'
import type { Backend, DType, Executable, Graph, HostArray } from '../ir/index.js'
import { type Problem, problem } from '../problem.js'
import type { Dims } from '../shape/index.js'
import { assertAlive, type Device, DeviceFailure, type DeviceOptions, halfSupport, openDevice } from './adapter.js'
import { allocate, type Range, readBack, write } from './buffer.js'
import { compileAhead } from './compile-ahead.js'
import { commandOf, encode, isCompiled, pipelineOf } from './dispatch.js'
import { allocatedImageBytes, reserveImages } from './image.js'
import { demandRoom, hasRoom, planOn } from './memory.js'
import { type Recorder, recorder } from './profile.js'
import { noStore, restoreTuning, type TuningStore, tuneProgram } from './tuning.js'
import { settled } from './waiting.js'

/** Opens the fastest adapter and makes a backend of it, which uses what was measured on it. */
export const openBackend =
  (options: DeviceOptions & { readonly tuning?: TuningStore } = {}): TaskEither<Problem, Backend> =>
  async () => {
    const device = await openDevice(options)()
    return E.isLeft(device) ? device : E.right(webgpuBackend(device.right, compile, options.tuning))
  }

/** How many runs may be on their way before `run` waits: enough to keep the device busy, few enough to stop soon. */
const IN_FLIGHT = 2

const hostArray = (dtype: DType, bytes: ArrayBuffer): HostArray =>
  dtype === 'f32' ? new Float32Array(bytes) : dtype === 'i32' ? new Int32Array(bytes) : new Uint32Array(bytes)

/** `compileGraph` makes the programs: another checkout's, when a benchmark compares two. */
export const webgpuBackend = (
  device: Device,
  compileGraph: typeof compile = compile,
  store: TuningStore = noStore,
): Backend => {
  restoreTuning(device, store)
  const programOf = (graph: Graph, dims: Dims) => compileGraph(graph, dims, device.target, device.tuning)
  const residents = new Map<string, { readonly buffer: GPUBuffer; readonly elements: number; dtype: DType }>()
  let [bytes, peak] = [0, 0]
  const make = async (size: number, label: string): Promise<GPUBuffer> => {
    const buffer = await allocate(device, size, label)()
    if (E.isLeft(buffer)) throw new DeviceFailure(buffer.left)
    bytes += buffer.right.size
    return buffer.right
  }
  /** Written before any graph declared them. */
  const early = new Map<string, HostArray>()
  const declare = async (name: string, slot: Slot): Promise<GPUBuffer> => {
    const known = residents.get(name)
    if (known !== undefined) {
      if (known.elements !== slot.elements)
        throw new Error(`resident ${name} has ${known.elements} elements, a graph wants ${slot.elements}`)
      return known.buffer
    }
    const buffer = await make(slot.range.bytes, name)
    residents.set(name, { buffer, elements: slot.elements, dtype: slot.dtype })
    const data = early.get(name)
    if (data !== undefined) {
      early.delete(name)
      writeResident(name, data)
    }
    return buffer
  }
  const writeResident = (name: string, data: HostArray): void => {
    const resident = residents.get(name)
    if (resident === undefined) {
      early.set(name, data)
      return
    }
    if (data.length !== resident.elements)
      throw new Error(`resident ${name} has ${resident.elements} elements, given ${data.length}`)
    write(device, resident.buffer, data)
  }

  const f16 = halfSupport(device.target)
  const profiler = device.profile ? recorder(device) : undefined
  return {
    ...(profiler !== undefined && { profiler }),
    name: device.description.description || device.description.device || device.description.vendor,
    kind: device.target.adapterClass,
    ...(f16 !== undefined && { f16 }),
    load: async (graph, dims) => {
      const program = programOf(graph, dims)
      const known = new Set(residents.keys())
      demandRoom(program, device, (name) => !known.has(name))
      const buffers: GPUBuffer[] = []
      const release = (isOurs: (name: string) => boolean) =>
        buffers.forEach((buffer, i) => {
          const { kind, name } = program.buffers[i]!
          if (kind === 'resident' && !isOurs(name)) return
          if (kind === 'resident') residents.delete(name)
          bytes -= buffer.size
          buffer.destroy()
        })
      try {
        for (const b of program.buffers)
          buffers.push(
            b.kind === 'resident' ? await declare(b.name, program.residents[b.name]!) : await make(b.bytes, b.name),
          )
        const made = await executable(device, program, buffers, profiler)
        peak = Math.max(peak, bytes + allocatedImageBytes(device))
        return { ...made, workspaceBytes: workspaceBytes(program), dispose: () => release(() => false) }
      } catch (cause) {
        release((name) => !known.has(name))
        throw cause
      }
    },
    write: writeResident,
    read: async (names) => {
      const ranges = names.map((name): Range => {
        const r = residents.get(name)
        if (r === undefined) throw new Error(`there is no resident tensor ${name}`)
        return { buffer: r.buffer, offset: 0, bytes: r.elements * 4 }
      })
      const data = await readBack(device, ranges)
      return Object.fromEntries(names.map((name, i) => [name, hostArray(residents.get(name)!.dtype, data[i]!)]))
    },
    plan: (graph, dims) => planOn(device, programOf(graph, dims)),
    hasRoom: (sizes) => hasRoom(device, sizes),
    tune: (graph, dims, options) => tuneProgram(device, programOf(graph, dims), store, options),
    peakBytes: () => peak,
    dispose: () => device.dispose(),
  }
}

const executable = async (
  device: Device,
  program: Program,
  buffers: readonly GPUBuffer[],
  profiler: Recorder | undefined,
): Promise<Pick<Executable, 'run' | 'read'>> => {
  const range = ({ buffer, offset, bytes }: BufferRange): Range => ({ buffer: buffers[buffer]!, offset, bytes })
  for (const { range: r, data } of program.literals) write(device, buffers[r.buffer]!, data, r.offset)
  const unknown = program.kernels.filter((kernel) => !isCompiled(device, kernel))
  await Promise.all(program.kernels.map((k) => pipelineOf(device, k)))
  await compileAhead(device, unknown)
  reserveImages(device, program)
  const commands = await Promise.all(
    program.dispatches.map((d) => commandOf(device, program.kernels[d.kernel]!, d.bindings.map(range))),
  )
  const streamed = Object.entries(program.streamed)
  const streamedBuffer = program.buffers.findIndex((b) => b.kind === 'streamed')
  const upload = new ArrayBuffer(streamedBuffer < 0 ? 0 : program.buffers[streamedBuffer]!.bytes)
  /** The runs that are on their way, the oldest first. */
  let pending: readonly Promise<unknown>[] = []

  const fill = (inputs: Readonly<Record<string, HostArray>>): void => {
    for (const [name, { range: r, elements, dtype }] of streamed) {
      const data = inputs[name]
      if (data === undefined) throw new Error(`the streamed input ${name} is missing`)
      if (data.length !== elements) throw new Error(`the input ${name} has ${elements} elements, given ${data.length}`)
      const view = hostArray(dtype, upload)
      view.set(data, r.offset / 4)
    }
    if (streamedBuffer >= 0) write(device, buffers[streamedBuffer]!, new Uint32Array(upload))
  }

  return {
    run: async (inputs) => {
      assertAlive(device)
      if (pending.length >= IN_FLIGHT) {
        await settled(pending[0]!)
        pending = pending.slice(1)
        assertAlive(device)
      }
      fill(inputs)
      const encoder = device.gpu.createCommandEncoder()
      if (profiler?.isOn() === true) profiler.encode(encoder, program, commands)
      else encode(encoder, commands)
      for (const { from, to } of program.copies)
        encoder.copyBufferToBuffer(buffers[from.buffer]!, from.offset, buffers[to.buffer]!, to.offset, to.bytes)
      device.gpu.queue.submit([encoder.finish()])
      const done = device.gpu.queue.onSubmittedWorkDone()
      // Where the device breaks, it is said by whoever asks it next.
      done.catch(() => {})
      pending = [...pending, done]
    },
    read: async (names) => {
      const slots = names.map((name) => {
        const slot = program.outputs[name]
        if (slot === undefined) throw new Error(`the graph has no output ${name}`)
        return slot
      })
      const data = await readBack(
        device,
        slots.map((s) => ({ ...range(s.range), bytes: s.elements * 4 })),
      )
      pending = []
      return Object.fromEntries(names.map((name, i) => [name, hostArray(slots[i]!.dtype, data[i]!)]))
    },
  }
}

/** A problem for the person at the terminal, from whatever a device threw. */
export const deviceProblem = (cause: unknown): Problem =>
  cause instanceof DeviceFailure
    ? cause.problem
    : problem('the computation failed', { why: cause instanceof Error ? cause.message : String(cause) })
