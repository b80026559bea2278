export {
  type ArcAugmentation,
  type ArcExample,
  type ArcGrid,
  arcHash,
  arcLargestSide,
  arcTokens,
  arcVocabulary,
  augmentArc,
  augmentedName,
  cropArc,
  parseAugmentedName,
  undoArc,
} from './arc.js'
export { type ArcSettings, arcSource, copiesOf } from './arc-dataset.js'
export { type ArcQuestion, type ArcTask, longestSide, parseArcQuestions, readArcTasks } from './arc-files.js'
export { type ArcRuleName, arcRuleNames, arcRules, generateArcPair } from './arc-rules.js'
export { type ArcDataset, arcTests, isArc } from './arc-tests.js'
export {
  type ArcCandidate,
  type ArcPrediction,
  type ArcReport,
  type ArcTaskReport,
  type ArcTests,
  type ArcVote,
  arcSubmission,
  arcVoting,
  passAtK,
  rankArc,
  sameGrid,
} from './arc-vote.js'
export { type Batch, evaluationBatches, trainingBatches } from './batches.js'
export { allowedCopies, type Copies, mazeCopies, sudokuCopies } from './copies.js'
export { checkRows, type PuzzleFile, readPuzzles } from './csv.js'
export { eachRow, type PuzzleRow } from './csv-rows.js'
export {
  type Dataset,
  openRows,
  readDataset,
  readIdentifiers,
  readInfo,
  readSplit,
  readTestPuzzles,
  type Split,
} from './dataset.js'
export { dihedral, inverseDihedral, symmetriesOf } from './dihedral.js'
export {
  type Geometry,
  type Grid,
  geometryOfCells,
  geometryOfSide,
  gridOfTokens,
  isSolution,
  type Puzzle,
  tokensOf,
  vocabularyOf,
} from './grid.js'
export {
  generateMaze,
  judgeMaze,
  judgeMazeTokens,
  type Maze,
  type MazePuzzle,
  type MazeSettings,
  type MazeVerdict,
  mazeOfTokens,
  mazeTokens,
  mazeVocabulary,
  parseMaze,
  shortestPath,
  solveMaze,
  turnMaze,
} from './maze.js'
export { type MazeShape, mazeLeaks, mazeSource, readMazes, shapeOf, showShape } from './maze-files.js'
export {
  type FetchOptions,
  fetchArc,
  fetchTable,
  type Origins,
  origins,
  type PublicArc,
  type PublicArcName,
  type PublicTable,
  publicArc,
  publicTables,
} from './public-data.js'
export { type Random, randomOf, reservoir } from './random.js'
export { mayReplace } from './replace-folder.js'
export { parsePuzzle, showArc, showGrid, showMaze } from './show.js'
export { solve } from './solver.js'
export { collect, type DatasetSource } from './source.js'
export { type DatasetInfo, type DatasetSplit, exampleCount, gridWidth, IGNORED, type Tokens } from './split.js'
export {
  augment,
  type GeneratorSettings,
  type Groups,
  generateSudoku,
  leaks,
  sudokuDataset,
  sudokuSource,
  sudokuSplit,
  usualGenerator,
} from './sudoku.js'
export { applyTokens, inverseTokens, type TokenSymmetry } from './token-symmetry.js'
export { type WriteOptions, type Written, writeDataset, writeSource } from './write.js'
