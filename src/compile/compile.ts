/** The whole way from a graph to a program: bind dims, legalise, choose what is stored, fuse, place, write kernels. Pure. */
import type { Kernel, Target } from '../../kernels/kernel.js'
import type { Tuning } from '../../kernels/matmul/index.js'
import {
  bindDims,
  type Graph,
  graphRoots,
  type HostArray,
  narrow,
  nodeFlops,
  simplify,
  type Tensor,
  topological,
} from '../ir/index.js'
import { type Dims, ShapeError, showShape } from '../shape/index.js'
import type { Binding } from './emit.js'
import { joinEpilogues } from './epilogue.js'
import { chooseRoots, fuse } from './fuse.js'
import { keptInHalf } from './halves.js'
import { legalise } from './legalise.js'
import { writeFused } from './loops.js'
import { lowerFamily } from './lower.js'
import { align, planMemory } from './memory.js'
import { type Home, placeValues } from './placement.js'
import type { BufferRange, Dispatch, Program, ProgramBuffer, Slot } from './program.js'
import { splitLong } from './split.js'
import { elementCount, isLeaf, type Place, placeOf } from './storage.js'

/** Kernels keep a few bindings free for what they store. */
const OUTPUT_BINDINGS = 4

/** `tuning`: variants that were measured to beat the default ones of the target. */
export const compile = (source: Graph, dims: Dims, target: Target, tuning: Tuning = new Map()): Program => {
  const bound = bindDims(source, dims)
  demandElements(bound)
  const { graph, stored } = legalise(splitLong(simplify(narrow(simplify(bound))), target))
  const roots = chooseRoots(graph, stored, target.maxStorageBuffers - OUTPUT_BINDINGS)
  const separate = fuse(graph, roots, { maxBindings: target.maxStorageBuffers })
  const halves = keptInHalf(graph, separate, roots, target)
  const isHalf = (n: Tensor) => halves.has(n)
  const steps = joinEpilogues(graph, separate, roots, target, isHalf)
  const { homes, copies } = placeValues(graph, steps, roots)
  const isRoot = (n: Tensor) => roots.has(n)
  const memory = layOut(graph, homes, isHalf)

  const kernels: Kernel[] = []
  const numbers = new Map<string, number>()
  const kernelNumber = (kernel: Kernel): number => {
    const key = `${kernel.name} ${kernel.workgroups.join('×')} ${kernel.wgsl}`
    const known = numbers.get(key)
    if (known !== undefined) return known
    numbers.set(key, kernels.length)
    return kernels.push(kernel) - 1
  }
  const dispatches = steps.flatMap((step): readonly Dispatch[] => {
    if (step.kind === 'family')
      return lowerFamily(step.node, target, tuning, isRoot, isHalf, step.finish).map(
        ({ kernel, places, matmul }, _, all) => ({
          kernel: kernelNumber(kernel),
          bindings: places.map(memory.rangeOf),
          flops: nodeFlops(step.node) / all.length,
          ...(matmul !== undefined && { matmul }),
        }),
      )
    const stores = new Map(
      step.members.flatMap((m) => {
        const home = homes.get(m)
        return home === undefined ? [] : [[m, home.kind === 'resident' ? home.leaf : m] as const]
      }),
    )
    if (stores.size === 0) return []
    const { kernel, bindings } = writeFused(step, { target, isStored: isRoot, stores, isHalf })
    const flops = step.members.reduce((n, m) => n + nodeFlops(m), 0)
    return [{ kernel: kernelNumber(kernel), bindings: bindings.map((b: Binding) => memory.rangeOf(b)), flops }]
  })
  for (const d of dispatches) assertDisjoint(d, kernels[d.kernel]!)

  const inMemory = (t: Tensor): Slot => {
    const place = placeOf(t, isRoot)
    if (place === undefined) throw new Error('compile: an output is not in memory')
    return { range: memory.rangeOf(place), dtype: t.dtype, elements: elementCount(t) }
  }
  return {
    buffers: memory.buffers,
    kernels,
    dispatches,
    copies: copies.map(({ target: to, value }) => ({ from: inMemory(value).range, to: inMemory(to).range })),
    literals: memory.literals,
    streamed: memory.streamed,
    residents: memory.residents,
    outputs: Object.fromEntries(Object.entries(graph.outputs).map(([name, t]) => [name, inMemory(t)])),
  }
}

/** Refuses what no buffer can hold. */
const demandElements = ({ outputs, updates }: Graph): void => {
  const demanded = [
    ...Object.entries(outputs).map(([name, { shape }]) => ({ what: `the output ${name}`, shape })),
    ...updates.map(({ value: { shape } }) => ({ what: 'an update', shape })),
  ]
  const empty = demanded.find(({ shape }) => shape.includes(0))
  if (empty !== undefined) throw new ShapeError(`${empty.what} is ${showShape(empty.shape)}: it has no elements`)
}

