/**
 * The WGSL of a fused kernel. Three shapes of loop nest:
 *
 *   map          one invocation an element (or 4-vector), or one of each part that the kernel joins; no reductions
 *   serial       one invocation a kept element, a loop over the reduced axes; for short or strided reductions
 *   cooperative  one workgroup a kept element, its lanes along the reduced axes; for long contiguous reductions. Of one
 *                subgroup, or, on GPUs, of several that meet in workgroup memory where the reduction is very long
 *
 * Reductions that need the result of another come in a later pass over the same domain.
 */
import type { Kernel, Target } from '../../kernels/kernel.js'
import { preludeFunctions, type Reducer, type Tensor } from '../ir/index.js'
import { type Binding, createEmitter, type Emitter, NotVectorisable, numberText, type Value } from './emit.js'
import { type FusedGroup, keptShape } from './fuse.js'
import {
  addIndex,
  constantIndex,
  gcd,
  type Index,
  indexKey,
  linearIndex,
  unlinearIndex,
  variable,
} from './index-algebra.js'
import { placeOf, sizes } from './storage.js'
import { walkInputs } from './walk.js'

export interface FusedKernel {
  readonly kernel: Kernel
  readonly bindings: readonly Binding[]
}

export interface GroupContext {
  readonly target: Target
  /** Nodes read from memory. */
  readonly isStored: (node: Tensor) => boolean
  /** Members that others need, with the tensor whose memory takes them (a resident leaf when updated in place). */
  readonly stores: ReadonlyMap<Tensor, Tensor>
  /** Stored tensors that are kept in f16. */
  readonly isHalf: (node: Tensor) => boolean
}

const product = (numbers: readonly number[]) => numbers.reduce((a, b) => a * b, 1)

/** Reductions at least this long, along the last axes, are shared between the lanes of a workgroup. */
const COOPERATIVE_FROM = 48

/** With one subgroup there is nothing to wait for; on GPUs a longer reduction wants more lanes than that. */
const MOST_OF_A_LANE = 64
const isOneSubgroup = (length: number, { adapterClass, subgroupSize }: Target): boolean =>
  adapterClass === 'software' || (subgroupSize > 1 && length <= MOST_OF_A_LANE * subgroupSize)

const cooperatingLanes = (length: number, target: Target): number =>
  isOneSubgroup(length, target)
    ? target.subgroupSize
    : Math.min(256, Math.max(32, 2 ** Math.ceil(Math.log2(length / 4))))

const isTrailing = (axes: readonly number[], rank: number) => {
  const sorted = [...axes].sort((a, b) => a - b)
  return sorted.every((a, i) => a === rank - axes.length + i)
}

export const writeFused = (group: FusedGroup, context: GroupContext): FusedKernel => {
  try {
    return writeAt(group, context, 4)
  } catch (e) {
    if (e instanceof NotVectorisable) return writeAt(group, context, 1)
    throw e
  }
}

/** How the workgroups are folded when a dimension of the grid is too short for them. */
const gridOf = (workgroups: number, target: Target): readonly [number, number, number] => {
  const x = Math.min(workgroups, target.maxWorkgroupsPerDimension)
  return [x, Math.ceil(workgroups / x), 1]
}

interface Nest {
  readonly mode: 'map' | 'serial' | 'cooperative'
  /** The lanes of a cooperative kernel are one subgroup. */
  readonly isOneSubgroup?: boolean
  readonly workgroupSize: number
  readonly workgroups: number
  /** Statements that find this invocation's element and return when it has none. */
  readonly prologue: readonly string[]
  readonly domain: readonly Index[]
  /** All the elements of an invocation: `domain`, and those of the other parts. */
  readonly domains: readonly (readonly Index[])[]
  readonly kept: readonly Index[]
  /** The loop over the reduced axes. */
  readonly loop?: { readonly head: string; readonly variable: string }
}

