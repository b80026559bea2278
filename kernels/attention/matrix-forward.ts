/** Attention forward on matrix units: the largest score of every row, then weights relative to it; see `matrix.ts`. */
import type { Kernel } from '../kernel.js'
import {
  addWeighted,
  columns,
  forSpans,
  isHeldWhole,
  isWithin,
  joined,
  type MatrixPlan,
  matrixKernel,
  own,
  scores,
  stage,
  storeSums,
  weightAt,
  weightTile,
  zero,
} from './matrix.js'
import { output, packed, statistic } from './spec.js'

const NEVER = '-3e38'

const scaleOf = ({ spec }: MatrixPlan): number => 1 / Math.sqrt(spec.headDim)
const inputType = ({ spec }: MatrixPlan): string => (spec.halfInput === true ? 'vec4h' : 'vec4f')

/** The queries as matrices, and the keys in tile A: all of them, or those of the first span. */
const queries = (plan: MatrixPlan): readonly string[] => [
  ...stage(plan, 'tileB', packed(plan, 'q'), 'firstRow'),
  'workgroupBarrier();',
  ...own(plan, 'q', 'tileB'),
]

/** `s0 …`: the scaled scores of this lane's columns. */
const scaled = (plan: MatrixPlan): readonly string[] =>
  columns(plan, (i, column, score) => {
    const value = `${score} * ${scaleOf(plan)}`
    const within = isWithin(plan, column)
    return `let s${i} = ${within === undefined ? value : `select(${NEVER}, ${value}, ${within})`};`
  })

const largestOf = (plan: MatrixPlan): string =>
  columns(plan, (i) => `s${i}`).reduce((text, s) => `max(${text}, ${s})`, 'most')

const keys = (plan: MatrixPlan) => (first: string) => stage(plan, 'tileA', packed(plan, 'k'), first)
const keysAndValues = (plan: MatrixPlan) => (first: string) => [
  ...keys(plan)(first),
  ...stage(plan, 'tileB', packed(plan, 'v'), first),
]

export const matrixForward = (plan: MatrixPlan): Kernel => {
  const half = plan.spec.halfOutput === true
  const bindings = [
    ['qkv', inputType(plan)],
    ['out', half ? 'f16' : 'f32'],
  ] as const
  return matrixKernel(
    plan,
    half ? 'attention to f16' : 'attention',
    bindings,
    [weightTile(plan, 'weights')],
    [
      ...queries(plan),
      `var most = ${NEVER};`,
      ...forSpans(plan, (isHeldWhole(plan) ? keysAndValues : keys)(plan), [
        ...scores(plan, 'q', 'tileA'),
        'workgroupBarrier();',
        ...scaled(plan),
        `most = ${largestOf(plan)};`,
        'workgroupBarrier();',
      ]),
      ...joined(plan, 'most', (a, b) => `max(${a}, ${b})`),
      'var total = 0.0;',
      ...zero(plan, 'o'),
      ...forSpans(
        plan,
        keysAndValues(plan),
        [
          ...scores(plan, 'q', 'tileA'),
          'workgroupBarrier();',
          ...scaled(plan),
          ...columns(
            plan,
            (i, column) =>
              `let p${i} = exp(s${i} - most); total += p${i}; weights[${weightAt(plan, column)}] = f16(p${i});`,
          ),
          'workgroupBarrier();',
          ...addWeighted(plan, 'o', 'weights', 'tileB'),
        ],
        true,
      ),
      ...joined(plan, 'total', (a, b) => `${a} + ${b}`),
      'let inverse = 1.0 / total;',
      ...storeSums(plan, 'o', output(plan, 'out'), (x) => (half ? `f16(${x} * inverse)` : `${x} * inverse`)),
    ],
  )
}

export const matrixStatistics = (plan: MatrixPlan): Kernel => {
  const bindings = [
    ['qkv', inputType(plan)],
    ['statistics', 'f32'],
  ] as const
  return matrixKernel(
    plan,
    'attentionStatistics',
    bindings,
    [],
    [
      ...queries(plan),
      `var most = ${NEVER}; var total = 0.0;`,
      ...forSpans(plan, keys(plan), [
        ...scores(plan, 'q', 'tileA'),
        'workgroupBarrier();',
        ...scaled(plan),
        `let larger = ${largestOf(plan)};`,
        `total = total * exp(most - larger) + ${columns(plan, (i) => `exp(s${i} - larger)`).join(' + ')};`,
        'most = larger;',
        'workgroupBarrier();',
      ]),
      'let before = most;',
      ...joined(plan, 'most', (a, b) => `max(${a}, ${b})`),
      'total *= exp(before - most);',
      ...joined(plan, 'total', (a, b) => `${a} + ${b}`),
      `if (share == 0u && row < ${plan.spec.sequence}u) { statistics[${statistic(plan, 'row')}] = most + log(total); }`,
    ],
  )
}
