/** What `thetagrad eval` prints of a test-time policy: accuracy by the number of candidates, as JSON and as a table. */
import type { Policy, Scaling } from '../train/index.js'
import { percent } from './progress.js'
import { aligned, whole } from './table.js'

export interface TestTime {
  readonly policy: Policy
  readonly scaling: Scaling
  /** The policy in a line. */
  readonly about: string
  /** Folders or files. */
  readonly checkpoints: readonly string[]
  /** What changes from copy to copy. */
  readonly copies?: string
}

/** `exact` is the policy's, `single` that of the plain pass; `oracle` picks a right candidate whenever there is one. */
export const testTimeJson = ({ policy, scaling, checkpoints }: TestTime) => {
  const { byCandidates, alone, agreement, examples, bySelection } = scaling
  const all = byCandidates.at(-1)!
  return {
    policy: { ...policy, checkpoints },
    candidates: all.candidates,
    exact: all.exact,
    ...(all.optimal !== undefined && { optimal: all.optimal }),
    single: byCandidates[0]!.exact,
    oracle: all.oracle,
    alone,
    agreement,
    bySelection,
    segments: examples * all.segments,
    byCandidates,
  }
}

export const showTestTime = ({ policy, scaling, about, copies }: TestTime): string => {
  const { byCandidates, alone, agreement, examples, bySelection } = scaling
  const [one, all] = [byCandidates[0]!, byCandidates.at(-1)!]
  const hasOptimal = all.optimal !== undefined
  const halts = policy.select === 'first-halt'
  const table = [
    [
      'candidates',
      'exact',
      ...(hasOptimal ? ['optimal'] : []),
      'any right',
      'segments',
      ...(halts ? ['until the first halts'] : []),
    ],
    ...byCandidates.map(({ candidates, exact, optimal, oracle, segments, needed }) => [
      `${candidates}`,
      percent(exact),
      ...(optimal === undefined ? [] : [percent(optimal)]),
      percent(oracle),
      `${segments}`,
      ...(halts ? [needed.toFixed(1)] : []),
    ]),
  ]
  const others = Object.entries(bySelection).filter(([rule]) => rule !== policy.select)
  return [
    `${about}${copies === undefined ? '' : `; copies are ${copies}`}`,
    aligned(table, 0),
    `one candidate ${percent(one.exact)}, the policy ${percent(all.exact)}; ${percent(all.oracle)} if the right one of the candidates were always known (an upper bound)`,
    `  a candidate is right by itself in ${percent(alone)}; ${percent(agreement)} of them give the chosen answer; ${whole(examples * all.segments)} segments in all`,
    ...(others.length === 0
      ? []
      : [
          `  of the same answers ${others.map(([rule, exact]) => `${rule} would choose ${percent(exact)}`).join(', ')} right`,
        ]),
  ].join('\n')
}
