/**
 * The five figures of an analysis, of one model or of several beside each other: which numbers go where, in which words.
 * Must not know how they were measured, nor how a panel becomes SVG.
 */
import type { Analysis } from './analysis.js'
import { type Axis, drawFigure, type Figure, type Mark, type Panel, type Stroke } from './panels.js'

/** A model with its name for the legend. */
export interface Named {
  readonly name: string
  readonly analysis: Analysis
}

/** SVG documents by file name. */
export const figures = (subjects: readonly Named[]): Readonly<Record<string, string>> => ({
  'residuals.svg': drawFigure(residuals(subjects)),
  'participation.svg': drawFigure(participation(subjects)),
  'accuracy.svg': drawFigure(accuracy(subjects)),
  'halting.svg': drawFigure(halting(subjects)),
  'trajectory.svg': drawFigure(trajectory(subjects)),
})

/** Okabe and Ito: told apart by colour-blind readers too, and in print. */
const palette = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000'] as const
export const colorOf = (i: number): string => palette[i % palette.length]!

/** The same state has the same colour in every panel. */
const statesOf = (subjects: readonly Named[]): readonly string[] => [
  ...new Set(subjects.flatMap(({ analysis }) => analysis.participation.map(({ state }) => state))),
]

/** One scale for panels that are to be compared: from 0 to a round number above all values. */
const fromZero = (name: string, values: readonly (number | null)[]): Axis => {
  const most = Math.max(0, ...values.filter((v) => v !== null && Number.isFinite(v)).map((v) => v!))
  if (most === 0) return { name, min: 0 }
  const unit = 10 ** Math.floor(Math.log10(most))
  const steps = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10]
  return { name, min: 0, max: unit * steps.find((s) => s * unit >= most * 0.999)! }
}

const line = (name: string, color: string, points: (Mark & { kind: 'line' })['points'], stroke: Stroke): Mark => ({
  kind: 'line',
  name,
  color,
  stroke,
  points,
})

// ── figure 3: hierarchical convergence ──────────────────────────────────────────────────────────────────────────────
const residuals = (subjects: readonly Named[]): Figure => {
  const states = statesOf(subjects)
  const highest = subjects.flatMap(({ analysis }) => analysis.residuals.flatMap((r) => r.steps.map((s) => s.q3)))
  const means = subjects.flatMap(({ analysis }) => analysis.residuals.flatMap((r) => r.steps.map((s) => s.mean)))
  const y = fromZero('forward residual ‖zⁱ − zⁱ⁻¹‖ (L2 norm)', [...highest, ...means])
  return {
    title: 'Forward residual',
    note: 'How far every call moves its state: mean over examples, with the band between the quartiles.',
    columns: 3,
    panels: subjects.map(({ name, analysis }) => ({
      title: `${name}: calls ${short(analysis.calls)} per segment`,
      x: { name: 'computation step (calls of a block)', min: 0, whole: true },
      y,
      marks: analysis.residuals.flatMap(({ state, steps }): Mark[] => {
        const color = colorOf(states.indexOf(state))
        return [
          { kind: 'band', color, points: steps.map(({ step, q1, q3 }) => [step, q1, q3] as const) },
          line(
            state,
            color,
            steps.map(({ step, mean }) => [step, mean] as const),
            'solid',
          ),
        ]
      }),
    })),
  }
}

const short = (calls: readonly string[]): string =>
  calls.length <= 12 ? calls.join(' ') : `${calls.slice(0, 8).join(' ')} … (${calls.length})`

// ── figure 8: dimensionality ────────────────────────────────────────────────────────────────────────────────────────
const participation = (subjects: readonly Named[]): Figure => {
  const states = statesOf(subjects)
  const of = (analysis: Analysis, state: string) => analysis.participation.find((p) => p.state === state)
  const all = subjects.flatMap(({ analysis }) =>
    analysis.participation.flatMap(({ byExamples }) => byExamples.flatMap((p) => [p.final, p.trajectory])),
  )
  const y = fromZero('participation ratio (dimensions)', all)
  const bars: Panel = {
    title: 'After the last segment',
    x: { name: 'model', categories: subjects.map(({ name }) => name) },
    y,
    marks: states.map((state, i) => ({
      kind: 'bars',
      name: state,
      color: colorOf(i),
      values: subjects.map(({ analysis }) => of(analysis, state)?.final ?? null),
    })),
  }
  return {
    title: 'Participation ratio (Σλ)² / Σλ² of the covariance over examples and positions',
    note: 'Lines: solid after the last segment, dashed over the states after every call.',
    columns: 3,
    panels: [
      bars,
      ...subjects.map(({ name, analysis }) => ({
        title: name,
        x: { name: 'examples', min: 0, whole: true },
        y,
        marks: analysis.participation.flatMap(({ state, byExamples }) =>
          (['final', 'trajectory'] as const).map((which) =>
            line(
              state,
              colorOf(states.indexOf(state)),
              byExamples.map((p) => [p.examples, p[which]] as const),
              which === 'final' ? 'solid' : 'dashed',
            ),
          ),
        ),
      })),
    ],
  }
}

