/** What `thetagrad eval` prints: accuracies and halting as JSON and as tables. */
import type { HaltingMeasured, Measured } from './evaluation.js'
import { duration, percent } from './progress.js'

/** The contract of `--json`; accuracies are those after the last segment, `bySegment` after each. */
export const accuraciesJson = ({ examples, exact, token, optimal, halting, segments, seconds }: Measured) => ({
  examples,
  exact: exact.at(-1),
  token: token.at(-1),
  ...(optimal !== undefined && { optimal: optimal.at(-1) }),
  segments,
  seconds,
  bySegment: exact.map((share, i) => ({
    segments: i + 1,
    exact: share,
    token: token[i],
    ...(optimal !== undefined && { optimal: optimal[i] }),
  })),
  ...(halting !== undefined && { halting }),
})

export const segmentTable = ({ exact, token, optimal }: Pick<Measured, 'exact' | 'token' | 'optimal'>): string =>
  [
    `segments   exact    tokens${optimal === undefined ? '' : '  optimal'}`,
    ...exact.map((share, i) =>
      [`${i + 1}`, ...[share, token[i], optimal?.[i]].flatMap((n) => (n === undefined ? [] : [percent(n)]))]
        .map((cell) => cell.padStart(8))
        .join(' '),
    ),
  ].join('\n')

export const showAccuracies = (m: Measured): string =>
  [
    segmentTable(m),
    ...(m.halting === undefined ? [] : showHalting(m.halting, m)),
    `${m.examples} examples in ${duration(m.seconds)}`,
  ].join('\n')

const showHalting = (h: HaltingMeasured, { examples, exact, segments }: Measured): readonly string[] => {
  const told = h.first.flatMap((n, i) => (n === 0 ? [] : [`after ${i + 1}: ${percent(n / examples)}`]))
  const { accuracy, precision, error } = h.qHalt
  return [
    `stopping where ${h.rule}: ${h.meanSegments.toFixed(1)} segments on average, ${percent(h.exact)} exact (after all ${segments}: ${percent(exact.at(-1)!)})`,
    `  told to stop ${[...told, ...(h.never === 0 ? [] : [`never: ${percent(h.never / examples)}`])].join(', ')}`,
    `  q_halt tells right from wrong in ${percent(accuracy)} of the answers; ${precision === null ? 'it calls none right' : `of those it calls right ${percent(precision)} are`}; calibration error ${percent(error)}`,
  ]
}
