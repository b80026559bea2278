/**
 * Which nodes are stored, and which are computed together. A kernel is one loop nest over a domain: elementwise results of
 * that shape, reductions of it over one set of axes, and elementwise results of what the reductions leave. Everything is
 * greedy and in topological order, so the schedule is deterministic.
 */
import type { Epilogue } from '../../kernels/matmul/index.js'
import { type Graph, graphRoots, rules, type Tensor, topological } from '../ir/index.js'
import type { Binding } from './emit.js'
import { type Index, indexKey, variable } from './index-algebra.js'
import { elementCount, isLeaf, placeOf, sizes } from './storage.js'
import { walkInputs } from './walk.js'

/** One loop nest: members are computed in it, in this order. */
export interface FusedGroup {
  readonly kind: 'fused'
  readonly shape: readonly number[]
  /** Axes of `shape` that its reductions run over; none in a purely elementwise kernel. */
  reducedAxes: readonly number[] | undefined
  readonly members: Tensor[]
}
/** A node given to a hand-written kernel family. */
interface FamilyStep {
  readonly kind: 'family'
  readonly node: Tensor
  /** What a matmul makes of its product, which is not stored then. */
  readonly finish?: Finish
}
export type Step = FusedGroup | FamilyStep

/** How a matmul goes on: see `epilogue.ts`. */
export interface Finish {
  readonly made: Tensor
  readonly epilogue: Epilogue
  /** What the epilogue binds, in its order. */
  readonly bindings: readonly Binding[]
}

/** The nodes a step computes that others may read. */
export const madeBy = (step: Step): readonly Tensor[] =>
  step.kind === 'fused' ? step.members : [step.finish?.made ?? step.node]

/** Memory that a step reads. */
export const readBy = (step: Step, isRoot: (n: Tensor) => boolean): ReadonlySet<Tensor> => {
  const nodes = step.kind === 'fused' ? step.members : [step.node, ...(step.finish ? [step.finish.made] : [])]
  const needs = new Set(nodes.flatMap((n) => [...needsOf(n, isRoot)]))
  if (step.kind === 'family') needs.delete(step.node)
  return needs
}

const loweringOf = (node: Tensor) => rules[node.op.kind].lowering
const isFamily = (node: Tensor): boolean => ['matmul', 'scatter', 'attention'].includes(loweringOf(node))
const isView = (node: Tensor) => loweringOf(node) === 'view'

/** What one evaluation of a node costs when it is computed in place. */
interface Cost {
  readonly loads: ReadonlySet<Tensor>
  readonly operations: number
}
const TRANSCENDENTAL = new Set([
  'exp',
  'log',
  'log1p',
  'sqrt',
  'rsqrt',
  'sigmoid',
  'softplus',
  'atan2',
  'div',
  'reciprocal',
  'erfinv',
  'uniform',
])
const priceOf = (node: Tensor): number => {
  if (isView(node) || node.op.kind === 'constant' || node.op.kind === 'stopGradient') return 0
  return 'name' in node.op && TRANSCENDENTAL.has(node.op.name) ? 4 : 1
}

/**
 * The nodes that get memory: what is asked for, what families and reductions produce, and shared or repeated work that is
 * dearer than a load.
 */
export const chooseRoots = (graph: Graph, forced: ReadonlySet<Tensor>, maxLoads: number): ReadonlySet<Tensor> => {
  const order = topological(graphRoots(graph))
  const roots = new Set<Tensor>()
  const users = usersBeyondViews(order)
  const cost = new Map<Tensor, Cost>()
  const costOf = (node: Tensor): Cost =>
    isLeaf(node) || roots.has(node) ? { loads: new Set([node]), operations: 0 } : cost.get(node)!
  for (const node of order) {
    if (isLeaf(node)) continue
    if (isFamily(node) || node.op.kind === 'reduce' || node.op.kind === 'pack' || forced.has(node)) {
      roots.add(node)
      // A reduction's own producers are bounded too, below.
    }
    const inputs = node.inputs.map(costOf)
    let loads = new Set(inputs.flatMap((c) => [...c.loads]))
    if (!isFamily(node) && node.op.kind !== 'pack' && loads.size > maxLoads) {
      for (const input of [...node.inputs].sort((a, b) => costOf(b).loads.size - costOf(a).loads.size)) {
        if (isLeaf(input) || roots.has(input)) continue
        roots.add(input)
        loads = new Set(node.inputs.flatMap((i) => [...costOf(i).loads]))
        if (loads.size <= maxLoads) break
      }
    }
    cost.set(node, { loads, operations: node.inputs.reduce((n, i) => n + costOf(i).operations, priceOf(node)) })
    if (roots.has(node) || isView(node) || loads.size === 0) continue
    const { operations } = cost.get(node)!
    const readers = users.get(node) ?? []
    const spread = readers.some((u) => u.expansion >= 8)
    const shared = readers.length > 1
    const cheap =
      (loads.size <= 1 && operations <= 2) || (!spread && isCheaperThanLoad(node, { loads, operations }, readers))
    if (!cheap && (shared || (spread && (loads.size > 2 || operations > 4)))) roots.add(node)
  }
  return roots
}

