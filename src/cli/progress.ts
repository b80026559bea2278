/** Progress on stderr: a bar on a terminal, a line now and then elsewhere. */
import { Presets, SingleBar } from 'cli-progress'
import type { Tuned } from '../ir/index.js'
import type { TrainingProgress } from '../train/index.js'
import { log } from './result.js'

export interface Progress {
  readonly show: (progress: TrainingProgress) => void
  readonly stop: () => void
}

export const duration = (seconds: number): string => {
  const s = Math.max(0, Math.round(seconds))
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`
}
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

const speed = (stepsPerSecond: number): string =>
  stepsPerSecond >= 1 ? `${stepsPerSecond.toFixed(1)} steps/s` : `${(1 / stepsPerSecond).toFixed(1)} s/step`

const words = (p: TrainingProgress) => ({
  loss: p.loss.toPrecision(4),
  exact: percent(p.exact),
  speed: speed(p.stepsPerSecond),
  left: duration(p.secondsLeft),
})

export const trainingProgress = (steps: number): Progress => (process.stderr.isTTY ? bar(steps) : lines(steps))

const bar = (steps: number): Progress => {
  const single = new SingleBar(
    {
      format: '{bar} {value}/{total} | loss {loss} | exact {exact} | {speed} | {left} left',
      barsize: 24,
      hideCursor: true,
    },
    Presets.shades_classic,
  )
  const waiting = { loss: '…', exact: '…', speed: '…', left: '…' }
  single.start(steps, 0, waiting)
  return { show: (p) => single.update(p.step, words(p)), stop: () => single.stop() }
}

/** At least every twentieth of the way or every half minute. */
const lines = (steps: number): Progress => {
  let shown = 0
  let at = performance.now()
  return {
    show: (p) => {
      const due = p.step - shown >= steps / 20 || performance.now() - at > 30_000 || p.step === steps
      if (!due) return
      shown = p.step
      at = performance.now()
      const { loss, exact, speed: pace, left } = words(p)
      log(`step ${p.step}/${steps}  loss ${loss}  exact ${exact}  ${pace}  ${left} left`)
    },
    stop: () => {},
  }
}

/** A line for every shape that was tuned. */
export const tuningProgress = ({ shape, fastest, speedup }: Tuned, done: number, shapes: number): void =>
  log(`${done}/${shapes}  ${shape}: ${fastest}${speedup > 1 ? `, ${speedup.toFixed(2)}× the default` : ''}`)
