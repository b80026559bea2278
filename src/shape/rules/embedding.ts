/** `embedding(V × D)`: ids of any shape become rows of width D. */
import type { Shape } from '../dim.js'
import type { Rule, ShapeFn } from '../rule.js'

export interface EmbeddingRule<V extends number, D extends number> extends ShapeFn {
  readonly name: `embedding(${V} × ${D})`
  readonly takes: 'i32'
  readonly probe: readonly ['…']
  readonly out: this['in'] extends readonly [...infer S extends Shape] ? [...S, D] : never
}

export const embeddingRule =
  (width: number): Rule =>
  (ids) => [...ids, width]
