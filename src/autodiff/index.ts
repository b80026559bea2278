export { derivatives } from './derivatives.js'
export { gradients, vjp } from './gradient.js'
