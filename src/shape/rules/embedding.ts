/** `embedding(V × D)`: ids of any shape become rows of width D. */
import { type Shape, type ShapeError, showShape } from '../dim.js'
import { type NoSize, type NotWhole, notWhole } from '../dims.js'
import { type Rule, refuse, type ShapeFn, type Show } from '../rule.js'

export interface EmbeddingRule<V extends number, D extends number> extends ShapeFn {
  readonly name: `embedding(${V} × ${D})`
  readonly takes: 'i32'
  readonly probe: readonly ['…']
  readonly out: this['in'] extends readonly [...infer S extends Shape]
    ? [NoSize<[V, D]>] extends [never]
      ? [...S, D]
      : ShapeError<`embedding(${V} × ${D}) cannot take ${Show<S>}: ${NotWhole<NoSize<[V, D]>>}`>
    : never
}

export const embeddingRule =
  (vocabulary: number, width: number): Rule =>
  (ids) => {
    const broken = notWhole([vocabulary, width])
    return broken === undefined
      ? [...ids, width]
      : refuse(`embedding(${vocabulary} × ${width}) cannot take ${showShape(ids)}: ${broken}`)
  }
