import { describe, expect, test } from 'vitest'
import { type Analysis, figures } from '../../src/analysis/index.js'

const spread = (mean: number) => ({ mean, q1: mean * 0.9, median: mean, q3: mean * 1.1 })
const analysis: Analysis = {
  examples: 10,
  segments: 2,
  calls: ['L', 'H'],
  residuals: [
    { state: 'z_L', steps: [1, 3].map((step, i) => ({ step, segment: i + 1, level: 'L', ...spread(30 / step) })) },
    { state: 'z_H', steps: [2, 4].map((step, i) => ({ step, segment: i + 1, level: 'H', ...spread(20 / step) })) },
  ],
  participation: ['z_L', 'z_H'].map((state) => ({
    state,
    final: 3,
    trajectory: null,
    byExamples: [{ examples: 10, final: 3, trajectory: null }],
  })),
  accuracy: [
    { segments: 1, exact: 0.5, token: 0.8 },
    { segments: 2, exact: Number.NaN, token: Number.NaN },
  ],
  haltingRule: 'q_halt > q_continue',
  halting: {
    first: [4, 1],
    never: 5,
    byLimit: [
      { limit: 1, meanSegments: 1, exact: 0.5, token: 0.8 },
      { limit: 2, meanSegments: 1.6, exact: 0.6, token: 0.8 },
    ],
  },
  predictions: [],
  trajectories: [
    {
      example: 0,
      state: 'z_L',
      explained: [0.75, 0.2],
      points: [
        { step: 0, x: 0, y: 1 },
        { step: 1, x: 2, y: 0 },
      ],
    },
  ],
}
const drawn = figures([
  { name: 'mine', analysis },
  { name: 'another', analysis },
])
const textOf = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text).join('\n')

describe('the figures', () => {
  test('are one SVG document each, on white, without numbers that are none', () => {
    expect(Object.keys(drawn)).toEqual([
      'residuals.svg',
      'participation.svg',
      'accuracy.svg',
      'halting.svg',
      'trajectory.svg',
    ])
    for (const svg of Object.values(drawn)) {
      expect(svg).toMatch(/^<svg [\s\S]*<\/svg>\s*$/)
      expect(svg).toContain('fill="#ffffff"')
      expect(svg).not.toContain('NaN')
    }
  })

  test.each([
    ['residuals.svg', ['‖zⁱ − zⁱ⁻¹‖', 'computation step (calls of a block)', 'mine: calls L H per segment', 'z_H']],
    ['participation.svg', ['participation ratio (dimensions)', 'examples', 'another']],
    ['accuracy.svg', ['answers right (% of examples)', 'tokens right (%)', 'segments', 'mine', 'another']],
    ['halting.svg', ['q_halt &gt; q_continue', 'examples (%)', 'never', 'limit (segments)']],
    ['trajectory.svg', ['component 1 (75 % of the variance)', 'mine: z_L, example 1', 'another: z_L, example 1']],
  ])('%s names what its axes and lines are', (file, words) => {
    for (const word of words) expect(textOf(drawn[file]!)).toContain(word)
  })
})
