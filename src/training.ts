/**
 * What a program trains with, `import { train } from 'thetagrad/training'`: devices, batches, the training loop, the weights
 * it leaves, evaluation. Needs Node. What can fail in use is a value that says what is wrong (`Problem`); the command line
 * is made of the same parts.
 */
export {
  type Batch,
  type DatasetInfo,
  type DatasetSplit,
  evaluationBatches,
  exampleCount,
  IGNORED,
  openRows,
  type Random,
  randomOf,
  type Split,
  trainingBatches,
} from './data/index.js'
export { openBackend } from './device/index.js'
export type { Backend } from './ir/index.js'
export { type Problem, problem, showProblem } from './problem.js'
export { referenceBackend } from './reference/index.js'
export {
  type Accuracies,
  type Answered,
  type BatchStream,
  checkpointNamed,
  completeSettings,
  type EvaluationLine,
  type Evaluator,
  evaluator,
  type HostBatch,
  type MetricsLine,
  measure,
  readEvaluations,
  readMetrics,
  readModel,
  restoreParameters,
  type SegmentResult,
  type TrainingOptions,
  type TrainingProgress,
  type TrainingReport,
  type TrainingSettings,
  train,
  type Watcher,
  type Weights,
} from './train/index.js'
