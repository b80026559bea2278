/**
 * Elementwise work that a matmul does before its result goes to memory: SwiGLU on what gives gate and up, the turning of q
 * and k by their positions. Where a product is read by one elementwise kernel alone, and that reads it in pairs of columns
 * (`apart` from each other), the matmul finishes each pair, and the product itself is never stored.
 */
import type { Target } from '../../kernels/kernel.js'
import type { Graph, Tensor } from '../ir/index.js'
import { type Binding, createEmitter, NotVectorisable, type Value } from './emit.js'
import { type Finish, needsOf, readBy, type Step } from './fuse.js'
import { addIndex, constantIndex, type Index, indexKey, scaleIndex, unlinearIndex, variable } from './index-algebra.js'
import { prelude } from './loops.js'
import { contractionOf, operandOf } from './operands.js'
import { askedOf, elementCount, sizes } from './storage.js'

/** Joins matmuls with the kernels that finish them, where the latter were. */
export const joinEpilogues = (
  graph: Graph,
  steps: readonly Step[],
  roots: ReadonlySet<Tensor>,
  target: Target,
  isHalf: (n: Tensor) => boolean,
): readonly Step[] => {
  const isRoot = (n: Tensor) => roots.has(n)
  const readers = new Map<Tensor, Set<number>>()
  steps.forEach((step, i) => {
    for (const need of readBy(step, isRoot)) readers.set(need, (readers.get(need) ?? new Set()).add(i))
  })
  const asked = askedOf(graph, roots)
  const joined = new Map<number, Step>()
  const gone = new Set<number>()
  steps.forEach((step, i) => {
    if (step.kind !== 'family' || asked.has(step.node)) return
    const [at, ...others] = readers.get(step.node) ?? []
    const reader = at === undefined ? undefined : steps[at]
    if (at === undefined || others.length > 0 || reader?.kind !== 'fused' || joined.has(at)) return
    const [member, ...more] = reader.members
    if (member === undefined || more.length > 0 || reader.reducedAxes !== undefined) return
    const finish = finishOf(step.node, member, isRoot, target, isHalf)
    if (finish === undefined) return
    joined.set(at, { ...step, finish })
    gone.add(i)
  })
  return steps.flatMap((step, i) => (gone.has(i) ? [] : [joined.get(i) ?? step]))
}

/** How a matmul makes `made`, if its kernels can. */
const finishOf = (
  product: Tensor,
  made: Tensor,
  isRoot: (n: Tensor) => boolean,
  target: Target,
  isHalf: (n: Tensor) => boolean,
): Finish | undefined => {
  if (product.op.kind !== 'dot') return undefined
  const { batch, m, n } = contractionOf(product)
  const isLayout = ([0, 1] as const).every((side) => operandOf(product, side, isRoot).slow === 'free')
  if (batch !== 1 || !isLayout) return undefined
  // One number of each pair of halves, or both of a pair within the last axis.
  const perRow = elementCount(made) / m
  const last = sizes(made).at(-1) ?? 1
  const apart = perRow === n / 2 ? n / 2 : perRow === n ? last / 2 : 0
  if (apart < 1 || !Number.isInteger(apart) || n % (2 * apart) !== 0) return undefined

  const groups = n / (2 * apart)
  const [row, place] = [variable('row', m), variable('place', apart)]
  const inRow = groups === 1 ? place : addIndex(scaleIndex(variable('group', groups), 2 * apart), place)
  const element = (width: number, offset: number): Index =>
    addIndex(addIndex(scaleIndex(row, width), inRow), constantIndex(offset))
  const numberOf = (text: string): Value => ({ text, width: 1, dtype: 'f32', inner: false })
  const pair = new Map([
    [indexKey(element(n, 0)), numberOf('x')],
    [indexKey(element(n, apart)), numberOf('y')],
  ])
  const emitter = createEmitter({
    isStored: (node) => isRoot(node) && node !== made,
    maxBindingBytes: target.maxBindingBytes,
    isInnerVariable: () => false,
    given: (base, address) => (base === product ? pair.get(indexKey(address)) : undefined),
    isHalf,
    firstBinding: 2,
  })
  const elements = (perRow === n ? [0, apart] : [0]).map((offset) => element(perRow, offset))
  const body: string[] = []
  try {
    const values = elements.map((at) => emitter.emit(made, unlinearIndex(at, sizes(made))))
    const stores = elements.map((at, i) => emitter.store(made, at, values[i]!))
    body.push(...emitter.takeOuter(), ...emitter.takeInner(), ...stores)
  } catch (e) {
    if (e instanceof NotVectorisable) return undefined
    throw e
  }
  const { bindings } = emitter
  if (!isBindable(bindings, product, isRoot, target)) return undefined
  const wgsl = [
    emitter.declarations(),
    prelude(body),
    'fn finish(row: u32, group: u32, place: u32, x: f32, y: f32) {',
    ...body.map((line) => `  ${line}`),
    '}',
  ].join('\n')
  const key = 'name' in made.op ? made.op.name : made.op.kind
  return { made, bindings, epilogue: { key, apart, bindings: bindings.length, usesF16: emitter.usesF16(), wgsl } }
}

/** Whether the kernel can have these bindings beside the operands: none of the product, and nothing twice. */
const isBindable = (
  bindings: readonly Binding[],
  product: Tensor,
  isRoot: (n: Tensor) => boolean,
  target: Target,
): boolean => {
  const operands = needsOf(product, isRoot)
  return (
    bindings.length + 2 <= target.maxStorageBuffers &&
    bindings.every(({ base }) => base !== product && !operands.has(base))
  )
}
