/**
 * Puts a reasoner together: InputNet, blocks, a recurrence over named states, OutputNet and QHead. Every relative of HRM
 * is one such definition. T positions, D hidden: all states are [B, T, D].
 */
import { add, type DType, reshape, sliceAxis, type Tensor } from '../ir/index.js'
import {
  type AnyModule,
  demandFloats,
  demandType,
  drawsOf,
  type ParameterSpec,
  type ParametersOf,
  type ParameterTree,
  parameter,
  type RuleOf,
  run,
  type Takes,
  type TensorOf,
} from '../nn/index.js'
import {
  type Accept,
  type Answer,
  type ApplyTyped,
  answerRule,
  type Dim,
  demand,
  type First,
  type Injection,
  injectionRule,
  type Shape,
  type ShapeFn,
} from '../shape/index.js'
import { type Confidence, confidenceOf } from './heads.js'
import type { InputNet } from './input-net.js'
import type { Halting, Part, Reasoner, Segment, SegmentInputs, State } from './reasoner.js'
import { moved, type Recurrence, unroll } from './recurrence.js'
import { carriedStates, fixedVectors, initialStates, type StateStart } from './states.js'

/** A reasoning block with its parameters filled in: block(state + injection). [B, T, D] × [B, T, D] → [B, T, D] */
export type ReasoningBlock<F extends ShapeFn> = <
  In extends Shape,
  D extends DType,
  J extends Shape = In,
  E extends DType = 'f32',
>(
  state: Accept<ApplyTyped<F, NoInfer<In>, NoInfer<D>>> & Tensor<In, D>,
  injection?: First<Takes<'input injection', 'f32', NoInfer<J>, NoInfer<E>>, Accept<Injection<In, NoInfer<J>>>> &
    Tensor<J, E>,
) => TensorOf<ApplyTyped<F, In, D>, 'f32'>

export type Blocks<B> = {
  readonly [K in keyof B]: ReasoningBlock<RuleOf<B[K]>> & Layered<ParametersOf<B[K]>, RuleOf<B[K]>>
}
/** The layers of a `stack`, each a block of its own. */
type Layered<P, F extends ShapeFn> = P extends { readonly layers: readonly unknown[] }
  ? { readonly layers: readonly ReasoningBlock<F>[] }
  : unknown
type StateOf<K extends string, Z extends Shape> = { readonly [name in K]: Tensor<Z, 'f32'> }

type InputShape<I> = I extends { readonly shape: infer Z extends Shape } ? Z : never
/** [batch, S, V] */
type AnswerShape<I> = I extends {
  readonly sequence: infer S extends number
  readonly vocabulary: infer V extends number
}
  ? ['batch', S, V]
  : never

/** The parameters of a model, under the names of the published checkpoints. */
export type ModelParameters<I, B, St, O, Q> = ParametersOf<I> & {
  readonly [K in keyof B]: ParametersOf<B[K]>
} & { readonly [Path in St[keyof St] & string]: ParameterSpec<[Width<InputShape<I>>]> } & {
  readonly lm_head: ParametersOf<O>
} & (Q extends Confidence ? unknown : { readonly q_head: ParametersOf<Q> })
type Width<Z> = Z extends readonly [...Shape, infer D extends Dim] ? D : Dim

/** `I` is the type of InputNet, `B` of the blocks, `St` of the states' paths, `O` and `Q` of the heads. */
export interface Definition<I, B, St, O, Q> {
  readonly name: string
  readonly input: I
  /** Blocks by the name of their parameters. */
  readonly blocks: B
  /** The states, each with where it starts: the path of a fixed vector [D], `fromNoise()`, or `fromInput`. */
  readonly state: St
  /** One segment: which block is called when, with what. */
  readonly think: (
    blocks: Blocks<B>,
    x: Tensor<InputShape<I>, 'f32'>,
  ) => Recurrence<StateOf<keyof St & string, InputShape<I>>>
  /** The state the answer is read from. */
  readonly answer: NoInfer<keyof St & string>
  /** The answer's logits [batch, S, V]. */
  readonly output: Accept<Answer<ApplyTyped<RuleOf<O>, InputShape<I>, 'f32'>, AnswerShape<I>>> & O
  /** (q_halt, q_continue) [batch, 2]; or `confidence`, of the logits, without parameters and q_continue. */
  readonly qHead: QFits<Q, InputShape<I>> & Q
  readonly halting: Halting
}

