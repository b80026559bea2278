/**
 * Device memory: allocating it, writing to it, reading it back through a few staging buffers that are used over and over.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { showBytes } from '../bytes.js'
import { type Problem, problem } from '../problem.js'
import { assertAlive, type Device, DeviceFailure } from './adapter.js'
import { settled } from './waiting.js'

/** A range of a buffer, in bytes (multiples of 4). */
export interface Range {
  readonly buffer: GPUBuffer
  readonly offset: number
  readonly bytes: number
}

/** What a buffer of so many bytes takes: rounded up to 16, so that a `vec4` array fits. */
export const allocatedBytes = (bytes: number): number => Math.max(16, Math.ceil(bytes / 16) * 16)

/**
 * Allocates zeroed storage. Sizes are rounded up to 16 bytes, so that a `vec4` array fits. Too large for the adapter, or
 * no memory left, is a problem.
 */
export const allocate =
  (device: Device, bytes: number, label: string): TaskEither<Problem, GPUBuffer> =>
  async () => {
    const size = allocatedBytes(bytes)
    const most = device.gpu.limits.maxBufferSize
    if (size > most) return E.left(outOfMemory(label, size, `one buffer may have ${showBytes(most)} on this adapter`))
    device.gpu.pushErrorScope('out-of-memory')
    const buffer = device.gpu.createBuffer({ label, size, usage: STORAGE | COPY_SRC | COPY_DST })
    const error = await settled(device.gpu.popErrorScope())
    return error === null ? E.right(buffer) : E.left(outOfMemory(label, size, error.message))
  }

/** Copies `data` into a buffer, `offset` bytes from its start. */
export const write = (
  device: Device,
  buffer: GPUBuffer,
  data: Float32Array | Int32Array | Uint32Array,
  offset = 0,
): void => {
  device.gpu.queue.writeBuffer(buffer, offset, data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
}

/** Waits for the work submitted so far, then gives the bytes of the ranges. Rejects with `DeviceFailure`. */
export const readBack = async (device: Device, ranges: readonly Range[]): Promise<readonly ArrayBuffer[]> => {
  assertAlive(device)
  const total = ranges.reduce((sum, range) => sum + range.bytes, 0)
  const staging = takeStaging(device, Math.max(16, total))
  const encoder = device.gpu.createCommandEncoder()
  let at = 0
  for (const { buffer, offset, bytes } of ranges) {
    encoder.copyBufferToBuffer(buffer, offset, staging, at, bytes)
    at += bytes
  }
  device.gpu.queue.submit([encoder.finish()])
  try {
    await settled(staging.mapAsync(MAP_READ_MODE))
  } catch (cause) {
    assertAlive(device)
    throw new DeviceFailure(problem('results could not be read back from the device', { why: String(cause) }))
  }
  assertAlive(device)
  const mapped = staging.getMappedRange()
  let from = 0
  const copies = ranges.map(({ bytes }) => {
    const copy = mapped.slice(from, from + bytes)
    from += bytes
    return copy
  })
  staging.unmap()
  giveStaging(device, staging)
  return copies
}

/** Resolves when everything submitted so far is done. Rejects with `DeviceFailure`. */
export const finished = async (device: Device): Promise<void> => {
  await settled(device.gpu.queue.onSubmittedWorkDone())
  assertAlive(device)
}

/** How many idle read-back buffers are kept: one being read while others are in flight. */
const RING = 3

const takeStaging = (device: Device, bytes: number): GPUBuffer => {
  const fits = device.staging.findIndex((buffer) => buffer.size >= bytes)
  const [kept] = fits < 0 ? [] : device.staging.splice(fits, 1)
  return kept ?? device.gpu.createBuffer({ label: 'read-back', size: bytes, usage: MAP_READ | COPY_DST })
}

/** Keeps the largest few. */
const giveStaging = (device: Device, buffer: GPUBuffer): void => {
  device.staging.push(buffer)
  device.staging.sort((a, b) => a.size - b.size)
  if (device.staging.length > RING) device.staging.shift()?.destroy()
}

const outOfMemory = (label: string, bytes: number, why: string): Problem =>
  problem(`the device has no room for ${label} (${showBytes(bytes)})`, { why, fix: 'use a smaller batch or model' })

// The bits of `GPUBufferUsage` and `GPUMapMode`, fixed by the specification: their global objects exist only once Dawn is loaded.
const MAP_READ = 0x1
const COPY_SRC = 0x4
const COPY_DST = 0x8
const STORAGE = 0x80
const MAP_READ_MODE = 0x1
