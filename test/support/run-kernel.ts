/**
 * For kernel tests: one device per test process (a leak across repeated devices was seen in lavapipe), and running a
 * single kernel on plain arrays. Write `it('adds two vectors', withDevice(async (device) => { … }))`.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { TestContext } from 'vitest'
import type { Kernel } from '../../kernels/kernel.js'
import { type Device, dispatch, openDevice, readBack, withPlaced } from '../../src/device/index.js'
import { type Problem, showProblem } from '../../src/problem.js'

export type HostArray = Float32Array | Int32Array | Uint32Array

const held = globalThis as { thetagradTestDevice?: Promise<E.Either<Problem, Device>> }

/** The test process's device, opened once. */
export const testDevice = (): Promise<E.Either<Problem, Device>> => {
  held.thetagradTestDevice ??= openDevice()().then((device) => {
    if (E.isLeft(device)) console.warn(`TESTS SKIPPED FOR WANT OF A DEVICE\n${showProblem(device.left)}`)
    return device
  })
  return held.thetagradTestDevice
}

/** A test that needs the device: skipped, and saying so, where there is none; failed where it breaks the device. */
export const withDevice =
  (test: (device: Device) => Promise<void>) =>
  async (context: TestContext): Promise<void> => {
    const device = await testDevice()
    if (E.isLeft(device)) return context.skip(device.left.what)
    await test(device.right)
    const failure = device.right.failure()
    if (failure !== undefined) throw new Error(showProblem(failure))
  }

/**
 * Runs a kernel on fresh buffers: inputs first, outputs last, as `Kernel` orders its bindings. An output is given by its
 * length, then it starts as NaN (on purpose: in an arena there is no zeroed memory), or by its contents, for kernels that
 * add to what is there. Returns the outputs as f32; for integers view `.buffer` as `Int32Array`.
 */
export const runKernel = async (
  device: Device,
  kernel: Kernel,
  inputs: readonly HostArray[],
  outputs: readonly (number | HostArray)[],
): Promise<Float32Array[]> => {
  const contents = [
    ...inputs,
    ...outputs.map((output) => (typeof output === 'number' ? new Float32Array(output).fill(Number.NaN) : output)),
  ]
  const placed = await withPlaced(device, contents, kernel.name, async (ranges) => {
    await dispatch(device, kernel, ranges)
    const results = ranges
      .slice(inputs.length)
      .map(({ buffer }, i) => ({ buffer, offset: 0, bytes: contents[inputs.length + i]!.byteLength }))
    return (await readBack(device, results)).map((bytes) => new Float32Array(bytes))
  })
  if (E.isLeft(placed)) throw new Error(showProblem(placed.left))
  return placed.right
}

/** y ← factor·x for eleven numbers, and no more: a text of its own for every factor. */
export const scaling = (factor: number): Kernel => ({
  name: `scale by ${factor}`,
  bindings: 2,
  workgroups: [2, 1, 1],
  wgsl: `
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < 11) { y[id.x] = ${factor} * x[id.x]; }
}`,
})