const writeAt = (group: FusedGroup, context: GroupContext, width: 1 | 4): FusedKernel => {
  const { target, stores } = context
  const members = new Set(group.members)
  const isRead = (n: Tensor) => context.isStored(n) && !members.has(n)
  const nest = nestOf(group, target, width, isRead)
  const emitter = createEmitter({
    isStored: isRead,
    maxBindingBytes: target.maxBindingBytes,
    isInnerVariable: (name) => name === nest.loop?.variable,
    isHalf: context.isHalf,
  })
  const depth = depths(group, isRead)
  const isReduction = (n: Tensor) => n.op.kind === 'reduce'
  const isFull = (n: Tensor) => !isReduction(n) && (nest.mode === 'map' || sizes(n).length === group.shape.length)
  const lastPass = Math.max(
    0,
    ...group.members.map((m) => (isReduction(m) ? depth.get(m)! - 1 : isFull(m) ? depth.get(m)! : 0)),
  )
  const body: string[] = [...nest.prologue]
  const store = (node: Tensor, at: readonly Index[]): string => {
    const value = emitter.emit(node, at)
    return emitter.store(stores.get(node)!, linearIndex(at, sizes(node)), value)
  }

  for (let pass = 0; pass <= lastPass; pass++) {
    const reductions = group.members.filter((m) => isReduction(m) && depth.get(m) === pass + 1)
    const outputs = group.members.filter(
      (m) => isFull(m) && stores.has(m) && (stores.get(m) === m ? depth.get(m) === pass : pass === lastPass),
    )
    if (reductions.length === 0 && outputs.length === 0) continue
    const loop: string[] = []
    const accumulators = reductions.map((r) =>
      accumulate(
        r,
        emitter.emit(r.inputs[0]!, nest.domain),
        loopName(group, r),
        nest.mode === 'cooperative' ? width : 1,
      ),
    )
    // All values before all stores: a part may be written in place that another is made of.
    const stored = nest.domains.flatMap((at) => outputs.map((o) => store(o, at)))
    loop.push(...emitter.takeInner(), ...accumulators.map((a) => a.update), ...stored)
    body.push(...emitter.takeOuter(), ...accumulators.map((a) => a.declaration))
    if (nest.loop === undefined) body.push(...loop)
    else body.push(`${nest.loop.head} {`, ...loop.map((l) => `  ${l}`), '}')
    for (const [i, r] of reductions.entries()) finish(r, accumulators[i]!, nest, emitter, body)
  }
  const rows = group.members.filter((m) => stores.has(m) && !isFull(m))
  const rowStores = rows.map((m) => store(m, nest.kept))
  body.push(...emitter.takeOuter())
  if (rowStores.length > 0)
    body.push(...(nest.mode === 'cooperative' ? [`if (lane == 0u) { ${rowStores.join(' ')} }`] : rowStores))

  const needsWorkgroupMemory = nest.mode === 'cooperative' && nest.isOneSubgroup === false
  const wgsl = [
    emitter.usesF16() ? 'enable f16;' : '',
    nest.mode === 'cooperative' && !needsWorkgroupMemory ? 'enable subgroups;' : '',
    emitter.declarations(),
    needsWorkgroupMemory ? sharedMemory(group, nest.workgroupSize) : '',
    prelude(body),
    `@compute @workgroup_size(${nest.workgroupSize})`,
    'fn main(@builtin(global_invocation_id) invocation: vec3u, @builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {',
    ...body.map((l) => `  ${l}`),
    '}',
  ]
    .filter((l) => l !== '')
    .join('\n')
  return {
    kernel: {
      name: `${nest.mode}${width === 4 ? '4' : ''} ${describe(group)}${emitter.usesF16() ? ' to f16' : ''}`,
      wgsl,
      bindings: emitter.bindings.length,
      workgroups: gridOf(nest.workgroups, target),
    },
    bindings: emitter.bindings,
  }
}

