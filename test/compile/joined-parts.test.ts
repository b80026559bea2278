import { describe, expect, it } from 'vitest'
import type { Target } from '../../kernels/kernel.js'
import { gradients } from '../../src/autodiff/index.js'
import { compile } from '../../src/compile/index.js'
import { webgpuBackend } from '../../src/device/index.js'
import { concat, graphRoots, input, mul, sliceAxis, square, sum, type Tensor } from '../../src/ir/index.js'
import { rotary } from '../../src/nn/rotary.js'
import { evaluate } from '../../src/reference/index.js'
import { gated } from '../support/graph-parts.js'
import { randomNumbers, relativeError } from '../support/numbers.js'
import { withDevice } from '../support/run-kernel.js'

const software: Target = {
  adapterClass: 'software',
  subgroupSize: 8,
  maxBindingBytes: 2 ** 27,
  maxStorageBuffers: 16,
  maxWorkgroupsPerDimension: 65535,
  maxWorkgroupInvocations: 1024,
  maxWorkgroupMemoryBytes: 32768,
}

const x = (...shape: number[]): Tensor => input('x', shape, 'f32', 'resident')
const cut = (t: Tensor, axis: number, sizes: readonly number[]): readonly Tensor[] =>
  sizes.map((size, i) =>
    sliceAxis(
      t,
      axis,
      sizes.slice(0, i).reduce((a, b) => a + b, 0),
      size,
    ),
  )
const gradientOf = (f: (t: Tensor) => Tensor, t: Tensor): Tensor => gradients(sum(square(f(t))), [t])[0]!

const graphs: Readonly<Record<string, Tensor>> = {
  'two halves in the other order': concat([...cut(x(6, 16), 1, [8, 8])].reverse(), 1),
  'parts of a size that no vector fits': concat([...cut(x(5, 9), 1, [3, 3, 3])].reverse(), 1),
  'parts of unequal sizes': concat([...cut(x(3, 16), 1, [4, 12])].reverse(), 1),
  'more parts than an invocation makes': concat([...cut(x(2, 40), 1, [8, 8, 8, 8, 8])].reverse(), 1),
  'parts along another axis than the last': concat([...cut(x(4, 8), 0, [1, 3])].reverse(), 0),
  'q and k turned by their positions': rotary(3, 8)(x(2, 3, 3, 2, 8)),
  'the gradient of that': gradientOf(rotary(3, 8), x(2, 3, 3, 2, 8)),
  'the gradients of gate and up': gradientOf(gated, x(5, 24)),
}

describe('what joins parts computes what the interpreter does', () => {
  for (const adapterClass of ['software', 'gpu'] as const)
    for (const [name, y] of Object.entries(graphs))
      it(
        `${name}, with the ${adapterClass} schedules`,
        withDevice(async (device) => {
          const backend = webgpuBackend({ ...device, target: { ...device.target, adapterClass } })
          const graph = { outputs: { y }, updates: [] }
          const data = randomNumbers(1000, 3).subarray(
            0,
            findInput(y).reduce((a, b) => a * b, 1),
          )
          const executable = await backend.load(graph, {})
          backend.write('x', data)
          await executable.run({})
          const [expected] = evaluate(graphRoots(graph), () => Float64Array.from(data))
          expect(relativeError((await executable.read(['y'])).y!, expected!)).toBeLessThan(1e-5)
        }),
        60_000,
      )
})

const findInput = (t: Tensor): readonly number[] =>
  t.op.kind === 'input' ? (t.shape as readonly number[]) : (t.inputs.map(findInput).find((s) => s.length > 0) ?? [])

it('the gradients of gate and up are one kernel, which loads what they share once', () => {
  const both = x(5, 24)
  const [d] = gradients(sum(mul(gated(both), input('g', [5, 12], 'f32', 'resident'))), [both])
  const { kernels, dispatches } = compile({ outputs: { d: d! }, updates: [] }, {}, software)
  expect(dispatches).toHaveLength(1)
  expect(kernels[0]!.wgsl.match(/= load4_/g)).toHaveLength(3)
  expect(kernels[0]!.wgsl).not.toContain('select')
})

it('an update that squares again and again compiles at once, and in place', () => {
  const start = x(64)
  let value: Tensor = start
  for (let i = 0; i < 40; i++) value = square(value)
  const { copies, kernels } = compile({ outputs: {}, updates: [{ target: start, value }] }, {}, software)
  expect(kernels).toHaveLength(1)
  expect(copies).toEqual([])
})
