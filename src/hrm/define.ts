/**
 * Puts a reasoner together: InputNet, blocks, a recurrence over named states, OutputNet and QHead. Every relative of HRM
 * is one such definition. T positions, D hidden: all states are [B, T, D].
 */
import { add, broadcastTo, type DType, reshape, sliceAxis, type Tensor } from '../ir/index.js'
import { type AnyModule, type Module, type ParameterSpec, type ParameterTree, parameter, run } from '../nn/index.js'
import {
  type Accept,
  type Apply,
  demand,
  type Injection,
  injectionRule,
  keptRule,
  type Shape,
  type ShapeFn,
} from '../shape/index.js'
import type { InputNet, InputShape } from './input-net.js'
import type { Halting, Part, Reasoner, Segment, SegmentInputs, State } from './reasoner.js'
import { type Recurrence, unroll } from './recurrence.js'

/** A reasoning block with its parameters filled in: block(state + injection). [B, T, D] × [B, T, D] → [B, T, D] */
export type ReasoningBlock<F extends ShapeFn> = <In extends Shape, J extends Shape>(
  state: Accept<Apply<F, NoInfer<In>>> & Tensor<In, 'f32'>,
  injection: Accept<Injection<In, NoInfer<J>>> & Tensor<J, 'f32'>,
) => Apply<F, In> extends infer R ? (R extends Shape ? Tensor<R, 'f32'> : never) : never

export type Blocks<B> = { readonly [K in keyof B]: B[K] extends Module<infer F, infer _> ? ReasoningBlock<F> : never }
type ParametersOf<B> = { readonly [K in keyof B]: B[K] extends { readonly parameters: infer P } ? P : never }
type StateOf<K extends string, Z extends Shape> = { readonly [name in K]: Tensor<Z, 'f32'> }

export type ReasonerParameters<B, I extends string, PI, PO, PQ> = PI &
  ParametersOf<B> & { readonly [path in I]: ParameterSpec } & { readonly lm_head: PO; readonly q_head: PQ }

export interface Definition<
  V extends number,
  S extends number,
  D extends number,
  E extends number,
  B extends Readonly<Record<string, unknown>>,
  K extends string,
  I extends string,
  FO extends ShapeFn,
  PO extends ParameterTree,
  FQ extends ShapeFn,
  PQ extends ParameterTree,
> {
  readonly name: string
  readonly input: InputNet<V, S, D, E>
  /** Blocks by the name of their parameters; each keeps [B, T, D]. */
  readonly blocks: B
  /** The states, and where the fixed vector [D] that each starts from is kept. */
  readonly state: Readonly<Record<K, I>>
  /** One segment: which block is called when, from what. */
  readonly think: (
    blocks: Blocks<B>,
    x: Tensor<InputShape<S, D, E>, 'f32'>,
  ) => Recurrence<StateOf<K, InputShape<S, D, E>>>
  /** The state the answer is read from. */
  readonly answer: NoInfer<K>
  readonly output: Accept<Apply<FO, InputShape<S, D, E>>> & Module<FO, PO>
  readonly qHead: Accept<Apply<FQ, InputShape<S, D, E>>> & Module<FQ, PQ>
  readonly halting: Halting
}

export const reasoner = <
  const V extends number,
  const S extends number,
  const D extends number,
  const E extends number,
  B extends Readonly<Record<string, unknown>>,
  const K extends string,
  const I extends string,
  FO extends ShapeFn,
  PO extends ParameterTree,
  FQ extends ShapeFn,
  PQ extends ParameterTree,
>(
  definition: Definition<V, S, D, E, B, K, I, FO, PO, FQ, PQ>,
): Reasoner => assemble(definition as unknown as Assembled)

