/**
 * What the constructors of models of one stack ask for, called once or in a loop: the plain baselines and URM. The
 * parameters are those of the stack under `net`, beside those that every model has.
 */
import type {
  AttentionParameters,
  ConvSwigluParameters,
  FittingHeads,
  FittingHidden,
  StackParameters,
} from '../../nn/index.js'
import type { Add, CeilDivide, Repeat, SwigluWidth } from '../../shape/index.js'
import type { GradientRule } from '../gradient-rules.js'
import type { Reasoner } from '../reasoner.js'
import type { CommonSizes, Ends, IsRope, Layers, ModelPositions } from './sizes.js'

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
  readonly layers?: Layers<L> & L
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

/** What the stack holds: HRM's blocks, or those of URM. */
type StackOf<L extends number, D extends number, E extends number, Kind> = Kind extends 'conv'
  ? {
      readonly layers: Repeat<
        L,
        { readonly self_attn: AttentionParameters<D>; readonly mlp: ConvSwigluParameters<D, SwigluWidth<D, E>> }
      >
    }
  : StackParameters<L, D, E>

/** A constructor of a model of one stack; `Starts` as in `Ends`, `Depth` the default of `layers`. */
type OneStack<More, Starts extends string, Depth extends number, Kind = 'plain'> = <
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
) => Reasoner<Ends<V, D, W, N, Add<CeilDivide<W, D>, S>, Pos, Starts> & { readonly net: StackOf<L, D, E, Kind> }>

export type Transformer = OneStack<unknown, never, 8>

/** The sizes of a net in a loop. */
export type RecurrentSizes = TransformerSizes & Loop
export type Recurrent = OneStack<Loop, 'init', 4>

/** The sizes of a net in a loop that may stop early. */
export type UniversalSizes = RecurrentSizes & Halted
export type Universal = OneStack<Loop & Halted, 'init', 4>

export type Urm = OneStack<Loop & Halted, 'init', 4, 'conv'>
