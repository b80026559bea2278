/** The device a command computes on: the fastest adapter, or the reference interpreter where there is none. */
import * as E from 'fp-ts/lib/Either.js'
import { openBackend } from '../device/index.js'
import type { Backend } from '../ir/index.js'
import { showProblem } from '../problem.js'
import { referenceBackend } from '../reference/index.js'
import type { TrainingSettings } from '../train/index.js'
import { trustedMatrix } from './matrix-trust.js'
import { log } from './result.js'
import { tuningFiles } from './tuning-file.js'

export type BackendChoice = 'auto' | 'reference'

/** What every command opens a device with. Matrix units are tried out only where something is to be computed in f16. */
export const deviceOptions = ({ precision }: Pick<TrainingSettings, 'precision'> = {}) => ({
  tuning: tuningFiles,
  ...(precision === 'f16' && { matrix: trustedMatrix }),
})

export const chooseBackend = async (
  choice: BackendChoice,
  settings: Pick<TrainingSettings, 'precision'> = {},
): Promise<Backend> => {
  if (choice === 'reference') return referenceBackend()
  const opened = await openBackend(deviceOptions(settings))()
  if (E.isRight(opened)) return opened.right
  log(showProblem(opened.left))
  log('going on with the reference interpreter, which is slow')
  return referenceBackend()
}

/** Name and, for f16, how the device multiplies it. */
export const deviceWords = (
  { name, f16 }: Pick<Backend, 'name' | 'f16'>,
  { precision }: Pick<TrainingSettings, 'precision'>,
): string => (precision === 'f16' && f16 !== undefined ? `${name}, ${HALVES[f16]}` : name)

const HALVES: Readonly<Record<Exclude<Backend['f16'], undefined>, string>> = {
  matrix: 'f16 on its matrix units',
  native: 'in f16',
  rounding: 'rounding to f16 (the values that a GPU gives, but slower than f32)',
}
