/**
 * `train --profile` without its printing: trains a few steps with every dispatch timed, and holds each kernel against what
 * the adapter can do at all (its roofline). Must not know of terminals or datasets.
 */
import type { Reasoner } from '../hrm/index.js'
import {
  add,
  type Backend,
  dot,
  type Graph,
  type HostArray,
  input,
  type KernelTime,
  type Profiler,
} from '../ir/index.js'
import { freshResidents } from './residents.js'
import type { TrainingSettings } from './settings.js'
import { stepper } from './stepper.js'
import type { BatchStream } from './trainer.js'

/** What the adapter reached in a kernel that does nothing else. */
export interface Peaks {
  /** FLOP/s of this library's own matmul. */
  readonly flops: number
  /** Bytes/s read and written by an addition of 1. */
  readonly bytes: number
}

export const kernelClasses = ['matmul', 'attention', 'optimiser', 'scatter', 'fused loops'] as const
export type KernelClass = (typeof kernelClasses)[number]

/** Dispatches of one kernel on equal sizes, per step. */
export interface KernelShare {
  readonly kernel: string
  readonly class: KernelClass
  readonly dispatches: number
  readonly seconds: number
  /** Of the time of all kernels. */
  readonly share: number
  readonly flopsPerSecond: number
  readonly bytesPerSecond: number
  /** What the roofline allows, over what it took: 1 is as fast as the adapter can be. */
  readonly ofRoofline: number
  /** What would hold it back first. */
  readonly bound: 'compute' | 'memory'
}

export interface Profile {
  readonly device: string
  readonly steps: number
  /** Wall-clock of a step without timestamps. */
  readonly stepSeconds: number
  /** All kernels of a step. */
  readonly kernelSeconds: number
  readonly peaks: Peaks
  /** Dearest first. */
  readonly kernels: readonly KernelShare[]
  readonly classes: readonly Pick<KernelShare, 'class' | 'dispatches' | 'seconds' | 'share'>[]
}

export interface ProfileOptions {
  readonly backend: Backend
  readonly profiler: Profiler
  /** Of one in stages the last is timed: itself. */
  readonly model: Reasoner
  readonly settings: TrainingSettings
  readonly batches: BatchStream
  /** Steps that are timed, after as many without timestamps. */
  readonly steps: number
  /** Milliseconds. */
  readonly clock?: () => number
}

/** Steps before anything is timed: drivers compile at first use. */
const WARM_UP = 2

export const profileTraining = async (options: ProfileOptions): Promise<Profile> => {
  const { backend, profiler, settings, batches, steps, clock = () => performance.now() } = options
  const { stages: _, ...model } = options.model
  for (const [name, data] of Object.entries(freshResidents(model, settings))) backend.write(name, data)
  const step = await stepper(backend, model, settings)
  let t = 0
  const run = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await step(Math.min(++t, settings.steps), batches.next().value)
    await backend.read(['metrics.history'])
  }
  await run(WARM_UP)
  const start = clock()
  await run(steps)
  const stepSeconds = (clock() - start) / 1000 / steps
  profiler.start()
  await run(steps)
  const times = await profiler.stop()
  return { device: backend.name, steps, stepSeconds, ...shares(times, await peaksOf(backend, profiler), steps) }
}

/** Times by kernel and by class, per step. */
export const shares = (
  times: readonly KernelTime[],
  peaks: Peaks,
  steps: number,
): Pick<Profile, 'kernelSeconds' | 'peaks' | 'kernels' | 'classes'> => {
  const kernelSeconds = times.reduce((sum, { seconds }) => sum + seconds, 0) / steps
  const groups = new Map<string, KernelTime[]>()
  for (const time of times) {
    const key = `${time.kernel} ${time.flops} ${time.bytes} ${classOf(time)}`
    groups.set(key, [...(groups.get(key) ?? []), time])
  }
  const kernels = [...groups.values()]
    .map((group): KernelShare => {
      const [{ kernel, flops, bytes }] = group as [KernelTime]
      const seconds = group.reduce((sum, time) => sum + time.seconds, 0)
      const [compute, memory] = [flops / peaks.flops, bytes / peaks.bytes]
      return {
        kernel,
        class: classOf(group[0]!),
        dispatches: group.length / steps,
        seconds: seconds / steps,
        share: seconds / steps / kernelSeconds,
        flopsPerSecond: (flops * group.length) / seconds,
        bytesPerSecond: (bytes * group.length) / seconds,
        ofRoofline: (Math.max(compute, memory) * group.length) / seconds,
        bound: compute > memory ? 'compute' : 'memory',
      }
    })
    .sort((a, b) => b.seconds - a.seconds)
  const classes = kernelClasses.flatMap((name) => {
    const members = kernels.filter((k) => k.class === name)
    const sum = (of: (k: KernelShare) => number) => members.reduce((n, k) => n + of(k), 0)
    const [dispatches, seconds] = [sum((k) => k.dispatches), sum((k) => k.seconds)]
    return members.length === 0 ? [] : [{ class: name, dispatches, seconds, share: seconds / kernelSeconds }]
  })
  return { kernelSeconds, peaks, kernels, classes: classes.sort((a, b) => b.seconds - a.seconds) }
}

const classOf = ({ kernel, residents }: KernelTime): KernelClass => {
  if (residents.some((name) => name.startsWith('moments.'))) return 'optimiser'
  return (
    kernelClasses.find((name) => kernel.startsWith(name)) ?? (kernel.startsWith('scatter') ? 'scatter' : 'fused loops')
  )
}

/** Large enough to keep the adapter busy: n of n³, and elements to copy (64 MiB, which every adapter binds at once). */
const PROBES = { software: { n: 512, elements: 2 ** 24 }, gpu: { n: 4096, elements: 2 ** 24 } } as const

/** The best of a few runs of a matmul, and of an addition that does nothing but move memory. */
const peaksOf = async (backend: Backend, profiler: Profiler): Promise<Peaks> => {
  const { n, elements } = PROBES[backend.kind === 'gpu' ? 'gpu' : 'software']
  const matrix = (name: string) => input(`probe.${name}`, [n, n], 'f32', 'resident')
  const product: Graph = { outputs: { c: dot(matrix('a'), matrix('b'), [[1], [0]]) }, updates: [] }
  const moved: Graph = { outputs: { y: add(input('probe.x', [elements], 'f32', 'resident'), 1) }, updates: [] }
  const best = async (graph: Graph, output: string, rate: (time: KernelTime) => number): Promise<number> => {
    const { run, read } = await backend.load(graph, {})
    const none: Readonly<Record<string, HostArray>> = {}
    await run(none)
    await read([output])
    profiler.start()
    for (let i = 0; i < 5; i++) await run(none)
    return Math.max(...(await profiler.stop()).map(rate))
  }
  return {
    flops: await best(product, 'c', ({ flops, seconds }) => flops / seconds),
    bytes: await best(moved, 'y', ({ bytes, seconds }) => bytes / seconds),
  }
}