/** What stands in the way of a Q head for states of shape `Z`. */
type QFits<Q, Z> = Q extends Confidence ? unknown : Accept<Answer<ApplyTyped<RuleOf<Q>, Z, 'f32'>, ['batch', 2]>>

/**
 * Puts a model together. Shapes that do not fit are refused by the compiler, and by `ShapeError` at run time.
 * (The parts' types are bare parameters with loose bounds on purpose: a bound that mentions sizes would make the compiler
 * widen `hidden` to `number` in `inputNet({ hidden })`.)
 */
export const reasoner = <
  I extends { readonly part: 'inputNet' },
  B extends Readonly<Record<string, AnyModule>>,
  const St extends Readonly<Record<string, StateStart>>,
  O extends AnyModule,
  Q extends AnyModule | Confidence,
>(
  definition: Definition<I, B, St, O, Q>,
): Reasoner<ModelParameters<I, B, St, O, Q>> => assemble(definition as unknown as Assembled) as never

/** A definition whose types have done their work. */
interface Assembled {
  readonly name: string
  readonly input: InputNet
  readonly blocks: Readonly<Record<string, AnyModule>>
  readonly state: Readonly<Record<string, StateStart>>
  readonly think: (
    blocks: Readonly<Record<string, BoundBlock & { readonly layers?: readonly BoundBlock[] }>>,
    x: Tensor,
  ) => Recurrence<State>
  readonly answer: string
  readonly output: AnyModule
  readonly qHead: AnyModule | Confidence
  readonly halting: Halting
}
const isModule = (head: AnyModule | Confidence): head is AnyModule => 'apply' in head

/** Bound parameters, read by the name of a part. */
type BoundTree = Readonly<Record<string, unknown>>

type BoundBlock = (state: Tensor, injection?: Tensor) => Tensor

/** The block with its parameters filled in; of a stack, its layers too. */
const boundBlock = (
  block: AnyModule,
  parameters: unknown,
): BoundBlock & { readonly layers?: readonly BoundBlock[] } => {
  const whole: BoundBlock = (state, injection) => inject(block, parameters, state, injection)
  const { layer } = block
  if (layer === undefined) return whole
  const { layers } = parameters as { readonly layers: readonly unknown[] }
  return Object.assign(whole, {
    layers: layers.map(
      (p): BoundBlock =>
        (s, j) =>
          inject(layer, p, s, j),
    ),
  })
}

const inject = (block: AnyModule, parameters: unknown, state: Tensor, injection?: Tensor): Tensor => {
  demandType(block.speaker, block.takes, state)
  demand(block.rule(state.shape))
  if (injection === undefined) return run(block, parameters, state)
  demandType('input injection', 'f32', injection)
  demand(injectionRule(state.shape, injection.shape))
  return run(block, parameters, add(state, injection))
}

