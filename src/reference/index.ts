export { referenceBackend } from './backend.js'
export { evaluate } from './interpreter.js'
export { semantics, type Values } from './semantics.js'
