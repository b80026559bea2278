/**
 * What the constructors of the plain baselines ask for: those of one stack of HRM's blocks, called once or in a loop. The
 * parameters are those of the stack under `net`, beside those that every model has.
 */
import type { FittingHeads, FittingHidden, StackParameters } from '../../nn/index.js'
import type { Add, CeilDivide } from '../../shape/index.js'
import type { GradientRule } from '../gradient-rules.js'
import type { Reasoner } from '../reasoner.js'
import type { CommonSizes, Ends, IsRope, ModelPositions } from './sizes.js'

/** The sizes of a transformer that runs once. */
export interface TransformerSizes<
  V = number,
  S = number,
  D = number,
  H = number,
  E = number,
  L = number,
  Pos = ModelPositions,
  W = number,
  N = number,
> extends CommonSizes<V, S, D, H, E, Pos, W, N> {
  /** Default 8, as many as HRM's two levels have; of a net in a loop 4. */
  readonly layers?: L
}

/** How often the stack runs. */
interface Loop {
  /** Calls of the stack in a segment. Default 6. */
  readonly loops?: number
  readonly gradient?: GradientRule
}
interface Halted {
  readonly maxSegments?: number
  readonly exploration?: number
}

/** A constructor of a model of one stack; `Starts` as in `Ends`, `Depth` the default of `layers`. */
type OneStack<More, Starts extends string, Depth extends number> = <
  const V extends number,
  const S extends number,
  const D extends number = 512,
  const H extends number = never,
  const E extends number = 4,
  const L extends number = Depth,
  const Pos extends ModelPositions = 'rope',
  const W extends number = D,
  const N extends number = 1,
>(
  sizes: TransformerSizes<
    V,
    S,
    FittingHidden<D, H, IsRope<Pos>, 8> & D,
    FittingHeads<D, H, IsRope<Pos>> & H,
    E,
    L,
    Pos,
    W,
    N
  > &
    More,
) => Reasoner<Ends<V, D, W, N, Add<CeilDivide<W, D>, S>, Pos, Starts> & { readonly net: StackParameters<L, D, E> }>

export type Transformer = OneStack<unknown, never, 8>

/** The sizes of a net in a loop. */
export type RecurrentSizes = TransformerSizes & Loop
export type Recurrent = OneStack<Loop, 'init', 4>

/** The sizes of a net in a loop that may stop early. */
export type UniversalSizes = RecurrentSizes & Halted
export type Universal = OneStack<Loop & Halted, 'init', 4>