interface Memory {
  readonly buffers: readonly ProgramBuffer[]
  readonly literals: Program['literals']
  readonly streamed: Readonly<Record<string, Slot>>
  readonly residents: Readonly<Record<string, Slot>>
  readonly rangeOf: (place: Place) => BufferRange
}

/** Bindings end on 16 bytes, so that arrays of 4-vectors fit. */
const BINDING_BYTES = 16
const bytesOf = (elements: number, each = 4) => Math.ceil((elements * each) / BINDING_BYTES) * BINDING_BYTES

const layOut = (graph: Graph, homes: ReadonlyMap<Tensor, Home>, isHalf: (n: Tensor) => boolean): Memory => {
  const each = (n: Tensor) => (isHalf(n) ? 2 : 4)
  const buffers: ProgramBuffer[] = []
  const starts = new Map<Tensor, { readonly buffer: number; readonly offset: number }>()
  const leaves = topological([...graphRoots(graph), ...graph.updates.map((u) => u.target)]).filter(isLeaf)
  const slots = { streamed: {} as Record<string, Slot>, resident: {} as Record<string, Slot> }
  const literals: { range: BufferRange; data: HostArray }[] = []

  const gather = (name: string, kind: ProgramBuffer['kind'], nodes: readonly Tensor[]) => {
    if (nodes.length === 0) return
    let bytes = 0
    for (const n of nodes) {
      starts.set(n, { buffer: buffers.length, offset: bytes })
      bytes += align(elementCount(n) * 4)
    }
    buffers.push({ name, kind, bytes })
  }
  const rangeOf = ({ base, offset, elements }: Place): BufferRange => {
    const start = starts.get(base)
    if (start === undefined) throw new Error(`compile: a ${base.op.kind} has no memory`)
    return { buffer: start.buffer, offset: start.offset + offset * each(base), bytes: bytesOf(elements, each(base)) }
  }
  const whole = (n: Tensor): Place => ({ base: n, offset: 0, elements: elementCount(n) })

  const named = (n: Tensor) => (n.op.kind === 'input' ? n.op : undefined)
  const streamedLeaves = leaves.filter((n) => named(n)?.residence === 'streamed')
  const constants = leaves.filter((n) => n.op.kind === 'literal')
  gather('streamed', 'streamed', streamedLeaves)
  gather('literals', 'literals', constants)
  for (const n of leaves.filter((l) => named(l)?.residence === 'resident')) gather(named(n)!.name, 'resident', [n])
  for (const n of leaves) {
    const leaf = named(n)
    if (leaf !== undefined)
      slots[leaf.residence][leaf.name] = { range: rangeOf(whole(n)), dtype: n.dtype, elements: elementCount(n) }
    else if (n.op.kind === 'literal') literals.push({ range: rangeOf(whole(n)), data: n.op.data })
  }

  const temporary = [...homes].flatMap(([node, home]) => (home.kind === 'workspace' ? [{ node, ...home }] : []))
  const plan = planMemory(
    temporary.map((t) => ({ bytes: bytesOf(elementCount(t.node), each(t.node)), first: t.first, last: t.last })),
  )
  if (plan.bytes > 0) {
    temporary.forEach((t, i) => void starts.set(t.node, { buffer: buffers.length, offset: plan.offsets[i]! }))
    buffers.push({ name: 'activations', kind: 'workspace', bytes: plan.bytes })
  }
  // A packed tensor's gaps stay zero because nothing else ever uses its buffer.
  let packs = 0
  for (const [node, home] of homes) if (home.kind === 'pack') gather(`packed ${packs++}`, 'workspace', [node])
  for (const [node, home] of homes) {
    if (home.kind === 'packed') {
      const start = starts.get(home.pack)!
      starts.set(node, { buffer: start.buffer, offset: start.offset + home.offset * 4 })
    } else if (home.kind === 'resident') starts.set(node, starts.get(home.leaf)!)
  }
  return { buffers, literals, streamed: slots.streamed, residents: slots.resident, rangeOf }
}

/** WebGPU refuses two writable bindings that overlap; the compiler must never make them. */
const assertDisjoint = (dispatch: Dispatch, kernel: Kernel): void => {
  dispatch.bindings.forEach((a, i) => {
    for (const b of dispatch.bindings.slice(i + 1))
      if (a.buffer === b.buffer && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes)
        throw new Error(`compile: ${kernel.name} binds overlapping ranges of one buffer`)
  })
}
