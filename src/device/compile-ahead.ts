/**
 * Compiling for lavapipe on more than one core. It makes machine code of a kernel when the kernel is first dispatched, a
 * second for a large one, on the one thread that serves the device; what it made it keeps on the disk for every device of
 * the adapter. So further devices dispatch some of the kernels beforehand. No other driver was seen to be so.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Kernel } from '../../kernels/kernel.js'
import { type Device, DeviceFailure } from './adapter.js'
import { allocate, finished, type Range } from './buffer.js'
import { dispatch } from './dispatch.js'

/** A first dispatch that takes longer was compiled; what the driver finds on the disk takes a few. */
const COMPILED_MS = 40
const MOST_HELPERS = 3
/** Bytes a binding gets: enough for an element of any type. What a kernel finds there, and writes there, is of no use. */
const SCRATCH_BYTES = 1024

const helpers = (): number => {
  const { navigator } = globalThis as { navigator?: { readonly hardwareConcurrency?: number } }
  const cores = navigator?.hardwareConcurrency ?? 2
  return Math.max(1, Math.min(MOST_HELPERS, cores - 1))
}

const isLavapipe = ({ description: { device, description } }: Device): boolean =>
  /llvmpipe/i.test(`${device} ${description}`)

/**
 * Has the driver make machine code of the kernels where it is lavapipe, on this device and, if one took more than
 * `compiledMs`, on others that are closed again. Rejects where a kernel is wrong or this device has failed; that another device fails costs time alone.
 */
export const compileAhead = async (
  device: Device,
  kernels: readonly Kernel[],
  compiledMs = COMPILED_MS,
): Promise<void> => {
  if (!isLavapipe(device)) return
  // The largest first, so that nobody is left waiting for the last one.
  const left = [...kernels].sort((a, b) => a.wgsl.length - b.wgsl.length)
  let helping: readonly Promise<void>[] | undefined
  await dispatchEach(device, left, (milliseconds) => {
    if (milliseconds > compiledMs) helping ??= Array.from({ length: helpers() }, () => help(device, left))
  })
  await Promise.all(helping ?? [])
}

const help = async (device: Device, left: Kernel[]): Promise<void> => {
  const opened = await device.another()
  if (E.isLeft(opened)) return
  try {
    await dispatchEach(opened.right, left, () => {})
  } catch {
    // Its kernels are compiled when the device itself meets them.
  } finally {
    opened.right.dispose()
  }
}

/** Takes kernels from the end of `left`, one workgroup each, until none is left. */
const dispatchEach = async (device: Device, left: Kernel[], took: (milliseconds: number) => void): Promise<void> => {
  const most = Math.max(0, ...left.map(({ bindings }) => bindings))
  const buffer = await allocate(device, most * SCRATCH_BYTES, 'scratch')()
  if (E.isLeft(buffer)) throw new DeviceFailure(buffer.left)
  const ranges = Array.from({ length: most }, (_, i): Range => {
    return { buffer: buffer.right, offset: i * SCRATCH_BYTES, bytes: SCRATCH_BYTES }
  })
  for (let kernel = left.pop(); kernel !== undefined; kernel = left.pop()) {
    const start = performance.now()
    await dispatch(device, { ...kernel, workgroups: [1, 1, 1] }, ranges.slice(0, kernel.bindings))
    await finished(device)
    took(performance.now() - start)
  }
  buffer.right.destroy()
}