/**
 * Whether memory for a value that several kernels read costs more than computing it in each: it reads little more than a
 * load of it would (of tensors as large as itself, or smaller), and only elementwise kernels read it.
 */
const isCheaperThanLoad = (node: Tensor, { loads, operations }: Cost, readers: readonly User[]): boolean => {
  const isSmall = [...loads].every((l) => elementCount(l) <= 2 * elementCount(node))
  const fewOperations = loads.size <= 1 ? 8 : loads.size === 2 ? 1 : 0
  return isSmall && operations <= fewOperations && readers.every((u) => loweringOf(u.node) === 'elementwise')
}

interface User {
  readonly node: Tensor
  /** How many times the value is repeated by broadcasts on the way. */
  readonly expansion: number
}
const usersBeyondViews = (order: readonly Tensor[]): ReadonlyMap<Tensor, readonly User[]> => {
  const users = new Map<Tensor, User[]>()
  const record = (input: Tensor, user: User) => {
    const all = users.get(input) ?? []
    if (!all.some((u) => u.node === user.node && u.expansion === user.expansion)) all.push(user)
    users.set(input, all)
  }
  for (const node of [...order].reverse()) {
    for (const input of node.inputs) {
      if (!isView(node)) record(input, { node, expansion: 1 })
      else
        for (const u of users.get(node) ?? []) {
          const grows = node.op.kind === 'broadcast' ? elementCount(node) / elementCount(input) : 1
          record(input, { node: u.node, expansion: u.expansion * grows })
        }
    }
  }
  return users
}

const sameNumbers = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((x, i) => x === b[i])
export const keptShape = (shape: readonly number[], reduced: readonly number[]): readonly number[] =>
  shape.filter((_, i) => !reduced.includes(i))

/** Coordinates of the domain; the reduced ones are those of the inner loop. */
const domainCoordinates = (shape: readonly number[]): readonly Index[] => shape.map((d, i) => variable(`c${i}`, d))

export interface FuseLimits {
  readonly maxBindings: number
}

/** Orders the stored nodes into kernels. */
export const fuse = (graph: Graph, roots: ReadonlySet<Tensor>, limits: FuseLimits): readonly Step[] => {
  const steps: Step[] = []
  /** Position of the kernel that computes each stored node. */
  const position = new Map<Tensor, number>()
  /** Memory each kernel touches. */
  const touched: Set<Tensor>[] = []
  const isRoot = (n: Tensor) => roots.has(n)

  for (const node of topological(graphRoots(graph))) {
    if (!roots.has(node)) continue
    if (node.op.kind === 'pack') {
      // Whole only when its last part is: no kernel that computes a part may read it.
      position.set(
        node,
        1 + Math.max(-1, ...node.inputs.map((i) => baseOf(i, isRoot)).map((b) => position.get(b) ?? -1)),
      )
      continue
    }
    if (isFamily(node)) {
      position.set(node, steps.length)
      steps.push({ kind: 'family', node })
      touched.push(new Set())
      continue
    }
    const needs = needsOf(node, isRoot)
    const after = Math.max(-1, ...[...needs].map((n) => position.get(n) ?? -1))
    const joined = findGroup(node, needs, after, steps, touched, isRoot, limits)
    if (joined >= 0) {
      const group = steps[joined] as FusedGroup
      if (node.op.kind === 'reduce') group.reducedAxes = node.op.axes
      group.members.push(node)
      for (const n of needs) touched[joined]!.add(n)
      touched[joined]!.add(node)
      position.set(node, joined)
      continue
    }
    position.set(node, steps.length)
    const isReduction = node.op.kind === 'reduce'
    steps.push({
      kind: 'fused',
      shape: sizes(isReduction ? node.inputs[0]! : node),
      reducedAxes: node.op.kind === 'reduce' ? node.op.axes : undefined,
      members: [node],
    })
    touched.push(new Set([...needs, node]))
  }
  return steps
}

const baseOf = (node: Tensor, isRoot: (n: Tensor) => boolean): Tensor => placeOf(node, isRoot)?.base ?? node

/**
 * Whether a member may overwrite `target` in the very kernel that still reads it: every read is of the element that the
 * same invocation will write.
 */
