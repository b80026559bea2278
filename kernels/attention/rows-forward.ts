/**
 * Attention forward, an invocation a query: online softmax with a running maximum m, sum l and weighted sum o, rescaled
 * when the maximum grows.
 */
import { range } from '../grid.js'
import type { Kernel } from '../kernel.js'
import {
  accumulate,
  forBlocks,
  guarded,
  halfType,
  loadRow,
  type Met,
  masked,
  products,
  type RowPlan,
  rowKernel,
  storeRow,
  zeroRow,
} from './rows.js'
import { output, packed, statistic } from './spec.js'

const keysMet = (plan: RowPlan): Met => [['k', packed(plan, 'k')]]
const allMet = (plan: RowPlan): Met => [...keysMet(plan), ['v', packed(plan, 'v')]]

const start = (plan: RowPlan): readonly string[] => [
  ...loadRow(plan, 'q', packed(plan, 'q')),
  'var m = -3e38; var l = 0.0;',
]

/** `p{j}`: weights of the block relative to the new maximum; `correction` rescales what was summed before. */
const softmax = (plan: RowPlan): readonly string[] => {
  const scale = 1 / Math.sqrt(plan.spec.headDim)
  const block = range(plan.block)
  return [
    ...products(plan, 's', 'q', 'k', packed(plan, 'k')),
    ...block.map((j) => `s${j} = ${masked(plan, j, `s${j} * ${scale}`, '-3e38')};`),
    `let larger = ${block.map((j) => `s${j}`).reduce((text, s) => `max(${text}, ${s})`, 'm')};`,
    'let correction = exp(m - larger);',
    'm = larger;',
    ...block.map((j) => `let p${j} = exp(s${j} - larger);`),
    `l = l * correction + ${block.map((j) => `p${j}`).join(' + ')};`,
  ]
}

export const rowsForward = (plan: RowPlan): Kernel => {
  const half = plan.spec.halfOutput === true ? halfType(plan) : undefined
  const bindings = [
    ['qkv', plan.type],
    ['out', half ?? plan.type],
  ] as const
  const kept = (vector: string) => (half === undefined ? vector : `${half}(${vector})`)
  return rowKernel(plan, half === undefined ? 'attention' : 'attention to f16', bindings, allMet(plan), [
    ...start(plan),
    ...zeroRow(plan, 'o'),
    ...forBlocks(plan, allMet(plan), [
      ...softmax(plan),
      ...range(plan.chunks).map((c) => `o${c} *= correction;`),
      ...accumulate(plan, 'o', 'p', 'v', packed(plan, 'v')),
    ]),
    'let inverse = 1.0 / l;',
    ...range(plan.chunks).map((c) => `o${c} *= inverse;`),
    ...guarded(plan, storeRow(plan, 'o', output(plan, 'out'), kept)),
  ])
}

export const rowsStatistics = (plan: RowPlan): Kernel => {
  const bindings = [
    ['qkv', plan.type],
    ['statistics', 'f32'],
  ] as const
  return rowKernel(plan, 'attentionStatistics', bindings, keysMet(plan), [
    ...start(plan),
    ...forBlocks(plan, keysMet(plan), softmax(plan)),
    ...guarded(plan, [`statistics[${statistic(plan, 'row')}] = m + log(l);`]),
  ])
}
