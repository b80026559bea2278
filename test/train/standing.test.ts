/** Which checkpoint is the best, and when a run should stop: judged line by line. */
import { describe, expect, test } from 'vitest'
import {
  afterEvaluation,
  afterLine,
  atCheckpoint,
  beginning,
  type MetricsSummary,
  STAYED,
  type Standing,
  stopReason,
} from '../../src/train/index.js'

const line = (loss: number, exact = 0, count = 1): MetricsSummary => ({
  loss,
  lm_loss: loss,
  q_halt_loss: 0,
  q_continue_loss: 0,
  count,
  accuracy: exact,
  exact_accuracy: exact,
  q_halt_accuracy: 0,
  steps: 1,
})
const evaluated = (settings: Parameters<typeof afterEvaluation>[1], exacts: readonly number[]): Standing =>
  exacts.reduce((s, exact, i) => afterEvaluation(s, settings, { step: i + 1, exact, token: 1 - exact }), beginning)
const withTokens = (accuracies: readonly (readonly [exact: number, token: number])[]): Standing =>
  accuracies.reduce(
    (s, [exact, token], i) => afterEvaluation(s, { evalEvery: 1 }, { step: i + 1, exact, token }),
    beginning,
  )

describe('the best checkpoint', () => {
  test('is that of the highest accuracy; of equals the first', () => {
    expect(evaluated({ evalEvery: 1 }, [0.2, 0.5, 0.4, 0.5]).best).toMatchObject({ step: 2, by: 'exact', value: 0.5 })
    expect(evaluated({ evalEvery: 1, best: 'token' }, [0.2, 0.1, 0.4]).best).toMatchObject({ step: 2, by: 'token' })
  })
  test('while no whole answer is right is that of most tokens, and more tokens are an improvement', () => {
    const early = withTokens([
      [0, 0.3],
      [0, 0.5],
      [0, 0.4],
    ])
    expect([early.best?.step, early.stale]).toEqual([2, 1])
    const later = withTokens([
      [0, 0.6],
      [0.1, 0.5],
    ])
    expect([later.best?.step, later.stale]).toEqual([2, 0])
  })
  test('without evaluations, or when asked, is that of the lowest mean loss since the last one', () => {
    const judged = (settings: Parameters<typeof atCheckpoint>[1]) =>
      [
        [4, 2],
        [1, 2],
        [0, 9],
      ].reduce(
        (s, losses, i) =>
          atCheckpoint(
            losses.reduce((t, loss) => afterLine(t, settings, line(loss)), s),
            settings,
            10 * (i + 1),
          ),
        beginning,
      )
    expect(judged({}).best).toMatchObject({ step: 20, by: 'loss', value: 1.5 })
    expect(judged({ evalEvery: 1, best: 'loss' }).best).toMatchObject({ step: 20 })
    expect(judged({ evalEvery: 1 }).best).toBeUndefined()
  })
  test('by another number than before begins anew', () => {
    const byLoss = { ...beginning, best: { step: 1, by: 'loss', value: 0.01, tie: 0 } } as const
    expect(afterEvaluation(byLoss, { evalEvery: 1 }, { step: 9, exact: 0, token: 0 }).best).toMatchObject({ step: 9 })
  })
})

describe('a run stops', () => {
  test('after so many evaluations without a new best', () => {
    const settings = { evalEvery: 1, patience: 2 }
    expect(stopReason(evaluated(settings, [0.1, 0.3, 0.2]), settings)).toBeUndefined()
    expect(stopReason(evaluated(settings, [0.1, 0.3, 0.2, 0.3]), settings)).toContain('no better than 30.0 %')
    expect(stopReason(evaluated(settings, [0.3, 0.2, 0.4]), settings)).toBeUndefined()
  })
  test('when training has stayed right; lines in which none halted do not count', () => {
    const settings = { stopAt: 0.9 }
    const reasonAfter = (lines: readonly MetricsSummary[]) =>
      stopReason(
        lines.reduce((s, l) => afterLine(s, settings, l), beginning),
        settings,
      )
    const good = Array.from({ length: STAYED - 1 }, () => line(1, 0.95))
    expect(reasonAfter(good)).toBeUndefined()
    expect(reasonAfter([...good, line(1, 0, 0)])).toBeUndefined()
    expect(reasonAfter([...good, line(1, 0, 0), line(1, 0.9)])).toContain('90.0 %')
    expect(reasonAfter([...good, line(1, 0.5), line(1, 0.95)])).toBeUndefined()
  })
})
