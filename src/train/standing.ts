/**
 * How a run is doing: which checkpoint is the best so far, and whether to stop early. Pure; it is saved in every checkpoint,
 * so that a resumed run judges as one that was never interrupted.
 */
import type { MetricsSummary } from './metrics.js'
import type { BestBy, TrainingSettings } from './settings.js'

export interface Best {
  readonly step: number
  readonly by: BestBy
  readonly value: number
  /** Decides between equal values: early in training no whole answer is right for long, but more and more tokens are. */
  readonly tie: number
}

export interface Standing {
  readonly best?: Best
  /** The highest accuracy of an evaluation so far. */
  readonly peak?: Pick<Best, 'value' | 'tie'>
  /** Evaluations since then. */
  readonly stale: number
  /** Lines of metrics in a row with enough exact answers. */
  readonly above: number
  /** Losses of the lines of metrics since the last regular checkpoint. */
  readonly losses: { readonly sum: number; readonly lines: number }
}

export const beginning: Standing = { stale: 0, above: 0, losses: { sum: 0, lines: 0 } }

type Judging = Pick<TrainingSettings, 'best' | 'evalEvery' | 'patience' | 'stopAt'>

export const bestBy = ({ best, evalEvery }: Judging): BestBy => best ?? (evalEvery === undefined ? 'loss' : 'exact')

const isHigher = (a: Pick<Best, 'value' | 'tie'>, b: Pick<Best, 'value' | 'tie'>): boolean =>
  a.value > b.value || (a.value === b.value && a.tie > b.tie)

/** Of equals the earlier stays: it was trained less. */
const better = (old: Best | undefined, found: Best): Best => {
  if (old === undefined || old.by !== found.by) return found
  const isBetter = found.by === 'loss' ? found.value < old.value : isHigher(found, old)
  return isBetter ? found : old
}

/** After a line of metrics. A line in which no example halted says nothing about accuracy. */
export const afterLine = (
  standing: Standing,
  { stopAt = Number.POSITIVE_INFINITY }: Judging,
  { loss, count, exact_accuracy: exact }: MetricsSummary,
): Standing => ({
  ...standing,
  above: count === 0 ? standing.above : exact >= stopAt ? standing.above + 1 : 0,
  losses: { sum: standing.losses.sum + loss, lines: standing.losses.lines + 1 },
})

export const afterEvaluation = (
  standing: Standing,
  settings: Judging,
  { step, exact, token }: { readonly step: number; readonly exact: number; readonly token: number },
): Standing => {
  const by = bestBy(settings)
  const found = by === 'token' ? { value: token, tie: exact } : { value: exact, tie: token }
  const { peak } = standing
  const isNew = peak === undefined || isHigher(found, peak)
  return {
    ...standing,
    ...(by !== 'loss' && { best: better(standing.best, { step, by, ...found }) }),
    peak: isNew ? found : peak,
    stale: isNew ? 0 : standing.stale + 1,
  }
}

/** At a regular checkpoint: the loss in training since the last one. */
export const atCheckpoint = (standing: Standing, settings: Judging, step: number): Standing => {
  const { sum, lines } = standing.losses
  if (lines === 0 || bestBy(settings) !== 'loss') return { ...standing, losses: beginning.losses }
  return {
    ...standing,
    best: better(standing.best, { step, by: 'loss', value: sum / lines, tie: 0 }),
    losses: beginning.losses,
  }
}

/** So many lines of metrics in a row count as staying. */
export const STAYED = 10

/** Why the run should stop before its last step. */
export const stopReason = ({ stale, above, peak }: Standing, { patience, stopAt }: Judging): string | undefined => {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`
  if (patience !== undefined && stale >= patience)
    return `${stale} evaluations in a row brought no better than ${percent(peak?.value ?? 0)} (patience ${patience})`
  if (stopAt !== undefined && above >= STAYED)
    return `at least ${percent(stopAt)} of the answers in training were right over ${above} lines of metrics (stopAt ${stopAt})`
  return undefined
}
