/** The trainer's residents ↔ a checkpoint: parameters and moments under their official names, the carry as it is. */
import * as E from 'fp-ts/lib/Either.js'
import type { Reasoner } from '../hrm/index.js'
import type { Backend, HostArray } from '../ir/index.js'
import { checkpointMismatches, flattenParameters, init } from '../nn/index.js'
import { type Problem, problem } from '../problem.js'
import {
  arenaOf,
  fromResidents,
  type NamedValues,
  parametersOutside,
  residentParameters,
  toResidents,
  unpackArena,
} from './arena.js'
import { emptyCarry } from './carry.js'
import type { Checkpoint } from './checkpoint.js'
import { freshScaling } from './loss-scaling.js'
import { metricNames } from './metrics.js'
import { type StoredTensors, storedShapes } from './safetensors.js'
import type { TrainingSettings } from './settings.js'
import { stateNames } from './step.js'

const shapesOf = ({ parameters }: Reasoner): Readonly<Record<string, readonly number[]>> =>
  Object.fromEntries(
    [...arenaOf(parameters).entries, ...parametersOutside(parameters)].map(({ path, shape }) => [path, shape]),
  )

const moments = ['m', 'v'] as const
/** Kept as they are. */
const plainNames = (model: Reasoner, { precision }: Pick<TrainingSettings, 'precision'>): readonly string[] => [
  'metrics.history',
  ...(precision === 'f16' ? ['scaling'] : []),
  ...Object.keys(emptyCarry(model, stateNames(model), 1)),
]

/** Parameters by official name, in the order of the tree. */
const named = (model: Reasoner, values: NamedValues): StoredTensors => {
  const shapes = shapesOf(model)
  return Object.fromEntries(
    flattenParameters(model.parameters).map(({ path }) => [path, { shape: shapes[path]!, data: values[path]! }]),
  )
}

/** Residents of a run that begins. */
export const freshResidents = (model: Reasoner, settings: TrainingSettings): Readonly<Record<string, HostArray>> => {
  const { size } = arenaOf(model.parameters)
  const parameters = toResidents(model.parameters, init(model.parameters, settings.seed))
  return {
    ...parameters,
    ...(settings.ema !== undefined && { average: parameters.parameters! }),
    'moments.m': new Float32Array(size),
    'moments.v': new Float32Array(size),
    ...(settings.precision === 'f16' && { scaling: freshScaling() }),
    'metrics.history': new Float32Array(settings.logEvery * metricNames.length),
    ...emptyCarry(model, stateNames(model), settings.batch),
  }
}

/** Everything on the device that a run needs to go on. */
export const snapshot = async (
  backend: Backend,
  model: Reasoner,
  settings: Pick<TrainingSettings, 'ema' | 'precision'>,
): Promise<Pick<Checkpoint, 'model' | 'average' | 'optimizer'>> => {
  const arena = arenaOf(model.parameters)
  const rest = plainNames(model, settings)
  const read = await backend.read([
    ...residentParameters(model.parameters),
    ...moments.map((k) => `moments.${k}`),
    ...(settings.ema === undefined ? [] : ['average']),
    ...rest,
  ])
  const values = fromResidents(model.parameters, read as NamedValues)
  /** The pieces of a tensor laid out as the arena is, by path. */
  const pieces = (resident: string, prefix: string): StoredTensors => {
    const flat = unpackArena(arena, read[resident] as Float32Array)
    return Object.fromEntries(
      arena.entries.map(({ path, shape }) => [`${prefix}${path}`, { shape, data: flat[path]! }]),
    )
  }
  return {
    model: named(model, values),
    ...(settings.ema !== undefined && { average: pieces('average', '') }),
    optimizer: {
      ...pieces('moments.m', 'm.'),
      ...pieces('moments.v', 'v.'),
      ...Object.fromEntries(rest.map((name) => [name, { shape: [read[name]!.length], data: read[name]! }])),
    },
  }
}

const mismatch = (where: string, what: string, why?: string): Problem =>
  problem(what, {
    where,
    ...(why !== undefined && { why }),
    fix: 'the checkpoint belongs to another model: name the run folder it was trained in',
  })

/** Contents of the residents that hold the parameters; a problem when names or shapes are not the model's. */
export const restoreParameters = (
  model: Reasoner,
  stored: StoredTensors,
  where: string,
): E.Either<Problem, NamedValues> => {
  const [first, ...others] = checkpointMismatches(model.parameters, storedShapes(stored))
  if (first !== undefined)
    return E.left(mismatch(where, first, others.length === 0 ? undefined : `and ${others.length} more like this`))
  const odd = Object.entries(stored).find(([, { data }]) => !(data instanceof Float32Array))
  if (odd !== undefined)
    return E.left(mismatch(where, `${odd[0]} does not hold floating-point numbers`, 'parameters do'))
  return E.right(
    toResidents(
      model.parameters,
      Object.fromEntries(Object.entries(stored).map(([path, { data }]) => [path, data as Float32Array])),
    ),
  )
}

/** Contents of all residents of a run. */
export const restoreResidents = (
  model: Reasoner,
  settings: TrainingSettings,
  { model: stored, average = {}, optimizer }: Checkpoint,
  where: string,
): E.Either<Problem, Readonly<Record<string, HostArray>>> => {
  const parameters = restoreParameters(model, stored, where)
  if (E.isLeft(parameters)) return parameters
  const arena = arenaOf(model.parameters)
  const lengths: Readonly<Record<string, number>> = {
    ...Object.fromEntries(moments.flatMap((k) => arena.entries.map(({ path, size }) => [`${k}.${path}`, size]))),
    'metrics.history': settings.logEvery * metricNames.length,
    ...(settings.precision === 'f16' && { scaling: freshScaling().length }),
    ...Object.fromEntries(
      Object.entries(emptyCarry(model, stateNames(model), settings.batch)).map(([name, data]) => [name, data.length]),
    ),
  }
  const unaveraged = arena.entries.find(({ path, size }) => average[path]?.data.length !== size)
  if (settings.ema !== undefined && unaveraged !== undefined)
    return E.left(mismatch(where, `there is no average of ${unaveraged.path}`, `the run's settings say ema`))
  for (const [name, length] of Object.entries(lengths))
    if (optimizer[name]?.data.length !== length)
      return E.left(
        mismatch(
          where,
          `${name} has ${optimizer[name]?.data.length ?? 'no'} values`,
          `the run's settings want ${length}`,
        ),
      )
  const flat = (tensors: StoredTensors, prefix: string): Float32Array => {
    const all = new Float32Array(arena.size)
    for (const { path, offset } of arena.entries) all.set(tensors[`${prefix}${path}`]!.data as Float32Array, offset)
    return all
  }
  return E.right({
    ...parameters.right,
    ...(settings.ema !== undefined && { average: flat(average, '') }),
    ...Object.fromEntries(moments.map((k) => [`moments.${k}`, flat(optimizer, `${k}.`)])),
    ...Object.fromEntries(plainNames(model, settings).map((name) => [name, optimizer[name]!.data])),
  })
}

/** Parameters with a value that is not finite. */
export const nonFinite = async (backend: Backend, model: Reasoner): Promise<readonly string[]> => {
  const read = await backend.read(residentParameters(model.parameters))
  return Object.entries(fromResidents(model.parameters, read as NamedValues))
    .filter(([, values]) => values.some((x) => !Number.isFinite(x)))
    .map(([path]) => path)
}
