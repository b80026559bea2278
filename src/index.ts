/** The library's public face: what an architecture is written with. */
export * from './hrm/index.js'
export type { DType, Tensor } from './ir/index.js'
export * from './nn/index.js'
export { type Dim, type Shape, ShapeError } from './shape/index.js'
