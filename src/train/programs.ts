/**
 * The programs of a run, compiled and allocated before its first step: all the device memory it will take, or for a model
 * in stages that of its first, and the certainty that the others will find room.
 */
import * as E from 'fp-ts/lib/Either.js'
import { DeviceFailure } from '../device/index.js'
import type { Reasoner } from '../hrm/index.js'
import type { Backend, Executable } from '../ir/index.js'
import { type Problem, problem } from '../problem.js'
import { type Evaluator, evaluator } from './evaluation.js'
import { adviseOnMemory, evaluationBatch, trainingMemory, weightsOf } from './memory.js'
import type { TrainingSettings } from './settings.js'
import { type Stepper, stepper } from './stepper.js'

export interface TrainingPrograms {
  readonly step: Stepper
  /** Where there is something to evaluate on. */
  readonly evaluation?: Evaluator
}

/** `evaluated`: how many examples evaluations are on, when there are any. Without room, the problem says what would fit. */
export const loadTraining = async (
  backend: Backend,
  model: Reasoner,
  settings: TrainingSettings,
  evaluated?: number,
): Promise<E.Either<Problem, TrainingPrograms>> => {
  if (settings.precision === 'f16' && backend.f16 === undefined)
    return E.left(
      problem('the adapter cannot train in f16', {
        where: backend.name,
        why: 'WebGPU does not offer the feature shader-f16 on it',
        fix: 'leave out --precision f16, or update the graphics driver: `thetagrad doctor` tells what it offers',
      }),
    )
  if (model.stages !== undefined) {
    const { refusal, buffers } = trainingMemory(backend, model, settings, evaluated)
    if (refusal !== undefined || !(await backend.hasRoom(buffers)))
      return E.left(await adviseOnMemory(backend, model, settings, problem('the device has no room'), evaluated))
  }
  const loaded: Executable[] = []
  const load: Backend['load'] = async (graph, dims) => {
    const executable = await backend.load(graph, dims)
    loaded.push(executable)
    return executable
  }
  const loading = { ...backend, load }
  try {
    const step = await stepper(loading, model, settings)
    if (evaluated === undefined) return E.right({ step })
    const batch = evaluationBatch(settings, evaluated)
    return E.right({ step, evaluation: await evaluator(loading, model, batch, weightsOf(settings)) })
  } catch (cause) {
    if (!(cause instanceof DeviceFailure)) throw cause
    // What would fit is found out without what did.
    for (const { dispose } of loaded) dispose()
    return E.left(await adviseOnMemory(backend, model, settings, cause.problem, evaluated))
  }
}
