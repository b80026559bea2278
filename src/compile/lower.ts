/** Which kernels a family node becomes, and what they bind. */
import {
  type AttentionSpec,
  attentionBackward,
  attentionForward,
  attentionStatistics,
} from '../../kernels/attention/index.js'
import type { Kernel, Target } from '../../kernels/kernel.js'
import { type MatmulSpec, matmul, type Tuning, takesPairs, tuningKey } from '../../kernels/matmul/index.js'
import { scatterAdd } from '../../kernels/scatter-add.js'
import { scatterRows } from '../../kernels/scatter-rows.js'
import type { OpOf, Tensor } from '../ir/index.js'
import type { Finish } from './fuse.js'
import { contractionOf, operandOf } from './operands.js'
import { elementCount, type Place, placeOf, sizes } from './storage.js'

export interface FamilyKernel {
  readonly kernel: Kernel
  /** Memory in binding order; the last is the node's own. */
  readonly places: readonly Place[]
  /** What was asked for, where other variants could answer it. */
  readonly matmul?: MatmulSpec
}

/** What an attention kernel is asked for; `projections`: their memory. */
export const attentionSpec = (node: Tensor, projections: Tensor, isHalf: (n: Tensor) => boolean): AttentionSpec => {
  const [batch, sequence, , heads, headDim] = sizes(node.inputs[0]!) as readonly [
    number,
    number,
    number,
    number,
    number,
  ]
  const { precision } = node.op as OpOf<'attention'>
  return {
    ...{ batch, sequence, heads, headDim },
    ...(precision === 'f16' && { precision }),
    halfInput: isHalf(projections),
  }
}

export const lowerFamily = (
  node: Tensor,
  target: Target,
  tuning: Tuning,
  isRoot: (n: Tensor) => boolean,
  isHalf: (n: Tensor) => boolean,
  finish?: Finish,
): readonly FamilyKernel[] => {
  const own: Place = { base: node, offset: 0, elements: elementCount(node) }
  const place = (i: number): Place => {
    const found = placeOf(node.inputs[i]!, isRoot)
    if (found === undefined) throw new Error(`lower: input ${i} of ${node.op.kind} is not in memory`)
    return found
  }
  const shapeOf = (i: number) => sizes(node.inputs[i]!)
  switch (node.op.kind) {
    case 'dot': {
      const { batch, m, n, k } = contractionOf(node)
      const [a, b] = [operandOf(node, 0, isRoot), operandOf(node, 1, isRoot)]
      const layout = a.slow === 'contract' ? 'tn' : b.slow === 'free' ? 'nt' : 'nn'
      const half = node.op.precision === 'f16' ? ({ precision: 'f16' } as const) : {}
      const spec = { layout, batch, m, n, k, broadcastA: a.broadcast, broadcastB: b.broadcast, ...half } as const
      const halves = ([a, b] as const).flatMap(({ place }, i) =>
        isHalf(place.base) ? ([i === 0 ? 'A' : 'B'] as const) : [],
      )
      const whole = {
        ...spec,
        ...(halves.length > 0 && { halves }),
        ...(finish !== undefined && { epilogue: finish.epilogue }),
      }
      const tuned = tuning.get(tuningKey(spec))
      const kernel = matmul(whole, target, finish === undefined || (tuned && takesPairs(tuned)) ? tuned : undefined)
      return [{ kernel, places: [a.place, b.place, ...(finish?.bindings ?? [own])], matmul: spec }]
    }
    case 'attention':
    case 'attentionStatistics':
    case 'attentionBackward': {
      const spec = attentionSpec(node, place(0).base, isHalf)
      const places = [...node.inputs.map((_, i) => place(i)), own]
      if (node.op.kind === 'attention')
        return [{ kernel: attentionForward({ ...spec, halfOutput: isHalf(node) }, target), places }]
      if (node.op.kind === 'attentionStatistics') return [{ kernel: attentionStatistics(spec, target), places }]
      return [attentionBackward(spec, target)].flat().map((kernel) => ({ kernel, places }))
    }
    case 'scatterAdd': {
      const count = shapeOf(0).reduce((x, y) => x * y, 1)
      const spec = { rows: node.op.rows, count, width: elementCount(node) / node.op.rows }
      return [{ kernel: scatterAdd(spec, target), places: [place(0), place(1), own] }]
    }
    case 'scatterRows': {
      const [rows, ...rest] = shapeOf(0)
      const spec = { rows: rows!, count: shapeOf(1)[0]!, width: rest.reduce((x, y) => x * y, 1) }
      // The table is changed where it lies: `own` is its memory (see `placement.ts`).
      return [{ kernel: scatterRows(spec, target), places: [place(1), place(2), own] }]
    }
    default:
      throw new Error(`lower: ${node.op.kind} has no kernel family`)
  }
}