export const canUpdateInPlace = (
  group: FusedGroup,
  member: Tensor,
  target: Tensor,
  isRoot: (n: Tensor) => boolean,
): boolean => {
  if (!sameNumbers(sizes(member), group.shape) || !sameNumbers(sizes(target), group.shape)) return false
  const at = domainCoordinates(group.shape)
  const reduced = group.reducedAxes ?? []
  const local = new Set([...group.members, target])
  return group.members.every((m) => {
    if (m.op.kind === 'reduce') return readsLocally(m.inputs[0]!, at, at, reduced, local, isRoot, false)
    const coordinates = sizes(m).length === group.shape.length ? at : at.filter((_, i) => !reduced.includes(i))
    // A member is itself local; look at what it reads.
    return readsLocally(m, coordinates, at, reduced, new Set([...local].filter((l) => l !== m)), isRoot)
  })
}

/** Memory that evaluating a root reads. */
export const needsOf = (root: Tensor, isRoot: (n: Tensor) => boolean): ReadonlySet<Tensor> => {
  const needs = new Set<Tensor>()
  const seen = new Set<Tensor>()
  const visit = (node: Tensor) => {
    if (seen.has(node)) return
    seen.add(node)
    const place = placeOf(node, isRoot)
    if (place !== undefined) needs.add(place.base)
    else for (const input of node.inputs) visit(input)
  }
  for (const input of root.inputs) visit(input)
  return needs
}

/** How far back a kernel may be joined for the sake of shared loads. */
const WINDOW = 48

const findGroup = (
  node: Tensor,
  needs: ReadonlySet<Tensor>,
  after: number,
  steps: readonly Step[],
  touched: readonly ReadonlySet<Tensor>[],
  isRoot: (n: Tensor) => boolean,
  limits: FuseLimits,
): number => {
  const candidates = [after]
  for (let k = Math.max(after + 1, steps.length - WINDOW); k < steps.length; k++) candidates.push(k)
  return (
    candidates.find((k) => {
      const group = steps[k]
      if (group === undefined || group.kind !== 'fused') return false
      const shares = [...needs].some((n) => touched[k]!.has(n) && elementCount(n) > 1)
      const bindings = new Set([...touched[k]!, ...needs, node]).size
      return shares && bindings <= limits.maxBindings && fits(node, group, isRoot)
    }) ?? -1
  )
}

/** Whether a node can be computed in a group's loops: same domain, and what it reads of the group it reads at its own place. */
const fits = (node: Tensor, group: FusedGroup, isRoot: (n: Tensor) => boolean): boolean => {
  const at = domainCoordinates(group.shape)
  const members = new Set(group.members)
  if (node.op.kind === 'reduce') {
    const { axes } = node.op
    if (!sameNumbers(sizes(node.inputs[0]!), group.shape)) return false
    if (group.reducedAxes !== undefined && !sameNumbers(group.reducedAxes, axes)) return false
    return readsLocally(node.inputs[0]!, at, at, axes, members, isRoot, false)
  }
  if (sameNumbers(sizes(node), group.shape))
    return node.inputs.length === 0 || readsLocally(node, at, at, group.reducedAxes ?? [], members, isRoot)
  if (group.reducedAxes !== undefined && sameNumbers(sizes(node), keptShape(group.shape, group.reducedAxes))) {
    const kept = at.filter((_, i) => !group.reducedAxes!.includes(i))
    return readsLocally(node, kept, at, group.reducedAxes, members, isRoot)
  }
  return false
}

const readsLocally = (
  node: Tensor,
  at: readonly Index[],
  domain: readonly Index[],
  reduced: readonly number[],
  members: ReadonlySet<Tensor>,
  isRoot: (n: Tensor) => boolean,
  isSelf = true,
): boolean => {
  const full = domain.map(indexKey).join(';')
  const kept = domain
    .filter((_, i) => !reduced.includes(i))
    .map(indexKey)
    .join(';')
  // A chain of squares reads its start in as many ways as there are subsets of it.
  const seen = new Map<Tensor, Set<readonly Index[]>>()
  const visit = (n: Tensor, coordinates: readonly Index[], isSelf: boolean): boolean => {
    const before = seen.get(n) ?? new Set()
    if (before.has(coordinates)) return true
    seen.set(n, before.add(coordinates))
    if (members.has(n)) {
      const key = coordinates.map(indexKey).join(';')
      return key === full ? n.shape.length === domain.length : key === kept
    }
    if (!isSelf) {
      const place = placeOf(n, (m) => isRoot(m) && !members.has(m))
      if (place !== undefined && !members.has(place.base)) return true
    }
    return walkInputs(n, coordinates, (input, c) => visit(input, c, false))
  }
  return visit(node, at, isSelf)
}
