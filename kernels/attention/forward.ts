/**
 * Attention, forward: out_i = Σ_j softmax_j(q_i·k_j / √d) v_j, without storing the scores (online softmax: a running
 * maximum m, sum l and weighted sum o, rescaled when the maximum grows).
 *
 * `attentionForward`: qkv → out. `attentionStatistics`: qkv → m + log l, which the backward pass needs.
 */
import type { Kernel, Target } from '../kernel.js'
import {
  type AttentionSpec,
  describeSpec,
  dotText,
  fromLane,
  gridOfRows,
  guarded,
  header,
  isBeyond,
  loadRow,
  openLoop,
  outputAddress,
  packedAddress,
  planRows,
  type RowPlan,
  range,
  statisticsAddress,
  storeRow,
  zeroRow,
} from './rows.js'

/** s0 … s{block−1}: scores of this query with the keys of the block. */
const scores = (plan: RowPlan): readonly string[] => [
  `let k_at = ${packedAddress(plan, 'k', 'other')};`,
  ...range(plan.block).map((j) => `var s${j} = 0.0;`),
  ...range(plan.chunks).flatMap((c) => [
    `let k${c} = qkv[k_at + ${c}u];`,
    ...range(plan.block).map((j) => `s${j} += ${dotText(plan, `q${c}`, fromLane(plan, `k${c}`, j))};`),
  ]),
  ...range(plan.block).map((j) => {
    const beyond = isBeyond(plan, j)
    const scaled = `s${j} * ${1 / Math.sqrt(plan.spec.headDim)}`
    return `s${j} = ${beyond === undefined ? scaled : `select(${scaled}, -3e38, ${beyond})`};`
  }),
]

/** p0 … p{block−1}: weights relative to the new maximum; `correction` rescales what was summed before. */
const weights = (plan: RowPlan): readonly string[] => [
  `let larger = max(m, ${range(plan.block).reduce((text, j) => (text === '' ? `s${j}` : `max(${text}, s${j})`), '')});`,
  'let correction = exp(m - larger);',
  'm = larger;',
  ...range(plan.block).map((j) => `let p${j} = exp(s${j} - larger);`),
  `l = l * correction + ${range(plan.block)
    .map((j) => `p${j}`)
    .join(' + ')};`,
]

const start = (plan: RowPlan): readonly string[] => [
  ...loadRow(plan, 'q', 'qkv', packedAddress(plan, 'q', 'row')),
  'var m = -3e38; var l = 0.0;',
]

export const attentionForward = (spec: AttentionSpec, target: Target): Kernel => {
  const plan = planRows(spec, target)
  const wgsl = [
    ...header(plan, [
      ['qkv', plan.type],
      ['out', plan.type],
    ]),
    ...start(plan),
    ...zeroRow(plan, 'o'),
    ...openLoop(plan),
    ...scores(plan),
    ...weights(plan),
    `let v_at = ${packedAddress(plan, 'v', 'other')};`,
    ...range(plan.chunks).flatMap((c) => [
      `let v${c} = qkv[v_at + ${c}u];`,
      `o${c} = o${c} * correction + ${range(plan.block)
        .map((j) => `p${j} * ${fromLane(plan, `v${c}`, j)}`)
        .join(' + ')};`,
    ]),
    '}',
    'let inverse = 1.0 / l;',
    ...range(plan.chunks).map((c) => `o${c} *= inverse;`),
    ...guarded(plan, storeRow(plan, 'o', 'out', outputAddress(plan, 'row'))),
    '}',
  ].join('\n')
  return { name: `attention ${describeSpec(spec)}`, wgsl, bindings: 2, workgroups: gridOfRows(plan) }
}

export const attentionStatistics = (spec: AttentionSpec, target: Target): Kernel => {
  const plan = planRows(spec, target)
  const wgsl = [
    ...header(plan, [
      ['qkv', plan.type],
      ['statistics', 'f32'],
    ]),
    ...start(plan),
    ...openLoop(plan),
    ...scores(plan),
    ...weights(plan),
    '}',
    ...guarded(plan, [`statistics[${statisticsAddress(plan, 'row')}] = m + log(l);`]),
    '}',
  ].join('\n')
  return { name: `attentionStatistics ${describeSpec(spec)}`, wgsl, bindings: 2, workgroups: gridOfRows(plan) }
}
