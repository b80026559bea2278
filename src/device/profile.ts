/**
 * Where the time of runs goes: while a profiler is on, every dispatch is encoded in a pass of its own between two
 * timestamps, because WebGPU takes them at the borders of passes only. That costs a few microseconds a dispatch.
 */
import type { BufferRange, Program } from '../compile/index.js'
import type { KernelTime, Profiler } from '../ir/index.js'
import type { Device } from './adapter.js'
import { type Range, readBack } from './buffer.js'
import { type Command, encode } from './dispatch.js'

/** A profiler as the backend sees it. */
export interface Recorder extends Profiler {
  readonly isOn: () => boolean
  /** Encodes the dispatches of one run. */
  readonly encode: (encoder: GPUCommandEncoder, program: Program, commands: readonly Command[]) => void
}

/** Timestamps a query set may hold, by the specification. */
const MOST_QUERIES = 4096

/** What one run left behind: a buffer of timestamps, a pair for every dispatch. */
interface Run {
  readonly program: Program
  readonly stamps: Range
}

/** None where the adapter takes no timestamps. */
export const recorder = (device: Device): Recorder | undefined => {
  const { gpu } = device
  if (!gpu.features.has('timestamp-query')) return undefined
  const sets = new Map<Program, readonly GPUQuerySet[]>()
  const setsOf = (program: Program): readonly GPUQuerySet[] => {
    const known = sets.get(program)
    if (known !== undefined) return known
    const made: GPUQuerySet[] = []
    for (let left = 2 * program.dispatches.length; left > 0; left -= MOST_QUERIES)
      made.push(gpu.createQuerySet({ type: 'timestamp', count: Math.min(left, MOST_QUERIES) }))
    sets.set(program, made)
    return made
  }
  let runs: Run[] | undefined
  return {
    isOn: () => runs !== undefined,
    encode: (encoder, program, commands) => {
      const querySets = setsOf(program)
      const bytes = 16 * commands.length
      const buffer = gpu.createBuffer({
        label: 'timestamps',
        size: Math.max(16, bytes),
        usage: QUERY_RESOLVE | COPY_SRC,
      })
      encode(encoder, commands, (i) => {
        const at = (2 * i) % MOST_QUERIES
        const querySet = querySets[Math.floor((2 * i) / MOST_QUERIES)]!
        return { querySet, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 }
      })
      querySets.forEach((set, i) => {
        encoder.resolveQuerySet(set, 0, set.count, buffer, 8 * MOST_QUERIES * i)
      })
      runs?.push({ program, stamps: { buffer, offset: 0, bytes } })
    },
    start: () => {
      runs = []
    },
    stop: async () => {
      const measured = runs ?? []
      runs = undefined
      const times: KernelTime[] = []
      for (const { program, stamps } of measured) {
        const [data] = await readBack(device, [stamps])
        times.push(...timesOf(program, new BigUint64Array(data!)))
        stamps.buffer.destroy()
      }
      return times
    },
  }
}

/** A pair of nanoseconds for every dispatch. */
const timesOf = ({ kernels, dispatches, buffers }: Program, stamps: BigUint64Array): readonly KernelTime[] =>
  dispatches.map(({ kernel, bindings, flops }, i) => ({
    kernel: kernels[kernel]!.name,
    // A driver may write them out of order when it overlaps passes.
    seconds: Math.max(0, Number(stamps[2 * i + 1]! - stamps[2 * i]!)) / 1e9,
    flops,
    bytes: bindings.reduce((n, range) => n + range.bytes, 0),
    residents: bindings
      .map(({ buffer }: BufferRange) => buffers[buffer]!)
      .flatMap((b) => (b.kind === 'resident' ? [b.name] : [])),
  }))

// Bits of `GPUBufferUsage`.
const COPY_SRC = 0x4
const QUERY_RESOLVE = 0x200
