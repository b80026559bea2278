/** Attention over packed projections, forward and backward. */
export { attentionBackward } from './backward.js'
export { attentionForward, attentionStatistics } from './forward.js'
export type { AttentionSpec } from './rows.js'