/** A definition whose types have done their work. */
interface Assembled {
  readonly name: string
  readonly input: InputNet
  readonly blocks: Readonly<Record<string, AnyModule>>
  readonly state: Readonly<Record<string, string>>
  readonly think: (
    blocks: Readonly<Record<string, (state: Tensor, injection: Tensor) => Tensor>>,
    x: Tensor,
  ) => Recurrence<State>
  readonly answer: string
  readonly output: AnyModule
  readonly qHead: AnyModule
  readonly halting: Halting
}

/** Bound parameters, read by the name of a part. */
type BoundTree = Readonly<Record<string, unknown>>

const inject = (block: AnyModule, parameters: unknown, state: Tensor, injection: Tensor): Tensor => {
  demand(block.rule(state.shape))
  demand(injectionRule(state.shape, injection.shape))
  return run(block, parameters, add(state, injection))
}

const assemble = (definition: Assembled): Reasoner => {
  const { name, input, blocks, state, think, answer, output, qHead, halting } = definition
  const { vocabulary, sequence, hidden, puzzleEmbedding, puzzles } = input.options
  const z: Shape = input.shape
  const last = <A>(items: readonly A[], start: A): A => items.at(-1) ?? start

  const segment = (parameters: BoundTree, start: State, inputs: SegmentInputs): Segment => {
    const x = input.apply(parameters)(inputs)
    const bound = Object.fromEntries(
      Object.entries(blocks).map(([key, block]) => [
        key,
        (s: Tensor, injection: Tensor) => inject(block, parameters[key], s, injection),
      ]),
    )
    const moments = unroll(think(bound, x), start)
    const end = last(moments, { level: '', state: start }).state
    const answerState = end[answer]!
    const q = run(qHead, parameters.q_head, answerState)
    const column = (i: number) => reshape(sliceAxis(q, 1, i, 1), ['batch'])
    return {
      state: end,
      logits: run(output, parameters.lm_head, answerState),
      qHalt: column(0),
      qContinue: column(1),
      embedded: x,
      calls: moments.map((moment, i) => ({
        level: moment.level,
        state: changed(i === 0 ? start : moments[i - 1]!.state, moment.state),
      })),
    }
  }

  checkRules(definition, z)
  const parameters: ParameterTree = {
    ...input.parameters,
    ...Object.fromEntries(Object.entries(blocks).map(([key, block]) => [key, block.parameters])),
    ...Object.fromEntries(
      Object.values(state).map((path) => [path, parameter([hidden], { kind: 'truncatedNormal', std: 1 }, 'fixed')]),
    ),
    lm_head: output.parameters,
    q_head: qHead.parameters,
  }
  return {
    name,
    parameters,
    sizes: { sequence, vocabulary, hidden, puzzleTokens: input.puzzleTokens, puzzleEmbedding, puzzles },
    ...(puzzleEmbedding > 0 && { puzzleTable: 'puzzle_emb.weights' }),
    initialState: (bound) =>
      Object.fromEntries(
        Object.entries(state).map(([key, path]) => [key, broadcastTo((bound as BoundTree)[path] as Tensor, z)]),
      ),
    segment: (bound, start, inputs) => segment(bound as BoundTree, start, inputs),
    halting,
    parts: partsOf(definition, z),
  }
}

/** The state a call changed: the first that is another tensor than before, without its `stopGradient`. */
const changed = (before: State, after: State): Tensor => {
  const bare = (t: Tensor): Tensor => (t.op.kind === 'stopGradient' ? (t.inputs[0] as Tensor) : t)
  const name = Object.keys(after).find((key) => bare(after[key]!) !== bare(before[key]!))
  return after[name ?? (Object.keys(after)[0] as string)]!
}

/** The run-time side of what the types of `Definition` demand. */
const checkRules = ({ blocks, output, qHead }: Assembled, z: Shape): void => {
  for (const block of Object.values(blocks)) demand(keptRule('block', block.rule)(z))
  demand(output.rule(z))
  demand(qHead.rule(z))
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
    moduleOf('q_head', qHead),
  ]
}
