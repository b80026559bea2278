/** What the constructor of SE-RRM asks for, and the parameters that come of it. Defaults are the published code's for Sudoku. */
import type {
  AttentionParameters,
  FittingHeads,
  FittingHidden,
  LinearParameters,
  ParameterSpec,
  SwigluParameters,
} from '../../nn/index.js'
import type { First, FloorDivide, Positive, Repeat, Specials, SwigluWidth } from '../../shape/index.js'
import type { GradientRule } from '../gradient-rules.js'
import type { Reasoner } from '../reasoner.js'
import type { SymbolParameters } from '../symbols.js'
import type { Layers, Wider } from './sizes.js'

/** Rotary positions by row and column, by the place in the row of tokens, or none. */
export type SymbolRotary = 'grid' | 'line' | 'none'
type Turns<R> = R extends 'grid' ? 'grid' : R extends 'line' ? true : false

/** The sizes of an SE-RRM. */
export interface SeRrmSizes<
  V = number,
  S = number,
  D = number,
  H = number,
  HS = number,
  W = number,
  E = number,
  L = number,
  N = number,
  R = SymbolRotary,
> {
  readonly vocabulary: (V extends number ? Positive<'symbolInput: vocabulary', V> : unknown) & V
  /** S: tokens. */
  readonly sequence: (S extends number ? Positive<'symbolInput: sequence', S> : unknown) & S
  /** How many tokens, the first of the vocabulary, are no symbols: pad and blank. Default 2. */
  readonly specials?: N
  /** D. Default 256. */
  readonly hidden?: D
  /** Of the attention over positions; must divide `hidden`. Default 4. */
  readonly heads?: H
  /** Of the attention over symbols; must divide `symbolWidth`. Default 2. */
  readonly symbolHeads?: HS
  /** Of all heads of the attention over symbols together. Default: half of `hidden`. */
  readonly symbolWidth?: W
  /** Of SwiGLU. Default 4. */
  readonly expansion?: Wider<E> & E
  /** Default 2. */
  readonly layers?: Layers<L> & L
  /** Default `grid`. */
  readonly rotary?: R
  /** Default 3 and 6: the net runs 18 times in a segment. */
  readonly cycles?: number
  readonly steps?: number
  readonly gradient?: GradientRule
  readonly maxSegments?: number
  /** Probability that training leaves an example after a segment. Default 0.05. */
  readonly exploration?: number
}

type SymbolBlock<D extends number, W extends number, E extends number> = {
  readonly attn: AttentionParameters<D>
  readonly attn_t: AttentionParameters<D, W>
  readonly mlp: SwigluParameters<D, SwigluWidth<D, E>>
}

/** A constructor of an SE-RRM, as the compiler sees it. */
export type SeRrm = <
  const V extends number,
  const S extends number,
  const D extends number = 256,
  const H extends number = never,
  const HS extends number = never,
  const W extends number = FloorDivide<D, 2>,
  const E extends number = 4,
  const L extends number = 2,
  const N extends number = 2,
  const R extends SymbolRotary = 'grid',
>(
  sizes: SeRrmSizes<
    V,
    S,
    First<FittingHidden<D, H, Turns<R>, 4>, FittingHidden<W, HS, false, 2>> & D,
    FittingHeads<D, H, Turns<R>> & H,
    FittingHeads<W, HS, false, W extends D ? 'hidden' : 'width'> & HS,
    W,
    E,
    L,
    Specials<V, N> & N,
    R
  >,
) => Reasoner<
  SymbolParameters<V, D, N> & { readonly Z_init: ParameterSpec<[D]>; readonly lm_head: LinearParameters<D, 1> } & {
    readonly L_level: { readonly layers: Repeat<L, SymbolBlock<D, W, E>> }
  }
>
