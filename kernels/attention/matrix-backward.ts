/**
 * Attention backward on matrix units, in two kernels whose subgroups own queries (dq), or keys (dk and dv); the text is the
 * same with the roles exchanged. See `matrix.ts`.
 */
import type { Kernel } from '../kernel.js'
import {
  addWeighted,
  columns,
  forSpans,
  type MatrixPlan,
  masked,
  matrixKernel,
  own,
  projections,
  scaleOf,
  scores,
  stage,
  storeSums,
  weightAt,
  weightTile,
  zero,
} from './matrix.js'
import { clamp, output, packed, type Rows, statistic } from './spec.js'

const bindings = (plan: MatrixPlan) =>
  [projections(plan), ['dOut', 'vec4f'], ['lse', 'f32'], ['delta', 'f32'], ['dQkv', 'f32']] as const

export const matrixQueryBackward = (plan: MatrixPlan): Kernel =>
  matrixKernel(
    plan,
    'attentionBackward.q',
    bindings(plan),
    [weightTile(plan, 'ds')],
    [
      ...ownPair(plan, packed(plan, 'q'), output(plan, 'dOut')),
      `let at_ = ${statistic(plan, clamp(plan, 'row'))}; let lse_ = lse[at_]; let delta_ = delta[at_];`,
      ...zero(plan, 'dq'),
      ...forSpans(plan, stage(plan, ['tileA', packed(plan, 'k'), 'before'], ['tileB', packed(plan, 'v'), 'before']), [
        ...weights(plan, { lse: () => 'lse_', delta: () => 'delta_' }),
        ...addWeighted(plan, 'dq', 'ds', 'tileA'),
      ]),
      'workgroupBarrier();',
      ...storeSums(plan, 'dq', packed(plan, 'q', 'dQkv')),
    ],
  )

export const matrixKeyBackward = (plan: MatrixPlan): Kernel => {
  const statistics = ['lse', 'delta'].map((name) => `var<workgroup> ${name}Of: array<f32, ${plan.held}>;`)
  const memory = [weightTile(plan, 'ds'), weightTile(plan, 'p'), ...statistics]
  return matrixKernel(plan, 'attentionBackward.kv', bindings(plan), memory, [
    ...ownPair(plan, packed(plan, 'k'), packed(plan, 'v')),
    ...zero(plan, 'dk'),
    ...zero(plan, 'dv'),
    ...forSpans(
      plan,
      [
        ...stage(plan, ['tileA', packed(plan, 'q'), 'before'], ['tileB', output(plan, 'dOut'), 'before']),
        `for (var i = thread; i < ${plan.held}u; i += ${plan.subgroups * plan.unit.subgroupSize}u) {`,
        `let source = ${statistic(plan, clamp(plan, '(before + i)'))}; lseOf[i] = lse[source]; deltaOf[i] = delta[source];`,
        '}',
      ],
      [
        ...weights(plan, {
          lse: (column) => `lseOf[at + ${column}]`,
          delta: (column) => `deltaOf[at + ${column}]`,
          alsoP: true,
        }),
        ...addWeighted(plan, 'dk', 'ds', 'tileA'),
        ...addWeighted(plan, 'dv', 'p', 'tileB'),
      ],
    ),
    'workgroupBarrier();',
    ...storeSums(plan, 'dk', packed(plan, 'k', 'dQkv')),
    ...storeSums(plan, 'dv', packed(plan, 'v', 'dQkv')),
  ])
}

/** The subgroup's own rows as matrices: a0 …, which meet tile A, and b0 …, which meet tile B. */
const ownPair = (plan: MatrixPlan, a: Rows, b: Rows): readonly string[] => [
  ...stage(plan, ['tileA', a, 'firstRow'], ['tileB', b, 'firstRow']),
  'workgroupBarrier();',
  ...own(plan, 'a', 'tileA'),
  ...own(plan, 'b', 'tileB'),
]

/** Fills the tiles of weights: ds, and p where it is asked for. Scores and their cotangents share `staged`, in turn. */
const weights = (
  plan: MatrixPlan,
  of: {
    readonly lse: (column: string) => string
    readonly delta: (column: string) => string
    readonly alsoP?: boolean
  },
): readonly string[] => {
  const scale = scaleOf(plan)
  return [
    ...scores(plan, 'a', 'tileA'),
    'workgroupBarrier();',
    ...columns(
      plan,
      (i, column, score) =>
        `let p${i} = ${masked(plan, column, `exp(${score} * ${scale} - ${of.lse(column)})`, '0.0')};`,
    ),
    'workgroupBarrier();',
    ...scores(plan, 'b', 'tileB'),
    'workgroupBarrier();',
    ...columns(plan, (i, column, score) => {
      const ds = `p${i} * (${score} - ${of.delta(column)}) * ${scale}`
      const p = of.alsoP === true ? `p[${weightAt(plan, column)}] = f16(p${i}); ` : ''
      return `${p}ds[${weightAt(plan, column)}] = f16(${ds});`
    }),
    'workgroupBarrier();',
  ]
}
