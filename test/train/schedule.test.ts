import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { learningRate } from '../../src/train/index.js'
import { sharedPath } from '../support/oracle-ops.js'

const file = sharedPath('oracle-transforms', 'lr_schedule.json')
if (!existsSync(file)) console.warn(`SKIPPED: no ${file} (THETAGRAD_ORACLE)`)

interface Table {
  readonly base_lr: number
  readonly num_warmup_steps: number
  readonly num_training_steps: number
  readonly min_ratio: number
  readonly steps: readonly number[]
  readonly lr: readonly number[]
}

describe('the learning rate', () => {
  test.skipIf(!existsSync(file))('is that of the published tables', () => {
    const { tables } = JSON.parse(readFileSync(file, 'utf8')) as { tables: readonly Table[] }
    for (const table of tables) {
      const schedule = {
        base: table.base_lr,
        warmup: table.num_warmup_steps,
        steps: table.num_training_steps,
        minRatio: table.min_ratio,
      }
      table.steps.forEach((t, i) => {
        expect(Math.abs(learningRate(schedule, t) - table.lr[i]!)).toBeLessThan(1e-12)
      })
    }
  })

  test('never leaves [0, base] within the run', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 50 }),
        fc.integer({ min: 51, max: 500 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 500 }),
        (warmup, steps, minRatio, t) => {
          const lr = learningRate({ base: 1, warmup, steps, minRatio }, Math.min(t, steps))
          expect(lr).toBeGreaterThanOrEqual(0)
          expect(lr).toBeLessThanOrEqual(1 + 1e-12)
        },
      ),
    )
  })
})
