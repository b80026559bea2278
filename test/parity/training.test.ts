/**
 * Parity with the published implementation, training: for every oracle case of an HRM or TRM, optimiser steps in a row with the
 * carry handed on; losses, metrics, halting, gradients and the weights at the end. A new case folder is picked up by itself.
 */
import { describe, expect, test } from 'vitest'
import type { Backend, HostArray } from '../../src/ir/index.js'
import {
  arenaOf,
  emptyCarry,
  fromResidents,
  learningRate,
  metricNames,
  type NamedValues,
  residentParameters,
  stateNames,
  streamedRates,
  toResidents,
  trainingStep,
  unpackArena,
} from '../../src/train/index.js'
import { backendsForTests } from '../support/backends.js'
import { relativeError } from '../support/numbers.js'
import { type OracleCase, oracleCases, oracleFolder } from '../support/oracle.js'
import { modelOfCase } from '../support/oracle-hrm.js'

/** Relative L2 errors allowed by the oracle's README. */
const tolerances = { activations: 3e-4, losses: 3e-4, gradients: 1e-3, weights: 3e-5, exact: 0 } as const
const toleranceOf = (oracle: string, name: string): number => {
  const isMlp = /^trm-.*-mlp$/.test(oracle)
  if (name.startsWith('final')) return tolerances.weights
  if (name.startsWith('grad.')) return tolerances.gradients
  if (name.startsWith('metric.') || name === 'loss') return isMlp ? 3e-3 : tolerances.losses
  return ['halted', 'steps', LOCAL_IDS].includes(name) ? tolerances.exact : isMlp ? 1e-2 : tolerances.activations
}

const cases = ['hrm', 'trm'].flatMap((model) => oracleCases({ kind: 'train', model }))
if (cases.length === 0)
  console.warn(`SKIPPED: no training cases in ${oracleFolder()} (THETAGRAD_ORACLE); parity is NOT tested`)

/**
 * The published code keeps these ids in one buffer, and some cases recorded it by reference: they hold the ids of the last
 * step under every step's name. (In step 1 all rows are fresh, so its ids can only be the batch's.)
 */
const LOCAL_IDS = 'puzzle_emb.local_ids'

interface Optimizer {
  readonly lr: number
  readonly puzzle_lr: number
  readonly lr_min_ratio: number
  readonly warmup: number
  readonly beta1: number
  readonly beta2: number
  readonly weight_decay: number
  readonly puzzle_weight_decay: number
}

