/** A model with its recipe: settings by their names, of their types. */
import { expectError, expectType } from 'tsd'
import { type Experiment, experiment, type HrmSizes, hrm, type TrainingSettings } from '../src/index.js'

const model = hrm({ vocabulary: 6, sequence: 16, hidden: 64, heads: 2 })
const mine = experiment({ model, training: { batch: 64, lr: 1e-3, loss: 'softmax', evalEvery: 100 } })
expectType<typeof model>(mine.model)
expectType<Partial<TrainingSettings>>(mine.training)
expectType<Experiment<typeof model>>(mine)

expectError(experiment({ model, training: { learningRate: 1e-3 } }))
expectError(experiment({ model, training: { batch: '64' } }))
expectError(experiment({ model, training: { loss: 'hinge' } }))
expectError(experiment({ model: { vocabulary: 6, sequence: 16 } satisfies HrmSizes, training: {} }))