const nestOf = (group: FusedGroup, target: Target, width: 1 | 4, isRead: (n: Tensor) => boolean): Nest => {
  const { shape, reducedAxes } = group
  const total = product(shape)
  const flat = (size: number, name: string, lanes: boolean) => variable(name, size, lanes ? 4 : 1, lanes ? 1 : 0)
  const guard = (name: string, count: number, workgroupSize: number, lanes: boolean, id: string) => {
    const perRow = target.maxWorkgroupsPerDimension * workgroupSize
    const items = lanes ? count / 4 : count
    return [
      `let ${name} = (${id}.x + ${id}.y * ${perRow}u)${lanes ? ' * 4u' : ''};`,
      ...(items % workgroupSize === 0 && items <= perRow ? [] : [`if (${name} >= ${count}u) { return; }`]),
    ]
  }
  if (reducedAxes === undefined) {
    const parts = joinedParts(group, isRead)
    const [count, last] = [total / parts, shape.length - 1]
    if (width === 4 && (count % 4 !== 0 || (parts > 1 && (shape[last]! / parts) % 4 !== 0))) throw new NotVectorisable()
    const items = count / width
    const workgroupSize = 64
    const size = (shape[last] ?? 1) / parts
    const partShape = shape.map((d, i) => (i === last ? size : d))
    const first = unlinearIndex(flat(count, 'i', width === 4), partShape)
    const domains = Array.from({ length: parts }, (_, p) =>
      first.map((c, i) => (i === last ? addIndex(c, constantIndex(p * size)) : c)),
    )
    return {
      mode: 'map',
      workgroupSize,
      workgroups: Math.ceil(items / workgroupSize),
      prologue: guard('i', count, workgroupSize, width === 4, 'invocation'),
      domain: first,
      domains,
      kept: first,
    }
  }
  const kept = keptShape(shape, reducedAxes)
  const rows = product(kept)
  const reducedOrder = [...reducedAxes].sort((a, b) => a - b)
  const reducedSizes = reducedOrder.map((a) => shape[a]!)
  const length = product(reducedSizes)
  const lanesOf = cooperatingLanes(length, target)
  const canCooperate = isTrailing(reducedAxes, shape.length) && length >= COOPERATIVE_FROM && lanesOf > 1
  const spread = (rowIndex: Index, loopIndex: Index) => {
    const keptAt = unlinearIndex(rowIndex, kept)
    const reducedAt = unlinearIndex(loopIndex, reducedSizes)
    const domain: Index[] = []
    let k = 0
    shape.forEach((_, axis) => {
      const r = reducedOrder.indexOf(axis)
      domain[axis] = r >= 0 ? reducedAt[r]! : keptAt[k++]!
    })
    return { kept: keptAt, domain, domains: [domain] }
  }
  if (canCooperate) {
    if (width === 4 && length % 4 !== 0) throw new NotVectorisable()
    const { maxWorkgroupsPerDimension: perRow } = target
    return {
      mode: 'cooperative',
      isOneSubgroup: isOneSubgroup(length, target),
      workgroupSize: lanesOf,
      workgroups: rows,
      prologue: [
        `let r = workgroup.x + workgroup.y * ${perRow}u;`,
        ...(rows <= perRow ? [] : [`if (r >= ${rows}u) { return; }`]),
      ],
      ...spread(flat(rows, 'r', false), flat(length, 'l', width === 4)),
      loop: {
        head: `for (var l = lane${width === 4 ? ' * 4u' : ''}; l < ${length}u; l += ${lanesOf * width}u)`,
        variable: 'l',
      },
    }
  }
  // Vectors run along the kept elements, when those are the fast axis.
  const lanes = width === 4
  if (lanes && (rows % 4 !== 0 || reducedAxes.includes(shape.length - 1))) throw new NotVectorisable()
  const workgroupSize = target.adapterClass === 'software' ? 16 : 64
  return {
    mode: 'serial',
    workgroupSize,
    workgroups: Math.ceil(rows / width / workgroupSize),
    prologue: guard('r', rows, workgroupSize, lanes, 'invocation'),
    ...spread(flat(rows, 'r', lanes), flat(length, 'l', false)),
    loop: { head: `for (var l = 0u; l < ${length}u; l++)`, variable: 'l' },
  }
}

const MOST_PARTS = 4

/**
 * Of how many parts of equal length, along its last axis, an elementwise kernel is joined: where pads of what it computes
 * begin and end. An invocation that makes one element of each loads what they share once (q and k turned by their
 * positions, the gradients of gate and up), and every pad is known to be in or out.
 */
const joinedParts = (group: FusedGroup, isRead: (n: Tensor) => boolean): number => {
  const last = group.shape.length - 1
  const size = group.shape[last] ?? 1
  const axes = group.shape.map((d, i) => variable(`c${i}`, d))
  const cuts = new Set<number>()
  const seen = new Set<Tensor>()
  const visit = (n: Tensor, at: readonly Index[]): boolean => {
    if (seen.has(n) || placeOf(n, isRead) !== undefined) return true
    seen.add(n)
    if (n.op.kind === 'pad')
      for (const [i, low] of n.op.low.entries()) {
        const { terms, constant } = at[i]!
        if (indexKey({ terms, constant: 0 }) !== indexKey(axes[last]!)) continue
        for (const cut of [low - constant, low - constant + sizes(n.inputs[0]!)[i]!])
          if (cut > 0 && cut < size) cuts.add(cut)
      }
    return walkInputs(n, at, visit)
  }
  for (const m of group.members) visit(m, axes)
  const length = [...cuts].reduce(gcd, size)
  return size / length <= MOST_PARTS ? size / length : 1
}

