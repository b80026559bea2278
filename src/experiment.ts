/** A model with its recipe, as one value. */
import type { Reasoner } from './hrm/index.js'
import type { TrainingSettings } from './train/index.js'

export interface Experiment<M extends Reasoner = Reasoner> {
  readonly model: M
  /** What differs from the defaults that `thetagrad train --help` lists. */
  readonly training: Partial<TrainingSettings>
}

/** What `thetagrad train --config FILE.ts` takes as the file's default export: a misspelt setting does not compile. */
export const experiment = <M extends Reasoner>(given: Experiment<M>): Experiment<M> => given
