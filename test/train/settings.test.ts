/** What a training setting may be, in a config file and as `key=value` on the command line. */
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import type { Problem } from '../../src/problem.js'
import { completeSettings, defaultSettings, parseSetting } from '../../src/train/index.js'

const right = <A>(e: E.Either<Problem, A>): A => {
  if (E.isLeft(e)) throw new Error(JSON.stringify(e.left))
  return e.right
}

describe('training settings', () => {
  const refusal = (given: Record<string, unknown>) => {
    const checked = completeSettings(given, 'config.ts')
    if (E.isRight(checked)) throw new Error('accepted')
    return checked.left
  }
  test('on the command line are read as what they are', () => {
    const parsed = (text: string) => parseSetting(text)
    expect(right(parsed('lr=1e-3'))).toEqual(['lr', 1e-3])
    expect(right(parsed('ema=0.999'))).toEqual(['ema', 0.999])
    expect(right(parsed('ema=none'))).toEqual(['ema', undefined])
    expect(right(parsed('loss=softmax'))).toEqual(['loss', 'softmax'])
    const refused = (text: string) => {
      const result = parsed(text)
      if (E.isRight(result)) throw new Error('accepted')
      return `${result.left.what}: ${result.left.fix}`
    }
    expect(refused('lr=fast')).toBe('lr is "fast": give a number ≥ 0')
    expect(refused('lr=')).toBe('lr is "": give a number ≥ 0')
    expect(refused('lr=none')).toBe('lr is "none": give a number ≥ 0')
    expect(refused('batch=1.5')).toBe('batch is 1.5: give a whole number ≥ 1')
    expect(refused('ema=1')).toBe('ema is 1: give a number > 0 and < 1, or none')
    expect(refused('weight-decay=1')).toBe('there is no training setting "weight-decay": it is written weightDecay')
    expect(refused('speed=1')).toContain('the settings are loss, batch, accumulate')
    expect(refused('fast')).toBe('"fast" sets nothing: write key=value, e.g. lr=1e-4')
  })
  test('what is absent is filled in', () => {
    expect(right(completeSettings({ steps: 5 }, 'config.ts'))).toEqual({ ...defaultSettings, steps: 5 })
  })
  test.each([
    [{ batch: 0 }, 'batch is 0'],
    [{ steps: 1.5 }, 'steps is 1.5'],
    [{ lr: Number.NaN }, 'lr is null'],
    [{ lrMinRatio: 2 }, 'lrMinRatio is 2'],
    [{ loss: 'huber' }, 'loss is "huber"'],
    [{ learningRate: 1 }, 'there is no training setting "learningRate"'],
    [{ ema: 1 }, 'ema is 1'],
    [{ stopAt: 1.5 }, 'stopAt is 1.5'],
    [{ best: 'luck' }, 'best is "luck"'],
    [{ batch: 10, accumulate: 4 }, 'a batch of 10 cannot be made of 4 micro-batches'],
    [{ patience: 3 }, 'patience needs evaluations during training'],
    [{ evalLimit: 10 }, 'evalLimit needs evaluations during training'],
    [{ evalSplit: 'train' }, 'evalSplit needs evaluations during training'],
    [{ beta1: 1 }, 'beta1 is 1'],
    [{ best: 'token' }, 'best "token" needs evaluations during training'],
  ])('%j is refused', (given, what) => {
    expect(refusal(given)).toMatchObject({ what, where: 'config.ts' })
  })
})
