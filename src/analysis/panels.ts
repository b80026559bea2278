/**
 * Panels side by side as one SVG text, on white: lines, bands, bars and paths over labelled axes. ECharts renders SVG
 * without a browser or native code. Must not know what is drawn: figures say that in numbers and words.
 */

import type { LineSeriesOption } from 'echarts/charts'
import { BarChart, type BarSeriesOption, CustomChart, type CustomSeriesOption, LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'

export type Stroke = 'solid' | 'dashed' | 'dotted'

export type Mark =
  /** A point without y is a gap. */
  | {
      readonly kind: 'line'
      readonly name: string
      readonly color: string
      readonly stroke: Stroke
      readonly points: readonly (readonly [number, number | null])[]
    }
  /** Between a lower and an upper edge. */
  | {
      readonly kind: 'band'
      readonly color: string
      readonly points: readonly (readonly [x: number, low: number, high: number])[]
    }
  /** One a category. */
  | {
      readonly kind: 'bars'
      readonly name: string
      readonly color: string
      readonly values: readonly (number | null)[]
    }
  /** A way through a plane: from a hollow point to a large one, points getting darker. */
  | { readonly kind: 'path'; readonly color: string; readonly points: readonly (readonly [number, number])[] }

export interface Axis {
  /** What it measures, with its unit. */
  readonly name: string
  readonly min?: number
  readonly max?: number
  readonly whole?: boolean
}

export interface Panel {
  readonly title: string
  readonly x: Axis | { readonly name: string; readonly categories: readonly string[] }
  readonly y: Axis
  readonly marks: readonly Mark[]
}

export interface Figure {
  readonly title: string
  /** A sentence under the title: how to read it. */
  readonly note: string
  readonly columns: number
  readonly panels: readonly Panel[]
}

/** Pixels. */
const PANEL = { width: 460, height: 330, left: 76, right: 24, top: 44, bottom: 58 } as const
const HEAD = 84
const INK = '#222'
const FAINT = '#e4e4e4'

/** The figure as an SVG document. */
export const drawFigure = (figure: Figure): string => {
  use([LineChart, BarChart, CustomChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer])
  const { panels, columns } = figure
  const across = Math.max(1, Math.min(columns, panels.length))
  const width = Math.max(2, across) * PANEL.width
  const height = HEAD + Math.max(1, Math.ceil(panels.length / across)) * PANEL.height
  const corner = (i: number) => ({
    left: (i % across) * PANEL.width,
    top: HEAD + Math.floor(i / across) * PANEL.height,
  })
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height })
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      textStyle: { fontFamily: 'Helvetica, Arial, sans-serif', color: INK },
      title: [
        { text: figure.title, subtext: figure.note, left: 16, top: 10, itemGap: 6, ...titleText(17, 'bold') },
        ...panels.map(({ title }, i) => ({
          text: title,
          left: corner(i).left + PANEL.left,
          top: corner(i).top + 14,
          ...titleText(13, 'normal'),
        })),
      ],
      legend: { data: legendOf(panels), left: 16, top: 58, itemWidth: 28, itemGap: 30, textStyle: { color: INK } },
      grid: panels.map((_, i) => ({
        left: corner(i).left + PANEL.left,
        top: corner(i).top + PANEL.top,
        width: PANEL.width - PANEL.left - PANEL.right,
        height: PANEL.height - PANEL.top - PANEL.bottom,
      })),
      xAxis: panels.map(({ x }, i) => ({ ...axis(x, 30), gridIndex: i })),
      yAxis: panels.map(({ y }, i) => ({ ...axis(y, 50), gridIndex: i })),
      series: panels.flatMap(({ marks }, i) => marks.flatMap((mark) => seriesOf(mark, i))),
    })
    return chart.renderToSVGString()
  } finally {
    chart.dispose()
  }
}

const titleText = (fontSize: number, fontWeight: 'bold' | 'normal') => ({
  textStyle: { fontSize, fontWeight, color: INK },
  subtextStyle: { fontSize: 12, color: '#555' },
})

/** Every name once. */
const legendOf = (panels: readonly Panel[]): string[] => [
  ...new Set(panels.flatMap(({ marks }) => marks.flatMap((mark) => ('name' in mark ? [mark.name] : [])))),
]

const axis = (given: Panel['x'], nameGap: number) => {
  const common = {
    name: given.name,
    nameLocation: 'middle' as const,
    nameGap,
    nameTextStyle: { color: INK, fontSize: 12 },
    axisLine: { show: true, onZero: false, lineStyle: { color: INK } },
    axisTick: { show: true },
    axisLabel: { color: INK, fontSize: 11, hideOverlap: true },
    splitLine: { show: !('categories' in given), lineStyle: { color: FAINT } },
  }
  if ('categories' in given) return { ...common, type: 'category' as const, data: [...given.categories] }
  const { min, max, whole = false } = given
  return {
    ...common,
    type: 'value' as const,
    scale: true,
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(whole && { minInterval: 1 }),
  }
}

const seriesOf = (mark: Mark, panel: number): (LineSeriesOption | BarSeriesOption | CustomSeriesOption)[] => {
  const place = { xAxisIndex: panel, yAxisIndex: panel, silent: true }
  switch (mark.kind) {
    case 'line': {
      const { name, color, stroke, points } = mark
      const style = { itemStyle: { color }, lineStyle: { color, type: stroke, width: 1.8 } }
      const few = points.length <= 40
      const data = points.map(([x, y]) => [x, y ?? '-'])
      return [{ ...place, ...style, type: 'line', name, data, symbol: 'circle', symbolSize: few ? 5 : 0 }]
    }
    case 'bars': {
      const { name, color, values } = mark
      return [{ ...place, type: 'bar', name, itemStyle: { color }, data: values.map((v) => v ?? '-') }]
    }
    case 'band':
      return [bandSeries(mark, place)]
    case 'path':
      return pathSeries(mark, place)
    default:
      return mark satisfies never
  }
}

type Place = { readonly xAxisIndex: number; readonly yAxisIndex: number; readonly silent: boolean }

const bandSeries = ({ color, points }: Mark & { kind: 'band' }, place: Place): CustomSeriesOption => ({
  ...place,
  type: 'custom',
  z: 1,
  data: [0],
  renderItem: (_, api) => {
    const edge = (y: 1 | 2) => points.map((p) => api.coord([p[0], p[y]]))
    const shape = { points: [...edge(1), ...edge(2).reverse()] }
    return { type: 'polygon', shape, style: { fill: color, opacity: 0.18 } }
  },
})

const pathSeries = ({ color, points }: Mark & { kind: 'path' }, place: Place): LineSeriesOption[] => {
  const last = points.length - 1
  const data = points.map(([x, y], i) => ({
    value: [x, y],
    symbolSize: i === 0 || i === last ? 11 : 6,
    itemStyle:
      i === 0
        ? { color: '#ffffff', borderColor: color, borderWidth: 2 }
        : { color, opacity: 0.25 + (0.75 * i) / Math.max(1, last) },
  }))
  return [
    { ...place, type: 'line', data, symbol: 'circle', lineStyle: { color, width: 1, opacity: 0.35 }, showSymbol: true },
  ]
}
