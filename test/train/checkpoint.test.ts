import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Checkpoint,
  checkpointNamed,
  checkpointSteps,
  latestCheckpoint,
  mendCheckpoints,
  readCheckpoint,
  readModelAt,
  saveCheckpoint,
} from '../../src/train/index.js'

let run = ''
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), 'thetagrad-run-'))
})
afterEach(() => rmSync(run, { recursive: true, force: true }))

const checkpoint = (step: number): Checkpoint => ({
  step,
  model: { w: { shape: [2], data: Float32Array.of(step, 2) } },
  optimizer: { 'm.w': { shape: [2], data: Float32Array.of(3, 4) } },
  state: { logged: step },
})
const right = <A>(e: E.Either<unknown, A>): A => {
  if (E.isLeft(e)) throw new Error(JSON.stringify(e.left))
  return e.right
}

describe('a checkpoint', () => {
  test('comes back as it was written', () => {
    right(saveCheckpoint(run, checkpoint(10), 2))
    expect(right(readCheckpoint(right(latestCheckpoint(run))))).toEqual(checkpoint(10))
  })

  test('the newest few are kept, and latest names the newest', () => {
    for (const step of [5, 10, 15]) right(saveCheckpoint(run, checkpoint(step), 2))
    expect(checkpointSteps(run)).toEqual([10, 15])
    expect(readFileSync(join(run, 'checkpoints', 'latest'), 'utf8')).toBe('step-15\n')
  })

  test('the best is kept beside the newest, and named', () => {
    right(saveCheckpoint(run, checkpoint(5), 1, 5))
    for (const step of [10, 15]) right(saveCheckpoint(run, checkpoint(step), 1, 5))
    expect(checkpointSteps(run)).toEqual([5, 15])
    expect(right(checkpointNamed(run, 'best'))).toBe(join(run, 'checkpoints', 'step-5'))
    right(saveCheckpoint(run, checkpoint(20), 1, 20))
    expect(checkpointSteps(run)).toEqual([20])
    expect(right(checkpointNamed(run, 'best'))).toBe(join(run, 'checkpoints', 'step-20'))
  })

  test('is found by name, and what there is is told', () => {
    for (const step of [5, 10]) right(saveCheckpoint(run, checkpoint(step), 2))
    const folder = (step: number) => join(run, 'checkpoints', `step-${step}`)
    expect(['latest', 'step-5', '10'].map((name) => right(checkpointNamed(run, name)))).toEqual([10, 5, 10].map(folder))
    const [best, other] = [checkpointNamed(run, 'best'), checkpointNamed(run, 'step-7')]
    expect(E.isLeft(best) && best.left.what).toBe('the run does not know its best checkpoint')
    expect(E.isLeft(other) && other.left).toMatchObject({
      what: 'the run has no checkpoint "step-7"',
      fix: 'there are latest, step-5, step-10',
    })
  })

  test('averages lie beside the live weights and stand for them unless asked otherwise', () => {
    const average = { w: { shape: [2], data: Float32Array.of(8, 9) } }
    const b = { shape: [1], data: Float32Array.of(7) }
    const model = { ...checkpoint(5).model, b }
    const folder = right(saveCheckpoint(run, { ...checkpoint(5), model, average }, 2))
    expect(readdirSync(folder)).toContain('ema.safetensors')
    expect(right(readCheckpoint(folder))).toEqual({ ...checkpoint(5), model, average })
    expect(right(readModelAt(run))).toEqual({ ...average, b })
    expect(right(readModelAt(run, 'live'))).toEqual(model)
    const plain = right(saveCheckpoint(run, checkpoint(10), 2))
    const refused = readModelAt(plain, 'ema')
    expect(E.isLeft(refused) && refused.left.what).toBe('the checkpoint has no average of its weights')
  })

  test('one that a crash left aside while another was to take its place comes back', () => {
    const folder = right(saveCheckpoint(run, checkpoint(5), 2))
    renameSync(folder, join(run, 'checkpoints', '.step-5.123.replaced'))
    mendCheckpoints(run)
    expect(right(readCheckpoint(right(latestCheckpoint(run)))).step).toBe(5)
  })

  test('can be written again at the same step', () => {
    right(saveCheckpoint(run, checkpoint(5), 2))
    right(saveCheckpoint(run, { ...checkpoint(5), state: { logged: 4 } }, 2))
    expect(right(readCheckpoint(right(latestCheckpoint(run)))).state).toEqual({ logged: 4 })
    expect(readdirSync(join(run, 'checkpoints')).sort()).toEqual(['latest', 'step-5'])
  })

  test('half of one, left by a crash, is not seen and is swept up by the next', () => {
    right(saveCheckpoint(run, checkpoint(5), 2))
    const half = join(run, 'checkpoints', '.step-10.123')
    mkdirSync(half)
    writeFileSync(join(half, 'model.safetensors'), 'half')
    expect(right(readCheckpoint(right(latestCheckpoint(run)))).step).toBe(5)
    right(saveCheckpoint(run, checkpoint(10), 2))
    expect(readdirSync(join(run, 'checkpoints')).sort()).toEqual(['latest', 'step-10', 'step-5'])
  })

  test('a failed write leaves the last one in place and says where', () => {
    right(saveCheckpoint(run, checkpoint(5), 2))
    // A file where the folder of the next checkpoint should go makes the rename fail.
    const failed = saveCheckpoint(join(run, 'checkpoints', 'latest'), checkpoint(10), 2)
    expect(E.isLeft(failed) && failed.left.what).toContain('step 10')
    expect(right(readCheckpoint(right(latestCheckpoint(run)))).step).toBe(5)
  })

  test('a truncated one is a problem naming file, bytes found and bytes expected', () => {
    const folder = right(saveCheckpoint(run, checkpoint(5), 2))
    const file = join(folder, 'model.safetensors')
    const whole = readFileSync(file).length
    truncateSync(file, whole - 3)
    const read = readCheckpoint(folder)
    expect(E.isLeft(read) && read.left).toMatchObject({ where: file })
    expect(E.isLeft(read) && read.left.why).toContain(`${whole - 3} bytes, expected at least ${whole}`)
  })

  test('a run without any says so', () => {
    const none = latestCheckpoint(join(run, 'nowhere'))
    expect(E.isLeft(none) && none.left.what).toBe('the run has no checkpoint')
  })

  test('when latest names one that is gone, the newest there is taken', () => {
    right(saveCheckpoint(run, checkpoint(5), 2))
    writeFileSync(join(run, 'checkpoints', 'latest'), 'step-9\n')
    expect(right(readCheckpoint(right(latestCheckpoint(run)))).step).toBe(5)
  })
})
