import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { compile } from '../../src/compile/index.js'
import { type Device, openDevice, webgpuBackend } from '../../src/device/index.js'
import { recorder } from '../../src/device/profile.js'
import { hrm } from '../../src/hrm/index.js'
import {
  bindDims,
  dot,
  graphRoots,
  input,
  type KernelTime,
  narrow,
  nodeFlops,
  simplify,
  topological,
} from '../../src/ir/index.js'
import { defaultSettings, profileTraining, shares, trainingStep } from '../../src/train/index.js'

const peaks = { flops: 2e9, bytes: 1e9 }

const time = fc.record({
  kernel: fc.constantFrom('matmul.nn 8×8×8', 'matmul.nt 8×8×8', 'attention [2,3]', 'map add', 'scatterAdd 3'),
  seconds: fc.double({ min: 1e-6, max: 1, noNaN: true }),
  flops: fc.integer({ min: 0, max: 1000 }),
  bytes: fc.integer({ min: 4, max: 1000 }),
  residents: fc.constantFrom([], ['parameters'], ['moments.m', 'parameters']),
})

describe('shares of a step', () => {
  test('nothing is lost: kernels and classes both add up to all dispatches and all time', () => {
    fc.assert(
      fc.property(fc.array(time, { minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 5 }), (times, steps) => {
        const { kernels, classes, kernelSeconds } = shares(times, peaks, steps)
        const sum = (xs: readonly { readonly seconds: number }[]) => xs.reduce((n, x) => n + x.seconds, 0)
        expect(kernelSeconds * steps).toBeCloseTo(sum(times), 6)
        for (const parts of [kernels, classes]) {
          expect(sum(parts)).toBeCloseTo(kernelSeconds, 9)
          expect(parts.reduce((n, p) => n + p.dispatches, 0)).toBeCloseTo(times.length / steps, 9)
          expect(parts.reduce((n, p) => n + p.share, 0)).toBeCloseTo(1, 9)
        }
        expect([...kernels].sort((a, b) => b.seconds - a.seconds)).toEqual(kernels)
      }),
    )
  })

  test('a kernel is held against what limits it: arithmetic, or memory', () => {
    const of = (flops: number, bytes: number) =>
      shares([{ kernel: 'map mul', seconds: 2, flops, bytes, residents: [] }], peaks, 1).kernels[0]!
    // 3 s of arithmetic at best and 1 s of memory: 2 s would be faster than the adapter can be.
    expect(of(6e9, 1e9)).toMatchObject({ bound: 'compute', ofRoofline: 1.5, flopsPerSecond: 3e9, bytesPerSecond: 5e8 })
    expect(of(1e9, 1e9)).toMatchObject({ bound: 'memory', ofRoofline: 0.5 })
  })

  test('what touches the moments is the optimiser, whatever its kernel is called', () => {
    const one = { seconds: 1, flops: 1, bytes: 1 }
    const { classes } = shares(
      [
        { ...one, kernel: 'map4 atan2', residents: ['moments.m'] },
        { ...one, kernel: 'map4 mul', residents: ['parameters'] },
      ],
      peaks,
      1,
    )
    expect(classes.map((c) => c.class).sort()).toEqual(['fused loops', 'optimiser'])
  })
})

/** Dawn's device that computes nothing takes timestamps like any other: all 0. */
const nothing = async (): Promise<Device | undefined> => {
  const opened = await openDevice({ backend: 'null', profile: true })()
  return E.isLeft(opened) ? undefined : opened.right
}

describe('profiling a device', () => {
  const model = hrm({
    ...{ vocabulary: 5, sequence: 7, hidden: 16, heads: 2, expansion: 1 },
    ...{ layers: { high: 1, low: 1 }, cycles: 1, steps: 1, maxSegments: 2 },
  })
  const batch = 3
  const settings = { ...defaultSettings, batch, steps: 10, logEvery: 4 }
  const graph = trainingStep(model, { ...settings, window: settings.logEvery })

  test('every dispatch of every step is timed, with the operations of its contractions', async () => {
    const device = await nothing()
    if (device === undefined) return
    const backend = webgpuBackend(device)
    const tokens = new Int32Array(batch * 7).fill(2)
    const examples = { inputs: tokens, labels: tokens, puzzleIdentifiers: new Int32Array(batch) }
    const batches = { next: () => ({ value: examples, done: false as const }) }
    const profiler = backend.profiler!
    let seen: readonly KernelTime[] = []
    const stop = async () => {
      const times = await profiler.stop()
      // Those after are of the probes of the adapter's peaks.
      if (seen.length === 0) seen = times
      return times
    }
    const steps = 2
    const profile = await profileTraining({ backend, profiler: { ...profiler, stop }, model, settings, batches, steps })
    device.dispose()

    const program = compile(graph, { batch }, device.target)
    expect(profile.classes.reduce((n, c) => n + c.dispatches, 0)).toBe(program.dispatches.length)
    expect(seen.map((time) => time.kernel)).toEqual(
      Array.from({ length: steps }, () => program.dispatches.map((d) => program.kernels[d.kernel]!.name)).flat(),
    )
    const asked = simplify(narrow(simplify(bindDims(graph, { batch }))))
    const counted = topological(graphRoots(asked))
      .filter(({ op }) => ['dot', 'attention', 'attentionStatistics', 'attentionBackward'].includes(op.kind))
      .reduce((n, node) => n + nodeFlops(node), 0)
    const contractions = seen.filter(({ kernel }) => /^(matmul|attention)/.test(kernel))
    expect(contractions.reduce((n, time) => n + time.flops, 0)).toBe(steps * counted)
  })

  test('what kernels take is part of what the run takes', async () => {
    const opened = await openDevice({ profile: true })()
    if (E.isLeft(opened)) return
    const backend = webgpuBackend(opened.right)
    if (backend.profiler === undefined) return
    const n = 256
    const [a, b] = [input('a', [n, n], 'f32', 'resident'), input('b', [n, n], 'f32', 'resident')]
    const { run, read } = await backend.load({ outputs: { c: dot(a, b, [[1], [0]]) }, updates: [] }, {})
    await run({})
    await read(['c'])
    const start = performance.now()
    backend.profiler.start()
    for (let i = 0; i < 3; i++) await run({})
    const times = await backend.profiler.stop()
    const elapsed = (performance.now() - start) / 1000
    backend.dispose()
    expect(times).toHaveLength(3)
    for (const { seconds, flops, residents } of times) {
      expect(seconds).toBeGreaterThan(0)
      expect(flops).toBe(2 * n ** 3)
      expect(residents).toEqual(['a', 'b'])
    }
    expect(times.reduce((sum, { seconds }) => sum + seconds, 0)).toBeLessThan(elapsed)
  })

  test('an adapter without timestamps has no profiler', () => {
    expect(recorder({ gpu: { features: new Set() } } as unknown as Device)).toBeUndefined()
  })
})
