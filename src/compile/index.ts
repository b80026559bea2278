export { compile } from './compile.js'
export {
  type BufferRange,
  type Dispatch,
  type Program,
  printKernels,
  printProgram,
  type Slot,
  workspaceBytes,
} from './program.js'
export { splitLong } from './split.js'
