/**
 * What the constructors of HRM and TRM ask for, and what the compiler makes of it: sizes that fit, and the parameters of
 * the model by their official names. Every size may be left out but those of the puzzle; the defaults are the papers'.
 */
import type {
  AttentionParameters,
  FittingHeads,
  FittingHidden,
  LinearBiasParameters,
  LinearParameters,
  ParameterSpec,
  StackParameters,
  SwigluParameters,
} from '../../nn/index.js'
import type { Add, CeilDivide, Positive, PuzzleRoom, Repeat, SwigluWidth, Widening } from '../../shape/index.js'
import type { GradientRule } from '../gradient-rules.js'
import type { InputParameters } from '../input-net.js'
import type { Reasoner } from '../reasoner.js'

/** `rope` turns queries and keys; it needs an even head dimension. */
export type ModelPositions = 'rope' | 'learned' | 'none'
export type IsRope<Pos> = Pos extends 'rope' ? true : false
type TableOf<Pos> = Pos extends 'learned' ? 'learned' : 'none'

/** What stands in the way of a size of InputNet. */
type Whole<Name extends string, N> = N extends number ? Positive<`inputNet: ${Name}`, N> : unknown

/** What stands in the way of an expansion of SwiGLU, and of a number of layers. */
export type Wider<E> = E extends number ? Widening<'swiglu', E> : unknown
export type Layers<L> = L extends number ? Positive<'layers', L> : unknown

/** What every model may be told. */
export interface CommonSizes<V, S, D, H, E, Pos, W, N> {
  readonly vocabulary: Whole<'vocabulary', V> & V
  /** S: puzzle tokens. */
  readonly sequence: Whole<'sequence', S> & S
  /** D. Default 512. */
  readonly hidden?: D
  /** Must divide `hidden`. Default 8. */
  readonly heads?: H
  /** Of SwiGLU. Default 4. */
  readonly expansion?: Wider<E> & E
  readonly positions?: Pos
  /** Width of a puzzle embedding row; 0 for none. Default: `hidden`. */
  readonly puzzleEmbedding?: W
  /** Rows of the puzzle embedding. Default 1. */
  readonly puzzles?: N
}

/** How a model of two levels goes on. */
interface Recurring {
  readonly cycles?: number
  readonly steps?: number
  readonly gradient?: GradientRule
  readonly maxSegments?: number
  readonly exploration?: number
}

/** What every model has besides its blocks; `Starts` are the names of the vectors that states start from. */
export type Ends<
  V extends number,
  D extends number,
  W extends number,
  N extends number,
  T extends number,
  Pos,
  Starts extends string,
> = InputParameters<V, D, W, N, T, TableOf<Pos>> & { readonly [K in Starts]: ParameterSpec<[D]> } & {
  readonly lm_head: LinearParameters<D, V>
  readonly q_head: LinearBiasParameters<D, 2>
}

// ── HRM ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
interface TwoStackSizes<V, S, D, H, E, High, Low, Pos, W, N> extends CommonSizes<V, S, D, H, E, Pos, W, N> {
  /** Default 4 and 4. */
  readonly layers?: { readonly high: Layers<High> & High; readonly low: Layers<Low> & Low }
}

/** The sizes of an HRM. */
export interface HrmSizes<
  V = number,
  S = number,
  D = number,
  H = number,
  E = number,
  High = number,
  Low = number,
  Pos = ModelPositions,
  W = number,
  N = number,
> extends TwoStackSizes<V, S, D, H, E, High, Low, Pos, W, N>,
    Recurring {}

/** A constructor of a model of two stacks; `Starts` as in `Ends`. */
type TwoStacks<Starts extends string, More> = <
  const V extends number,
  const S extends number,
  const D extends number = 512,
  const H extends number = never,
  const E extends number = 4,
  const High extends number = 4,
  const Low extends number = 4,
  const Pos extends ModelPositions = 'rope',
  const W extends number = D,
  const N extends number = 1,
>(
  sizes: TwoStackSizes<
    V,
    S,
    FittingHidden<D, H, IsRope<Pos>, 8> & D,
    FittingHeads<D, H, IsRope<Pos>> & H,
    E,
    High,
    Low,
    Pos,
    W,
    N
  > &
    More,
) => Reasoner<
  Ends<V, D, W, N, Add<CeilDivide<W, D>, S>, Pos, Starts> & {
    readonly H_level: StackParameters<High, D, E>
    readonly L_level: StackParameters<Low, D, E>
  }
>
export type Hrm = TwoStacks<'H_init' | 'L_init', Recurring>

