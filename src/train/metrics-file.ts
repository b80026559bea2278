/**
 * `metrics.jsonl`: one JSON line every few steps of training, without a `kind`, and one of `"kind": "evaluation"` for every
 * evaluation. Resuming cuts off what came after the checkpoint, so no line is doubled.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sync as writeFileAtomic } from 'write-file-atomic'
import type { MetricsSummary } from './metrics.js'

export interface MetricsLine extends MetricsSummary {
  readonly step: number
  readonly lr: number
  /** In f16: by what the loss was multiplied at the end. */
  readonly loss_scale?: number
  /** Wall-clock seconds of training so far, resumed runs added up. */
  readonly seconds: number
}

/** Accuracies after the last segment, on examples that are not trained on. */
export interface EvaluationLine {
  readonly kind: 'evaluation'
  readonly step: number
  readonly examples: number
  readonly segments: number
  readonly exact: number
  readonly token: number
  /** The weights that were evaluated. */
  readonly weights: 'live' | 'ema'
  /** Wall-clock seconds of training so far. */
  readonly seconds: number
}
type Line = MetricsLine | EvaluationLine

const pathOf = (run: string): string => join(run, 'metrics.jsonl')

/** One write, flushed, so that what a checkpoint counts as written is. */
export const appendMetrics = (run: string, line: Line): void =>
  appendFileSync(pathOf(run), `${JSON.stringify(line)}\n`, { flush: true })

const parse = (text: string): Line | undefined => {
  try {
    return JSON.parse(text) as Line
  } catch {
    // A line cut off by a crash.
    return undefined
  }
}

const readLines = (run: string): readonly Line[] =>
  existsSync(pathOf(run))
    ? readFileSync(pathOf(run), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map(parse)
        .filter((line) => line !== undefined)
    : []

const isEvaluation = (line: Line): line is EvaluationLine => 'kind' in line && line.kind === 'evaluation'

/** The lines of training. Lines of a kind that is not known yet are passed over. */
export const readMetrics = (run: string): readonly MetricsLine[] =>
  readLines(run).filter((line): line is MetricsLine => !('kind' in line))

export const readEvaluations = (run: string): readonly EvaluationLine[] => readLines(run).filter(isEvaluation)

/** Keeps what a checkpoint counts as written: training up to `logged`, evaluations up to `evaluated`. */
export const truncateMetrics = (run: string, { logged, evaluated }: { logged: number; evaluated: number }): void => {
  if (!existsSync(pathOf(run))) return
  const lines = readLines(run).filter((line) => line.step <= (isEvaluation(line) ? evaluated : logged))
  writeFileAtomic(pathOf(run), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}