// ── figure 5: accuracy against segments, and halting ────────────────────────────────────────────────────────────────
const percent = (share: number): number | null => (Number.isFinite(share) ? 100 * share : null)

const accuracy = (subjects: readonly Named[]): Figure => ({
  title: 'Accuracy against segments',
  note: 'Solid: so many segments for every example. Dashed: stopped where the Q head says so, at the latest then.',
  columns: 2,
  panels: (['exact', 'token'] as const).map((which) => ({
    title: which === 'exact' ? 'Whole answers' : 'Tokens',
    x: { name: 'segments', whole: true, min: 1 },
    y: { name: which === 'exact' ? 'answers right (% of examples)' : 'tokens right (%)', min: 0, max: 100 },
    marks: subjects.flatMap(({ name, analysis }, i) => [
      line(
        name,
        colorOf(i),
        analysis.accuracy.map((a) => [a.segments, percent(a[which])] as const),
        'solid',
      ),
      line(
        name,
        colorOf(i),
        analysis.halting.byLimit.map((a) => [a.limit, percent(a[which])] as const),
        'dashed',
      ),
    ]),
  })),
})

const halting = (subjects: readonly Named[]): Figure => {
  const most = Math.max(...subjects.map(({ analysis }) => analysis.segments))
  const share = (n: number, { examples }: Analysis) => (100 * n) / examples
  return {
    title: 'Halting',
    note: `The first segment after which the Q head says stop (${[...new Set(subjects.map(({ analysis }) => analysis.haltingRule))].join('; ')}).`,
    columns: 2,
    panels: [
      {
        title: 'First stop',
        x: { name: 'segment', categories: [...Array.from({ length: most }, (_, i) => `${i + 1}`), 'never'] },
        y: { name: 'examples (%)', min: 0, max: 100 },
        marks: subjects.map(({ name, analysis }, i) => ({
          kind: 'bars',
          name,
          color: colorOf(i),
          values: [
            ...Array.from({ length: most }, (_, s) => share(analysis.halting.first[s] ?? 0, analysis)),
            share(analysis.halting.never, analysis),
          ],
        })),
      },
      {
        title: 'Segments used',
        x: { name: 'limit (segments)', whole: true, min: 1 },
        y: { name: 'mean segments until the stop or the limit', min: 0 },
        marks: subjects.map(({ name, analysis }, i) =>
          line(
            name,
            colorOf(i),
            analysis.halting.byLimit.map((a) => [a.limit, a.meanSegments] as const),
            'solid',
          ),
        ),
      },
    ],
  }
}

// ── figure 3, below: trajectories ───────────────────────────────────────────────────────────────────────────────────
const trajectory = (subjects: readonly Named[]): Figure => {
  const states = statesOf(subjects)
  const shown = Math.max(
    1,
    ...subjects.map(({ analysis }) => new Set(analysis.trajectories.map((t) => t.example)).size),
  )
  const share = (part: number) => `${(100 * part).toFixed(0)} % of the variance`
  return {
    title: 'Trajectories in their two principal components',
    note: 'Hollow: the initial state. Each point is the state after a call, darker with time; large: the last.',
    columns: shown,
    panels: subjects.flatMap(({ name, analysis }) =>
      states.flatMap((state) =>
        analysis.trajectories
          .filter((t) => t.state === state)
          .map(({ example, explained, points }) => ({
            title: `${name}: ${state}, example ${example + 1}`,
            x: { name: `component 1 (${share(explained[0])})` },
            y: { name: `component 2 (${share(explained[1])})` },
            marks: [
              {
                kind: 'path' as const,
                color: colorOf(states.indexOf(state)),
                points: points.map(({ x, y }) => [x, y] as const),
              },
            ],
          })),
      ),
    ),
  }
}
