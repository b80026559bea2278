/**
 * What a program takes on a device, before anything is allocated: the sizes of its buffers, what the adapter refuses, and
 * whether there is room.
 */
import * as E from 'fp-ts/lib/Either.js'
import { showBytes } from '../bytes.js'
import type { Program } from '../compile/index.js'
import type { MemoryPlan } from '../ir/index.js'
import { problem } from '../problem.js'
import { type Device, DeviceFailure } from './adapter.js'
import { allocate, allocatedBytes } from './buffer.js'
import { imageBytes } from './image.js'

/** Bytes an adapter allows a buffer, and a binding. */
export interface MemoryLimits {
  readonly maxBufferBytes: number
  readonly maxBindingBytes: number
}

const limitsOf = ({ gpu, target }: Device): MemoryLimits => ({
  maxBufferBytes: gpu.limits.maxBufferSize,
  maxBindingBytes: target.maxBindingBytes,
})

export const planOn = (device: Device, program: Program): MemoryPlan => memoryPlan(program, limitsOf(device))

export const memoryPlan = (program: Program, limits: MemoryLimits): MemoryPlan => {
  const buffers = program.buffers.map(({ name, kind, bytes }) => ({
    name,
    // A resident has the size of its tensor, whichever graph declares it first.
    bytes: allocatedBytes(kind === 'resident' ? program.residents[name]!.range.bytes : bytes),
    isShared: kind === 'resident',
  }))
  // One a device, but counted for every program: a later one may be larger.
  const images = imageBytes(program).map((image) => ({ ...image, isShared: false }))
  const refusal = tooLarge(program, limits)
  return { buffers: [...buffers, ...images], ...(refusal !== undefined && { refusal }) }
}

/**
 * Throws when the device cannot hold the program, or when it computes in the host's memory and the host has not so much
 * for what is new: other devices say so themselves.
 */
export const demandRoom = (program: Program, device: Device, isNew: (resident: string) => boolean): void => {
  const { buffers, refusal } = planOn(device, program)
  const bytes = buffers.filter((b) => !b.isShared || isNew(b.name)).reduce((n, b) => n + b.bytes, 0)
  const available = hostBytes(device)
  const why =
    refusal ??
    (bytes > available ? `${showBytes(bytes)} are wanted and ${showBytes(available)} of memory are free` : undefined)
  if (why !== undefined) throw new DeviceFailure(problem('the device has no room for the program', { why }))
}

/** The buffer or the binding that exceeds its limit the most. */
const tooLarge = (
  { buffers, dispatches, kernels }: Program,
  { maxBufferBytes, maxBindingBytes }: MemoryLimits,
): string | undefined => {
  const wide = buffers
    .filter(({ bytes }) => allocatedBytes(bytes) > maxBufferBytes)
    .map(({ name, bytes }) => ({
      excess: bytes / maxBufferBytes,
      why: `the buffer of the ${name} takes ${showBytes(bytes)}, and this adapter allows ${showBytes(maxBufferBytes)} a buffer`,
    }))
  const bound = dispatches.flatMap(({ kernel, bindings }) =>
    bindings
      .filter(({ bytes }) => bytes > maxBindingBytes)
      .map(({ bytes }) => ({
        excess: bytes / maxBindingBytes,
        why: `the kernel ${kernels[kernel]!.name} binds ${showBytes(bytes)} at once, and this adapter allows ${showBytes(maxBindingBytes)}`,
      })),
  )
  return [...wide, ...bound].sort((a, b) => b.excess - a.excess)[0]?.why
}

/**
 * Whether buffers of these sizes find room beside what is allocated. A GPU is asked by allocating them for a moment. A
 * software adapter would promise memory it has not: there it is what the operating system can give.
 */
export const hasRoom = async (device: Device, buffers: readonly number[]): Promise<boolean> => {
  const total = buffers.reduce((n, bytes) => n + bytes, 0)
  if (total > hostBytes(device)) return false
  const made: GPUBuffer[] = []
  for (const bytes of buffers) {
    const buffer = await allocate(device, bytes, 'a trial')()
    if (E.isLeft(buffer)) break
    made.push(buffer.right)
  }
  for (const buffer of made) buffer.destroy()
  return made.length === buffers.length
}

/** Bytes the host can give to a device that computes in its memory; without end for the others, or where no one tells. */
const hostBytes = ({ target }: Pick<Device, 'target'>): number => {
  const told =
    target.adapterClass === 'software' && typeof process !== 'undefined' ? process.availableMemory?.() : undefined
  return told ?? Number.POSITIVE_INFINITY
}
