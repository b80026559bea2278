export * from './adapter.js'
export * from './buffer.js'
export * from './dispatch.js'
export { settled } from './waiting.js'
