/**
 * Parity with the published implementation, forward: for every oracle case of an HRM or TRM, two segments in a row with the
 * carry kept, every intermediate state compared. A new case folder is picked up by itself.
 */
import { describe, expect, test } from 'vitest'
import type { Reasoner } from '../../src/hrm/index.js'
import { type Backend, type Graph, gather, input, type Tensor } from '../../src/ir/index.js'
import { bindParameters, flattenParameters } from '../../src/nn/index.js'
import { backendsForTests } from '../support/backends.js'
import { relativeError } from '../support/numbers.js'
import { type OracleCase, oracleCases, oracleFolder } from '../support/oracle.js'
import { modelOfCase } from '../support/oracle-hrm.js'

/** Of relative L2 error, for activations, logits and Q values (the oracle's README). */
const toleranceOf = (name: string): number => (/^trm-.*-mlp$/.test(name) ? 1e-2 : 3e-4)

const cases = ['hrm', 'trm'].flatMap((model) => oracleCases({ kind: 'segment', model }))
if (cases.length === 0)
  console.warn(`SKIPPED: no segment cases in ${oracleFolder()} (THETAGRAD_ORACLE); parity is NOT tested`)

const resident = (model: Reasoner) =>
  bindParameters(model.parameters, ({ path, spec }) => input(path, spec.shape, 'f32', 'resident'))

/** The states every example starts from, written to the residents of their names. */
const startGraph = (model: Reasoner): Graph => {
  const start = model.initialState(resident(model))
  return {
    outputs: {},
    updates: Object.entries(start).map(([name, value]) => ({
      target: input(name, value.shape, 'f32', 'resident'),
      value,
    })),
  }
}

/** One segment: its outputs under the oracle's names, its new state written back. */
const segmentGraph = (model: Reasoner): Graph => {
  const parameters = resident(model)
  const state = Object.fromEntries(
    Object.entries(model.initialState(parameters)).map(([name, { shape }]) => [
      name,
      input(name, shape, 'f32', 'resident'),
    ]),
  )
  const table = flattenParameters(model.parameters).find(({ path }) => path === model.puzzleTable)
  const puzzle =
    table &&
    gather(
      input(table.path, table.spec.shape, 'f32', 'resident'),
      input('puzzle_identifiers', ['batch'], 'i32', 'streamed'),
    )
  const segment = model.segment(parameters, state, {
    tokens: input('inputs', ['batch', model.sizes.sequence], 'i32', 'streamed'),
    ...(puzzle && { puzzle }),
  })
  const outputs: Record<string, Tensor> = {
    x: segment.embedded,
    logits: segment.logits,
    q_halt: segment.qHalt,
    ...(segment.qContinue && { q_continue: segment.qContinue }),
    ...segment.state,
    // The fixtures name a call after its block; TRM has one for both roles.
    ...Object.fromEntries(
      segment.calls.map(({ level, state }, i) => [`call${i}.${model.name === 'trm' ? 'L' : level}`, state]),
    ),
  }
  return {
    outputs,
    updates: Object.entries(state).map(([name, target]) => ({ target, value: segment.state[name]! })),
  }
}

interface Worst {
  readonly tensor: string
  readonly error: number
  readonly count: number
}

const compare = async (backend: Backend, c: OracleCase): Promise<Worst> => {
  const model = modelOfCase(c)
  const dims = { batch: c.inputs.inputs!.shape[0]! }
  for (const [path, { data }] of Object.entries(c.weights)) backend.write(path, data)
  await (await backend.load(startGraph(model), dims)).run({})

  const graph = segmentGraph(model)
  const executable = await backend.load(graph, dims)
  let worst: Worst = { tensor: 'none', error: 0, count: 0 }
  const segments = new Set(Object.keys(c.expected).map((key) => key.split('.')[0]!))
  for (const segment of [...segments].sort()) {
    await executable.run({
      inputs: c.inputs.inputs!.data,
      ...(model.puzzleTable !== undefined && { puzzle_identifiers: c.inputs.puzzle_identifiers!.data }),
    })
    const actual = await executable.read(Object.keys(graph.outputs))
    for (const [key, { data }] of Object.entries(c.expected).filter(([key]) => key.startsWith(`${segment}.`))) {
      const output = actual[key.slice(segment.length + 1)]
      if (output === undefined) throw new Error(`${c.name} expects ${key}, which the model does not give`)
      const error = relativeError(output, data)
      worst = { ...(error <= worst.error ? worst : { tensor: key, error }), count: worst.count + 1 }
    }
  }
  return worst
}

for (const { name: device, open } of backendsForTests())
  describe.skipIf(cases.length === 0)(`segments on ${device}`, () => {
    test.each(cases.map((c) => [c.name, c] as const))('%s agrees with the published code', async (name, c) => {
      const backend = await open()
      if (backend === undefined) return console.warn(`SKIPPED: ${name} on ${device}, which is not there`)
      const { error, tensor, count } = await compare(backend, c)
      console.log(`${device} ${name}: ${count} tensors, worst relative error ${error.toExponential(1)} (${tensor})`)
      expect(count).toBe(Object.keys(c.expected).length)
      expect(error, `${name}: ${tensor}`).toBeLessThan(toleranceOf(name))
    })
  })
