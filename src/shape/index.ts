export * from './dim.js'