/** How many reductions lie between a node and memory, within its group. */
const depths = (group: FusedGroup, isRead: (n: Tensor) => boolean): ReadonlyMap<Tensor, number> => {
  const members = new Set(group.members)
  const known = new Map<Tensor, number>()
  const visit = (node: Tensor): number => {
    const seen = known.get(node)
    if (seen !== undefined) return seen
    const below = isRead(node) ? 0 : Math.max(0, ...node.inputs.map(visit))
    const depth = members.has(node) && node.op.kind === 'reduce' ? below + 1 : below
    known.set(node, depth)
    return depth
  }
  for (const m of group.members) visit(m)
  return known
}

interface Accumulator {
  readonly name: string
  readonly width: 1 | 4
  readonly declaration: string
  readonly update: string
}
const loopName = (group: FusedGroup, reduction: Tensor) => `sum${group.members.indexOf(reduction)}`
const identityOf = (reducer: Reducer, dtype: Tensor['dtype']): string => {
  if (reducer === 'sum') return numberText(0, dtype)
  const largest = dtype === 'f32' ? 3.4028234663852886e38 : 2147483647
  return numberText(reducer === 'max' ? -largest : largest, dtype)
}
const reducerOf = (node: Tensor): Reducer => {
  if (node.op.kind !== 'reduce') throw new Error('reducerOf: not a reduction')
  return node.op.reducer
}
const joined = (reducer: Reducer, a: string, b: string) =>
  reducer === 'sum' ? `${a} + ${b}` : `${reducer}(${a}, ${b})`

const accumulate = (node: Tensor, value: Value, name: string, lanes: 1 | 4): Accumulator => {
  const reducer = reducerOf(node)
  // A value that is the same for four elements still counts four times.
  const width = Math.max(lanes, value.width) as 1 | 4
  const type = width === 4 ? `vec4<${node.dtype}>` : node.dtype
  return {
    name,
    width,
    declaration: `var ${name} = ${type}(${identityOf(reducer, node.dtype)});`,
    update: `${name} = ${joined(reducer, name, width === value.width ? value.text : `${type}(${value.text})`)};`,
  }
}

/** Brings the lanes' partial results together and names the result for later passes. */
const finish = (node: Tensor, a: Accumulator, nest: Nest, emitter: Emitter, body: string[]): void => {
  const reducer = reducerOf(node)
  const result = `${a.name}_all`
  if (nest.mode === 'serial') {
    emitter.define(node, nest.kept, { text: a.name, width: a.width, dtype: node.dtype, inner: false })
    return
  }
  const lanes =
    a.width === 4 ? ['x', 'y', 'z', 'w'].map((c) => `${a.name}.${c}`).reduce((x, y) => joined(reducer, x, y)) : a.name
  if (nest.isOneSubgroup === true) {
    const f = { sum: 'subgroupAdd', max: 'subgroupMax', min: 'subgroupMin' }[reducer]
    body.push(`let ${result} = ${f}(${lanes});`)
  } else {
    const shared = `shared_${node.dtype}`
    body.push(
      'workgroupBarrier();',
      `${shared}[lane] = ${lanes};`,
      'workgroupBarrier();',
      `for (var half = ${nest.workgroupSize / 2}u; half > 0u; half /= 2u) {`,
      `  if (lane < half) { ${shared}[lane] = ${joined(reducer, `${shared}[lane]`, `${shared}[lane + half]`)}; }`,
      '  workgroupBarrier();',
      '}',
      `let ${result} = ${shared}[0];`,
    )
  }
  emitter.define(node, nest.kept, { text: result, width: 1, dtype: node.dtype, inner: false })
}

const sharedMemory = (group: FusedGroup, size: number): string =>
  [...new Set(group.members.filter((m) => m.op.kind === 'reduce').map((m) => m.dtype))]
    .map((t) => `var<workgroup> shared_${t}: array<${t}, ${size}>;`)
    .join('\n')

/** The functions that the body calls. */
export const prelude = (body: readonly string[]): string => {
  const text = body.join('\n')
  return ([1, 4] as const).map((width) => preludeFunctions(text, width)).join('')
}

const describe = (group: FusedGroup): string => {
  const kinds = group.members.map((m) =>
    'name' in m.op ? m.op.name : m.op.kind === 'reduce' ? m.op.reducer : m.op.kind,
  )
  const shown = kinds.length > 6 ? [...kinds.slice(0, 6), '…'] : kinds
  return `${shown.join('+')} [${group.shape.join(',')}]${group.reducedAxes ? ` over ${group.reducedAxes.join(',')}` : ''}`
}
