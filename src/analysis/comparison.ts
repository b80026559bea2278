/** Models beside each other: accuracy against what training has cost so far. Must not know how they were trained. */
import { colorOf } from './figures.js'
import { drawFigure } from './panels.js'

interface Learnt {
  readonly name: string
  /** After so many FLOPs of training. */
  readonly curve: readonly { readonly flops: number; readonly exact: number; readonly token: number }[]
}

/** An SVG document. */
export const drawComparison = (models: readonly Learnt[]): string => {
  const most = Math.max(1, ...models.flatMap(({ curve }) => curve.map(({ flops }) => flops)))
  const [unit, name] = most >= 1e15 ? [1e15, 'PFLOP'] : most >= 1e12 ? [1e12, 'TFLOP'] : [1e9, 'GFLOP']
  return drawFigure({
    title: 'Accuracy against the cost of training',
    note: 'On examples that are not trained on, after as many segments as in training.',
    columns: 2,
    panels: (['exact', 'token'] as const).map((which) => ({
      title: which === 'exact' ? 'Whole answers' : 'Tokens',
      x: { name: `training (${name})`, min: 0 },
      y: { name: which === 'exact' ? 'answers right (%)' : 'tokens right (%)', min: 0, max: 100 },
      marks: models.map(({ name: model, curve }, i) => ({
        kind: 'line',
        name: model,
        color: colorOf(i),
        stroke: 'solid',
        points: curve.map((point) => [point.flops / unit, 100 * point[which]] as const),
      })),
    })),
  })
}
