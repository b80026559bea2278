/** `metrics.jsonl`: one JSON line every few steps. Resuming cuts off what came after the checkpoint, so no line is doubled. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sync as writeFileAtomic } from 'write-file-atomic'
import type { MetricsSummary } from './metrics.js'

export interface MetricsLine extends MetricsSummary {
  readonly step: number
  readonly lr: number
  /** Wall-clock seconds of training so far, resumed runs added up. */
  readonly seconds: number
}

const pathOf = (run: string): string => join(run, 'metrics.jsonl')

export const appendMetrics = (run: string, line: MetricsLine): void =>
  appendFileSync(pathOf(run), `${JSON.stringify(line)}\n`)

const parse = (text: string): MetricsLine | undefined => {
  try {
    return JSON.parse(text) as MetricsLine
  } catch {
    // A line cut off by a crash.
    return undefined
  }
}

export const readMetrics = (run: string): readonly MetricsLine[] =>
  existsSync(pathOf(run))
    ? readFileSync(pathOf(run), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map(parse)
        .filter((line) => line !== undefined)
    : []

/** Keeps the lines up to `step`. */
export const truncateMetrics = (run: string, step: number): void => {
  if (!existsSync(pathOf(run))) return
  const lines = readMetrics(run).filter((line) => line.step <= step)
  writeFileAtomic(pathOf(run), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}
