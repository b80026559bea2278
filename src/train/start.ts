/** Where a run begins: fresh, or from its newest checkpoint as if it had never stopped. Fills the residents of the backend. */
import * as E from 'fp-ts/lib/Either.js'
import type { Reasoner } from '../hrm/index.js'
import type { Backend } from '../ir/index.js'
import type { Problem } from '../problem.js'
import { checkpointSteps, mendCheckpoints } from './checkpoint.js'
import { truncateMetrics } from './metrics-file.js'
import { freshResidents, restoreResidents } from './residents.js'
import type { TrainingSettings } from './settings.js'
import { beginning, type Standing } from './standing.js'
import { latestCheckpoint, readCheckpoint } from './stored.js'

/** Where a run stands between two steps. */
export interface Position {
  readonly step: number
  /** The last step whose metrics are in the file. */
  readonly logged: number
  /** The last step that was evaluated; 0 for none. */
  readonly evaluated: number
  readonly seconds: number
  readonly standing: Standing
  /** Folder of the checkpoint it came from; empty for none. */
  readonly checkpoint: string
}

export interface Beginning {
  readonly backend: Backend
  readonly model: Reasoner
  readonly settings: TrainingSettings
  readonly run: string
  readonly resume: boolean
}

export const begin = ({ backend, model, settings, run, resume }: Beginning): E.Either<Problem, Position> => {
  mendCheckpoints(run)
  // One that was killed before its first checkpoint begins anew.
  if (!resume || checkpointSteps(run).length === 0) {
    for (const [name, data] of Object.entries(freshResidents(model, settings))) backend.write(name, data)
    truncateMetrics(run, { logged: 0, evaluated: 0 })
    return E.right({ step: 0, logged: 0, evaluated: 0, seconds: 0, standing: beginning, checkpoint: '' })
  }
  const folder = latestCheckpoint(run)
  if (E.isLeft(folder)) return folder
  const checkpoint = readCheckpoint(folder.right)
  if (E.isLeft(checkpoint)) return checkpoint
  const restored = restoreResidents(model, settings, checkpoint.right, folder.right)
  if (E.isLeft(restored)) return restored
  for (const [name, data] of Object.entries(restored.right)) backend.write(name, data)
  const { step, state } = checkpoint.right
  const [logged, evaluated] = [Number(state.logged ?? step), Number(state.evaluated ?? 0)]
  truncateMetrics(run, { logged, evaluated })
  return E.right({
    step,
    logged,
    evaluated,
    seconds: Number(state.seconds ?? 0),
    standing: { ...beginning, ...(state.standing as Partial<Standing> | undefined) },
    checkpoint: folder.right,
  })
}
