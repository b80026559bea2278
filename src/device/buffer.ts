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

/** Does something with arrays placed on the device, each in a buffer of its own; a problem where that has no room. */
export const withPlaced = async <A>(
  device: Device,
  arrays: readonly (Float32Array | Int32Array | Uint32Array)[],
  label: string,
  work: (ranges: readonly Range[]) => Promise<A>,
): Promise<E.Either<Problem, A>> => {
  const ranges: Range[] = []
  try {
    for (const data of arrays) {
      const buffer = await allocate(device, data.byteLength, label)()
      if (E.isLeft(buffer)) return buffer
      write(device, buffer.right, data)
      ranges.push({ buffer: buffer.right, offset: 0, bytes: buffer.right.size })
    }
    return E.right(await work(ranges))
  } finally {
    for (const { buffer } of ranges) buffer.destroy()
  }
}

/** Waits for the work submitted so far, then gives the bytes of the ranges. Rejects with `DeviceFailure`. */
export const readBack = async (device: Device, ranges: readonly Range[]): Promise<readonly ArrayBuffer[]> => {
  const copies = ranges.map(({ bytes }) => new Uint8Array(bytes))
  for (const pieces of loads(ranges)) await readPieces(device, pieces, copies)
  return copies.map(({ buffer }) => buffer)
}

/** A part of a range, and where it goes. */
interface Piece extends Range {
  readonly range: number
  readonly to: number
}

/** The ranges in pieces, as many at a time as one staging buffer takes. */
const loads = (ranges: readonly Range[]): readonly (readonly Piece[])[] => {
  const all: Piece[][] = [[]]
  let room = MOST_STAGED
  for (const [range, { buffer, offset, bytes }] of ranges.entries())
    for (let to = 0; to < bytes; ) {
      if (room === 0) {
        all.push([])
        room = MOST_STAGED
      }
      const taken = Math.min(room, bytes - to)
      all.at(-1)!.push({ buffer, offset: offset + to, bytes: taken, range, to })
      to += taken
      room -= taken
    }
  return all
}

const readPieces = async (device: Device, pieces: readonly Piece[], copies: readonly Uint8Array[]): Promise<void> => {
  assertAlive(device)
  const total = pieces.reduce((sum, { bytes }) => sum + bytes, 0)
  const staging = takeStaging(device, Math.max(16, total))
  const encoder = device.gpu.createCommandEncoder()
  let at = 0
  for (const { buffer, offset, bytes } of pieces) {
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
  const mapped = new Uint8Array(staging.getMappedRange())
  let from = 0
  for (const { range, to, bytes } of pieces) {
    copies[range]!.set(mapped.subarray(from, from + bytes), to)
    from += bytes
  }
  staging.unmap()
  giveStaging(device, staging)
}

/** Resolves when everything submitted so far is done. Rejects with `DeviceFailure`. */
export const finished = async (device: Device): Promise<void> => {
  await settled(device.gpu.queue.onSubmittedWorkDone())
  assertAlive(device)
}

/** Bytes that are read back at a time: a run's state may be larger than a buffer can be, and its staging would stay. */
const MOST_STAGED = 2 ** 26

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