const assemble = (definition: Assembled): Reasoner => {
  const { name, input, blocks, state, think, answer, output, qHead, halting } = definition
  const { vocabulary, sequence, hidden, puzzleEmbedding, puzzles } = input.options
  const z: Shape = input.shape
  const carried = carriedStates(state)
  const last = <A>(items: readonly A[], start: A): A => items.at(-1) ?? start

  const segment = (parameters: BoundTree, start: State, inputs: SegmentInputs): Segment => {
    const x = input.apply(parameters)(inputs)
    const bound = Object.fromEntries(
      Object.entries(blocks).map(([key, block]) => [key, boundBlock(block, parameters[key])]),
    )
    const begin: State = Object.fromEntries(Object.keys(state).map((key) => [key, key in carried ? start[key]! : x]))
    const moments = unroll(think(bound, x), begin, inputs.keys && drawsOf(inputs.keys))
    const end = last(moments, { level: '', state: begin }).state
    const answerState = end[answer]!
    const logits = run(output, parameters.lm_head, answerState)
    return {
      state: Object.fromEntries(Object.keys(start).map((key) => [key, end[key]!])),
      logits,
      ...(isModule(qHead) ? columns(run(qHead, parameters.q_head, answerState)) : { qHalt: confidenceOf(logits) }),
      embedded: x,
      calls: moments.map((moment, i) => ({
        level: moment.level,
        ...changed(i === 0 ? begin : moments[i - 1]!.state, moment.state),
      })),
    }
  }

  checkAnswers(definition, z)
  checkNames(definition)
  const parameters: ParameterTree = {
    ...input.parameters,
    ...Object.fromEntries(Object.entries(blocks).map(([key, block]) => [key, block.parameters])),
    ...Object.fromEntries(
      fixedVectors(state).map((path) => [path, parameter([hidden], { kind: 'truncatedNormal', std: 1 }, 'fixed')]),
    ),
    lm_head: output.parameters,
    ...(isModule(qHead) && { q_head: qHead.parameters }),
  }
  return {
    name,
    parameters,
    sizes: { sequence, vocabulary, hidden, puzzleTokens: input.puzzleTokens, puzzleEmbedding, puzzles },
    ...(puzzleEmbedding > 0 && { puzzleTable: 'puzzle_emb.weights' }),
    stateShape: z,
    carried,
    initialState: (bound, keys) => initialStates(name, carried, z, bound as BoundTree, keys),
    segment: (bound, start, inputs) => segment(bound as BoundTree, start, inputs),
    halting,
    parts: partsOf(definition, z),
  }
}

/** [B, 2] → q_halt and q_continue, [B] each. */
const columns = (q: Tensor) => {
  const column = (i: number) => reshape(sliceAxis(q, 1, i, 1), ['batch'])
  return { qHalt: column(0), qContinue: column(1) }
}

/** The state a call changed: the first that is another than before. */
const changed = (before: State, after: State) => {
  const name = moved(before, after)[0] ?? (Object.keys(after)[0] as string)
  return { name, before: before[name]!, state: after[name]! }
}

/** The run-time side of what the types of `Definition` demand. */
const checkAnswers = ({ input, output, qHead }: Assembled, z: Shape): void => {
  demandFloats(output, z)
  demand(answerRule(output.rule(z), ['batch', input.sequence, input.vocabulary]))
  if (!isModule(qHead)) return
  demandFloats(qHead, z)
  demand(answerRule(qHead.rule(z), ['batch', 2]))
}

/** Two parts under one name would share their parameters without a word. */
const checkNames = ({ input, blocks, state }: Assembled): void => {
  const names = [...Object.keys(input.parameters), ...Object.keys(blocks), ...fixedVectors(state), 'lm_head', 'q_head']
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw new Error(`reasoner: two parts keep their parameters under "${twice}"`)
}

const partsOf = ({ input, blocks, output, qHead }: Assembled, z: Shape): readonly Part[] => {
  const state = (name: string) => ({ name, shape: z, dtype: 'f32' as DType })
  const { sequence, puzzleEmbedding } = input.options
  const moduleOf = (name: string, module: AnyModule): Part => ({
    name,
    parameters: { [name]: module.parameters },
    inputs: [state('z')],
    build: (parameters, [x]) => run(module, (parameters as BoundTree)[name], x as Tensor),
  })
  return [
    {
      name: 'input',
      parameters: input.parameters as ParameterTree,
      inputs: [
        { name: 'tokens', shape: ['batch', sequence], dtype: 'i32' },
        ...(puzzleEmbedding > 0
          ? [{ name: 'puzzle', shape: ['batch', puzzleEmbedding] as Shape, dtype: 'f32' as DType }]
          : []),
      ],
      build: (parameters, [tokens, puzzle]) =>
        input.apply(parameters)({ tokens: tokens as Tensor, ...(puzzle !== undefined && { puzzle }) }),
    },
    ...Object.entries(blocks).map(
      ([key, block]): Part => ({
        name: key,
        parameters: { [key]: block.parameters },
        inputs: [state('state'), state('injection')],
        build: (parameters, [s, injection]) =>
          inject(block, (parameters as BoundTree)[key], s as Tensor, injection as Tensor),
      }),
    ),
    moduleOf('lm_head', output),
    ...(isModule(qHead) ? [moduleOf('q_head', qHead)] : []),
  ]
}
