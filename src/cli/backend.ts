/** The device a command computes on: the fastest adapter, or the reference interpreter where there is none. */
import * as E from 'fp-ts/lib/Either.js'
import { openBackend } from '../device/index.js'
import type { Backend } from '../ir/index.js'
import { showProblem } from '../problem.js'
import { referenceBackend } from '../reference/index.js'
import { log } from './result.js'
import { tuningFiles } from './tuning-file.js'

export type BackendChoice = 'auto' | 'reference'

export const chooseBackend = async (choice: BackendChoice): Promise<Backend> => {
  if (choice === 'reference') return referenceBackend()
  const opened = await openBackend({ tuning: tuningFiles })()
  if (E.isRight(opened)) return opened.right
  log(showProblem(opened.left))
  log('going on with the reference interpreter, which is slow')
  return referenceBackend()
}
