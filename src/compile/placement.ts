/**
 * Where every stored value lies: in the program's workspace for as long as it lives, in its part of a packed tensor, or in
 * the resident tensor it becomes the new value of, when no one reads the old value any more.
 */
import type { Graph, Tensor } from '../ir/index.js'
import { canUpdateInPlace, type FusedGroup, madeBy, readBy, type Step } from './fuse.js'
import { elementCount, placeOf } from './storage.js'

export type Home =
  | { readonly kind: 'workspace'; readonly first: number; readonly last: number }
  | { readonly kind: 'packed'; readonly pack: Tensor; readonly offset: number }
  | { readonly kind: 'pack' }
  | { readonly kind: 'resident'; readonly leaf: Tensor }

export interface Placement {
  /** Of every node that is stored. Members of a fused group that only the group reads have none. */
  readonly homes: ReadonlyMap<Tensor, Home>
  /** Updates whose new value lies elsewhere and must be copied when all is done. */
  readonly copies: readonly { readonly target: Tensor; readonly value: Tensor }[]
}

export const placeValues = (graph: Graph, steps: readonly Step[], roots: ReadonlySet<Tensor>): Placement => {
  const isRoot = (n: Tensor) => roots.has(n)
  const baseOf = (t: Tensor): Tensor => placeOf(t, isRoot)?.base ?? t
  const madeAt = new Map<Tensor, number>()
  const readers = new Map<Tensor, number[]>()
  steps.forEach((step, i) => {
    for (const m of madeBy(step)) madeAt.set(m, i)
    for (const need of readBy(step, isRoot)) readers.set(need, [...(readers.get(need) ?? []), i])
  })
  const homes = new Map<Tensor, Home>()

  for (const pack of [...roots].filter((r) => r.op.kind === 'pack')) {
    if (pack.op.kind !== 'pack') continue
    const { offsets } = pack.op
    homes.set(pack, { kind: 'pack' })
    pack.inputs.forEach((part, i) => {
      homes.set(baseOf(part), { kind: 'packed', pack, offset: offsets[i]! })
    })
  }

  const copies: { target: Tensor; value: Tensor }[] = []
  for (const { target, value } of graph.updates) {
    const base = baseOf(value)
    const made = madeAt.get(base)
    const isWhole = elementCount(base) === elementCount(target)
    const others = (readers.get(target) ?? []).filter((r) => made === undefined || r > made)
    const here = made === undefined ? undefined : steps[made]
    const isReadHere = (readers.get(target) ?? []).some((r) => r === made)
    const isScatter = base.op.kind === 'scatterRows' && baseOf(base.inputs[0]!) === target
    const isSafeHere =
      isScatter || !isReadHere || (here?.kind === 'fused' && canUpdateInPlace(here as FusedGroup, base, target, isRoot))
    if (made !== undefined && isWhole && !homes.has(base) && others.length === 0 && isSafeHere)
      homes.set(base, { kind: 'resident', leaf: target })
    else if (base.op.kind === 'scatterRows')
      throw new Error('placeValues: scatterRows must be the update of its own table, read by no one afterwards')
    else copies.push({ target, value })
  }

  const asked = new Set([...Object.values(graph.outputs), ...copies.map((c) => c.value)].map(baseOf))
  for (const root of roots) {
    if (homes.has(root)) continue
    const made = madeAt.get(root)
    if (made === undefined) continue
    const uses = readers.get(root) ?? []
    const isNeeded = asked.has(root) || steps[made]!.kind === 'family' || uses.some((r) => r !== made)
    if (!isNeeded) continue
    homes.set(root, { kind: 'workspace', first: made, last: asked.has(root) ? steps.length : Math.max(made, ...uses) })
  }
  return { homes, copies }
}
