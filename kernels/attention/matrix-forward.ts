/** Attention forward on matrix units: the largest score of every row, then weights relative to it; see `matrix.ts`. */
import type { Kernel } from '../kernel.js'
import {
  addWeighted,
  columns,
  forSpans,
  isHeldWhole,
  joined,
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
import { output, packed, type Rows, statistic } from './spec.js'

const NEVER = '-3e38'

/**
 * The queries as matrices q0 …; where the tiles hold all rows, the keys are in tile A then, and the values on their way to B:
 * nothing is left to fill span by span.
 */
const begin = (plan: MatrixPlan) => {
  const [q, k, v] = (['q', 'k', 'v'] as const).map((part) => packed(plan, part)) as [Rows, Rows, Rows]
  const isWhole = isHeldWhole(plan)
  return {
    queries: [
      ...stage(plan, ['tileB', q, 'firstRow'], ...(isWhole ? ([['tileA', k, '0u']] as const) : [])),
      'workgroupBarrier();',
      ...own(plan, 'q', 'tileB'),
    ],
    values: isWhole ? ['workgroupBarrier();', ...stage(plan, ['tileB', v, '0u'])] : [],
    keys: isWhole ? undefined : stage(plan, ['tileA', k, 'before']),
    keysAndValues: isWhole ? undefined : stage(plan, ['tileA', k, 'before'], ['tileB', v, 'before']),
  }
}

/** `s0 …`: the scaled scores of this lane's columns. */
const scaled = (plan: MatrixPlan): readonly string[] =>
  columns(plan, (i, column, score) => `let s${i} = ${masked(plan, column, `${score} * ${scaleOf(plan)}`, NEVER)};`)

const largestOf = (plan: MatrixPlan): string =>
  columns(plan, (i) => `s${i}`).reduce((text, s) => `max(${text}, ${s})`, 'most')

export const matrixForward = (plan: MatrixPlan): Kernel => {
  const half = plan.spec.halfOutput === true
  const { queries, values, keys, keysAndValues } = begin(plan)
  const bindings = [projections(plan), ['out', half ? 'f16' : 'f32']] as const
  return matrixKernel(
    plan,
    half ? 'attention to f16' : 'attention',
    bindings,
    [weightTile(plan, 'weights')],
    [
      ...queries,
      `var most = ${NEVER};`,
      ...values,
      ...forSpans(plan, keys, [
        ...scores(plan, 'q', 'tileA'),
        'workgroupBarrier();',
        ...scaled(plan),
        `most = ${largestOf(plan)};`,
        'workgroupBarrier();',
      ]),
      ...joined(plan, 'most', (a, b) => `max(${a}, ${b})`),
      'var total = 0.0;',
      ...zero(plan, 'o'),
      ...forSpans(plan, keysAndValues, [
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
      ]),
      ...joined(plan, 'total', (a, b) => `${a} + ${b}`),
      'let inverse = 1.0 / total;',
      ...storeSums(plan, 'o', output(plan, 'out'), (x) => (half ? `f16(${x} * inverse)` : `${x} * inverse`)),
    ],
  )
}

export const matrixStatistics = (plan: MatrixPlan): Kernel => {
  const { queries, keys } = begin(plan)
  const bindings = [projections(plan), ['statistics', 'f32']] as const
  return matrixKernel(
    plan,
    'attentionStatistics',
    bindings,
    [],
    [
      ...queries,
      `var most = ${NEVER}; var total = 0.0;`,
      ...forSpans(plan, keys, [
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
