/**
 * Attention, backward. With p_ij = exp(q_i·k_j/√d − lse_i) and delta_i = out_i·dOut_i:
 *
 *      ds_ij = p_ij (dOut_i·v_j − delta_i) / √d
 *      dq_i = Σ_j ds_ij k_j      dk_j = Σ_i ds_ij q_i      dv_j = Σ_i p_ij dOut_i
 *
 * Two kernels with the same bindings (qkv, dOut, lse, delta, dQkv): one invocation a query writes dq, one a key writes dk
 * and dv. The scores are computed again in each; nothing is added atomically.
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

const bindingsOf = ({ type }: RowPlan) =>
  [
    ['qkv', type],
    ['dOut', type],
    ['lse', 'f32'],
    ['delta', 'f32'],
    ['dQkv', type],
  ] as const

/** For each row j of the block: `s{j}` = Σ_c a_c·x_c and `g{j}` = Σ_c b_c·y_c, where x and y belong to the block. */
const products = (
  plan: RowPlan,
  pairs: { readonly a: string; readonly x: string; readonly b: string; readonly y: string },
) => [
  ...range(plan.block).map((j) => `var s${j} = 0.0; var g${j} = 0.0;`),
  ...range(plan.chunks).flatMap((c) =>
    range(plan.block).flatMap((j) => [
      `s${j} += ${dotText(plan, `${pairs.a}${c}`, fromLane(plan, `${pairs.x}${c}`, j))};`,
      `g${j} += ${dotText(plan, `${pairs.b}${c}`, fromLane(plan, `${pairs.y}${c}`, j))};`,
    ]),
  ),
]

/** p and ds of every row of the block, zero beyond the end. */
const cotangents = (plan: RowPlan, lse: (j: number) => string, delta: (j: number) => string): readonly string[] => {
  const scale = 1 / Math.sqrt(plan.spec.headDim)
  return range(plan.block).flatMap((j) => {
    const p = `exp(s${j} * ${scale} - ${lse(j)})`
    const beyond = isBeyond(plan, j)
    return [
      `let p${j} = ${beyond === undefined ? p : `select(${p}, 0.0, ${beyond})`};`,
      `let ds${j} = p${j} * (g${j} - ${delta(j)}) * ${scale};`,
    ]
  })
}

const accumulate = (plan: RowPlan, into: string, weight: string, from: string): readonly string[] =>
  range(plan.chunks).map(
    (c) =>
      `${into}${c} += ${range(plan.block)
        .map((j) => `${weight}${j} * ${fromLane(plan, `${from}${c}`, j)}`)
        .join(' + ')};`,
  )

const queryKernel = (plan: RowPlan): Kernel => ({
  name: `attentionBackward.q ${describeSpec(plan.spec)}`,
  bindings: 5,
  workgroups: gridOfRows(plan),
  wgsl: [
    ...header(plan, bindingsOf(plan)),
    ...loadRow(plan, 'q', 'qkv', packedAddress(plan, 'q', 'row')),
    ...loadRow(plan, 'd', 'dOut', outputAddress(plan, 'row')),
    `let lse_ = lse[${statisticsAddress(plan, 'row')}]; let delta_ = delta[${statisticsAddress(plan, 'row')}];`,
    ...zeroRow(plan, 'dq'),
    ...openLoop(plan),
    ...loadRow(plan, 'k', 'qkv', packedAddress(plan, 'k', 'other')),
    ...loadRow(plan, 'v', 'qkv', packedAddress(plan, 'v', 'other')),
    ...products(plan, { a: 'q', x: 'k', b: 'd', y: 'v' }),
    ...cotangents(
      plan,
      () => 'lse_',
      () => 'delta_',
    ),
    ...accumulate(plan, 'dq', 'ds', 'k'),
    '}',
    ...guarded(plan, storeRow(plan, 'dq', 'dQkv', packedAddress(plan, 'q', 'row'))),
    '}',
  ].join('\n'),
})

const keyKernel = (plan: RowPlan): Kernel => ({
  name: `attentionBackward.kv ${describeSpec(plan.spec)}`,
  bindings: 5,
  workgroups: gridOfRows(plan),
  wgsl: [
    ...header(plan, bindingsOf(plan)),
    ...loadRow(plan, 'k', 'qkv', packedAddress(plan, 'k', 'row')),
    ...loadRow(plan, 'v', 'qkv', packedAddress(plan, 'v', 'row')),
    ...zeroRow(plan, 'dk'),
    ...zeroRow(plan, 'dv'),
    ...openLoop(plan),
    ...loadRow(plan, 'q', 'qkv', packedAddress(plan, 'q', 'other')),
    ...loadRow(plan, 'd', 'dOut', outputAddress(plan, 'other')),
    `let lse_ = lse[${statisticsAddress(plan, 'other')}]; let delta_ = delta[${statisticsAddress(plan, 'other')}];`,
    ...products(plan, { a: 'k', x: 'q', b: 'v', y: 'd' }),
    ...cotangents(
      plan,
      (j) => fromLane(plan, 'lse_', j),
      (j) => fromLane(plan, 'delta_', j),
    ),
    ...accumulate(plan, 'dk', 'ds', 'q'),
    ...accumulate(plan, 'dv', 'p', 'd'),
    '}',
    ...guarded(plan, [
      ...storeRow(plan, 'dk', 'dQkv', packedAddress(plan, 'k', 'row')),
      ...storeRow(plan, 'dv', 'dQkv', packedAddress(plan, 'v', 'row')),
    ]),
    '}',
  ].join('\n'),
})

/** Every element of dQkv is written, by one kernel or the other. */
export const attentionBackward = (spec: AttentionSpec, target: Target): readonly Kernel[] => {
  const plan = planRows(spec, target)
  return [queryKernel(plan), keyKernel(plan)]
}