/** Runs all steps; calls `compare` with everything the oracle has a name for. */
const runCase = async (
  backend: Backend,
  oracle: OracleCase,
  compare: (name: string, short: string, actual: ArrayLike<number>) => void,
): Promise<void> => {
  const model = modelOfCase(oracle)
  const optimizer = oracle.settings.optimizer as Optimizer
  const steps = oracle.settings.steps as number
  const batch = Number(oracle.config.batch_size)
  const settings = {
    loss: oracle.settings.loss === 'stablemax_cross_entropy' ? ('stablemax' as const) : ('softmax' as const),
    beta1: optimizer.beta1,
    beta2: optimizer.beta2,
    weightDecay: optimizer.weight_decay,
    puzzleWeightDecay: optimizer.puzzle_weight_decay,
    window: 1,
    expose: true,
    ...(typeof oracle.settings.ema === 'number' && { ema: oracle.settings.ema }),
  }
  const graph = trainingStep(model, settings)
  const executable = await backend.load(graph, { batch })
  const weights = Object.fromEntries(Object.entries(oracle.weights).map(([name, t]) => [name, t.data as Float32Array]))
  const initial = toResidents(model.parameters, weights)
  for (const [name, data] of Object.entries(initial)) backend.write(name, data)
  if (settings.ema !== undefined) backend.write('average', initial.parameters!)
  for (const [name, data] of Object.entries(emptyCarry(model, stateNames(model), batch))) backend.write(name, data)
  const idsOfSteps: HostArray[] = []
  for (let t = 1; t <= steps; t++) {
    const schedule = (base: number) =>
      learningRate({ base, warmup: optimizer.warmup, steps, minRatio: optimizer.lr_min_ratio }, t)
    const given = (name: string) => oracle.inputs[`step${t}.${name}`]!.data
    expect(schedule(optimizer.lr)).toBeCloseTo(Number(oracle.expected[`step${t}.lr`]!.data[0]), 9)
    const rates = { t, lr: schedule(optimizer.lr), puzzleLr: schedule(optimizer.puzzle_lr), globalBatch: batch }
    await executable.run({
      'batch.inputs': given('inputs'),
      'batch.labels': given('labels'),
      'batch.puzzle_identifiers': given('puzzle_identifiers'),
      'explore.uniform': given('explore_uniform'),
      'explore.min_steps': given('explore_min_steps'),
      ...streamedRates(settings, rates),
    })
    const outputs = await executable.read(Object.keys(graph.outputs))
    // The interpreter never waits; the test runner must get a word in.
    await new Promise(setImmediate)
    const { metrics, ...rest } = outputs
    metricNames.forEach((name, i) => {
      compare(`step${t}.${name === 'loss' ? name : `metric.${name}`}`, name === 'loss' ? name : `metric.${name}`, [
        metrics![i]!,
      ])
    })
    for (const [name, value] of Object.entries(rest)) if (name !== LOCAL_IDS) compare(`step${t}.${name}`, name, value)
    if (rest[LOCAL_IDS] !== undefined) idsOfSteps.push(rest[LOCAL_IDS])
  }
  idsOfSteps.forEach((ids, i) => {
    const name = `step${i + 1}.${LOCAL_IDS}`
    const ofThisStep = oracle.expected[name]?.data.join() === ids.join()
    compare(name, LOCAL_IDS, ofThisStep ? ids : idsOfSteps.at(-1)!)
  })
  const final = fromResidents(
    model.parameters,
    (await backend.read(residentParameters(model.parameters))) as NamedValues,
  )
  for (const [name, value] of Object.entries(final)) compare(`final.${name}`, `final.${name}`, value)
  if (settings.ema === undefined) return
  const { average } = await backend.read(['average'])
  for (const [name, value] of Object.entries(unpackArena(arenaOf(model.parameters), average as Float32Array)))
    compare(`final_ema.${name}`, `final_ema.${name}`, value)
}

for (const { name, open } of backendsForTests())
  describe.skipIf(cases.length === 0)(`training on ${name}`, () => {
    test.each(cases.map((c) => [c.name, c] as const))(
      '%s agrees with the published code',
      async (caseName, oracle) => {
        const backend = await open()
        if (backend === undefined) return console.warn(`SKIPPED: no ${name} here; ${caseName} is NOT compared`)
        const seen = new Set<string>()
        const errors: { readonly name: string; readonly error: number; readonly share: number }[] = []
        await runCase(backend, oracle, (full, short, actual) => {
          const expected = oracle.expected[full]
          if (expected === undefined) return
          seen.add(full)
          const error = relativeError(actual as never, expected.data)
          const allowed = toleranceOf(caseName, short)
          errors.push({
            name: full,
            error,
            share: error === 0 ? 0 : Number.isNaN(error) ? Number.POSITIVE_INFINITY : error / allowed,
          })
        })
        const worst = errors.reduce((a, b) => (b.share > a.share ? b : a))
        console.log(
          `${name} ${caseName}: ${errors.length} tensors, nearest to its tolerance ${worst.name} (relative error ${worst.error.toExponential(1)})`,
        )
        expect(errors.filter((e) => e.share > 1)).toEqual([])
        const unseen = Object.keys(oracle.expected).filter((n) => !seen.has(n) && !n.endsWith('.lr'))
        expect(unseen).toEqual([])
      },
      300_000,
    )
  })