/** How often the low stack runs. */
interface Loop {
  /** Default 7. */
  readonly loops?: number
  readonly gradient?: GradientRule
}
/** The sizes of a RINS. */
export type RinsSizes = TwoStackSizes<
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  ModelPositions,
  number,
  number
> &
  Loop
export type Rins = TwoStacks<'L_init', Loop>
// ── TRM ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
/** What mixes the positions: attention, or a SwiGLU over them. */
export type Mixing = 'attention' | 'mlp'

/** The sizes of a TRM. */
export interface TrmSizes<
  V = number,
  S = number,
  D = number,
  H = number,
  E = number,
  L = number,
  Mix = Mixing,
  Pos = ModelPositions,
  W = number,
  N = number,
  P = number,
> extends CommonSizes<V, S, D, H, E, Pos, W, N>,
    Recurring {
  /** Default 2. */
  readonly layers?: Layers<L> & L
  /** Default `attention`. */
  readonly mixing?: Mix
  /** P: how many tokens a row of the puzzle embedding fills. Default 16. */
  readonly puzzleTokens?: P
}

type TrmBlock<D extends number, E extends number, T extends number, Mix> = (Mix extends 'mlp'
  ? { readonly mlp_t: SwigluParameters<T, SwigluWidth<T, E>> }
  : { readonly self_attn: AttentionParameters<D> }) & { readonly mlp: SwigluParameters<D, SwigluWidth<D, E>> }

/** A constructor of the TRM family, as the compiler sees it; `Starts` as in `Ends`. Heads matter only to attention. */
type TrmFamily<Starts extends string, More = unknown> = <
  const V extends number,
  const S extends number,
  const D extends number = 512,
  const H extends number = never,
  const E extends number = 4,
  const L extends number = 2,
  const Mix extends Mixing = 'attention',
  const Pos extends ModelPositions = Mix extends 'mlp' ? 'none' : 'rope',
  const W extends number = D,
  const N extends number = 1,
  const P extends number = W extends 0 ? 0 : 16,
>(
  sizes: TrmSizes<
    V,
    S,
    (Mix extends 'mlp' ? unknown : FittingHidden<D, H, IsRope<Pos>, 8>) & D,
    (Mix extends 'mlp' ? unknown : FittingHeads<D, H, IsRope<Pos>>) & H,
    E,
    L,
    Mix,
    Pos,
    W,
    N,
    PuzzleRoom<W, P, D> & P
  > &
    More,
) => Reasoner<
  Ends<V, D, W, N, Add<P, S>, Pos, Starts> & {
    readonly L_level: { readonly layers: Repeat<L, TrmBlock<D, E, Add<P, S>, Mix>> }
  }
>
export type Trm = TrmFamily<'H_init' | 'L_init'>
/** What CGAR asks for beside the sizes of a TRM. */
interface Fading {
  /** What an example's next segment counts, as a share of the one before. Default 0.7. */
  readonly lossDecay?: number
}
export type Cgar = TrmFamily<'H_init' | 'L_init', Fading>
/** The sizes of a CGAR. */
export type CgarSizes = TrmSizes & Fading
export type TrmSingle = TrmFamily<'L_init'>
export type TrmSix = TrmFamily<'H_init' | `L${1 | 2 | 3 | 4 | 5 | 6}_init`>

/** The sizes of an EqR. */
export interface EqrSizes<
  V = number,
  S = number,
  D = number,
  H = number,
  E = number,
  L = number,
  Mix = Mixing,
  Pos = ModelPositions,
> extends TrmSizes<V, S, D, H, E, L, Mix, Pos, 0, number, 0> {
  /** λ: how much of the way to what the net says a call moves a state. Default 0.95. */
  readonly step?: number
  /** β: standard deviation of the noise of a call in training. Default 0.01. */
  readonly noise?: number
}
/** TRM's constructor without its puzzle tokens and without vectors that states start from. */
export type Eqr = <
  const V extends number,
  const S extends number,
  const D extends number = 512,
  const H extends number = never,
  const E extends number = 4,
  const L extends number = 2,
  const Mix extends Mixing = 'attention',
  const Pos extends ModelPositions = Mix extends 'mlp' ? 'none' : 'rope',
>(
  sizes: EqrSizes<
    V,
    S,
    (Mix extends 'mlp' ? unknown : FittingHidden<D, H, IsRope<Pos>, 8>) & D,
    (Mix extends 'mlp' ? unknown : FittingHeads<D, H, IsRope<Pos>>) & H,
    E,
    L,
    Mix,
    Pos
  >,
) => Reasoner<
  Ends<V, D, 0, 1, S, Pos, never> & { readonly L_level: { readonly layers: Repeat<L, TrmBlock<D, E, S, Mix>> } }
>
