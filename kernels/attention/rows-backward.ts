/**
 * Attention backward, an invocation a query (dq) or a key (dk, dv). Long rows get dk and dv in kernels of their own: k, v
 * and both sums would not fit into the registers of an invocation, and computing the scores once more is cheaper than
 * keeping them in memory.
 */
import { range } from '../grid.js'
import type { Kernel } from '../kernel.js'
import {
  accumulate,
  forBlocks,
  guarded,
  loadRow,
  type Met,
  masked,
  products,
  type RowPlan,
  rowKernel,
  storeRow,
  zeroRow,
} from './rows.js'
import { backwardBindings, clamp, output, packed, statistic } from './spec.js'

const loadStatistics = (plan: RowPlan, n: number | '_', query: string, withDelta: boolean): string =>
  `let at${n} = ${statistic(plan, query)}; let lse${n} = lse[at${n}];${withDelta ? ` let delta${n} = delta[at${n}];` : ''}`

const weights = (plan: RowPlan, lse: (j: number) => string): readonly string[] =>
  range(plan.block).map((j) => {
    const p = `exp(s${j} * ${1 / Math.sqrt(plan.spec.headDim)} - ${lse(j)})`
    return `let p${j} = ${masked(plan, j, p, '0.0')};`
  })

const cotangents = (plan: RowPlan, delta: (j: number) => string): readonly string[] =>
  range(plan.block).map((j) => `let ds${j} = p${j} * (g${j} - ${delta(j)}) * ${1 / Math.sqrt(plan.spec.headDim)};`)

const queryKernel = (plan: RowPlan): Kernel => {
  const [k, v] = [packed(plan, 'k'), packed(plan, 'v')]
  const kinds: Met = [
    ['k', k],
    ['v', v],
  ]
  return rowKernel(plan, 'attentionBackward.q', backwardBindings(plan), kinds, [
    ...loadRow(plan, 'q', packed(plan, 'q')),
    ...loadRow(plan, 'd', output(plan, 'dOut')),
    loadStatistics(plan, '_', 'row', true),
    ...zeroRow(plan, 'dq'),
    ...forBlocks(plan, kinds, [
      ...products(plan, 's', 'q', 'k', k),
      ...products(plan, 'g', 'd', 'v', v),
      ...weights(plan, () => 'lse_'),
      ...cotangents(plan, () => 'delta_'),
      ...accumulate(plan, 'dq', 'ds', 'k', k),
    ]),
    ...guarded(plan, storeRow(plan, 'dq', packed(plan, 'q', 'dQkv'))),
  ])
}

const keyKernel = (plan: RowPlan, writes: 'k' | 'v' | 'kv'): Kernel => {
  const [q, d] = [packed(plan, 'q'), output(plan, 'dOut')]
  const kinds: Met = [
    ['q', q],
    ['d', d],
  ]
  const [dk, dv] = [writes !== 'v', writes !== 'k']
  return rowKernel(plan, `attentionBackward.${writes}`, backwardBindings(plan), kinds, [
    ...loadRow(plan, 'k', packed(plan, 'k')),
    ...(dk ? [...loadRow(plan, 'v', packed(plan, 'v')), ...zeroRow(plan, 'dk')] : []),
    ...(dv ? zeroRow(plan, 'dv') : []),
    ...forBlocks(plan, kinds, [
      ...range(plan.block).map((j) => loadStatistics(plan, j, clamp(plan, `t + ${j}u`), dk)),
      ...products(plan, 's', 'k', 'q', q),
      ...weights(plan, (j) => `lse${j}`),
      ...(dk
        ? [
            ...products(plan, 'g', 'v', 'd', d),
            ...cotangents(plan, (j) => `delta${j}`),
            ...accumulate(plan, 'dk', 'ds', 'q', q),
          ]
        : []),
      ...(dv ? accumulate(plan, 'dv', 'p', 'd', d) : []),
    ]),
    ...guarded(plan, [
      ...(dk ? storeRow(plan, 'dk', packed(plan, 'k', 'dQkv')) : []),
      ...(dv ? storeRow(plan, 'dv', packed(plan, 'v', 'dQkv')) : []),
    ]),
  ])
}

export const rowsBackward = (plan: RowPlan): readonly Kernel[] => [
  queryKernel(plan),
  ...(plan.together ? [keyKernel(plan, 'kv')] : [keyKernel(plan, 'k'), keyKernel(plan, 'v')]),
]
