/** Modules made of modules. Their shape rules are rules over the rules of their parts (`shape/rules/compose.ts`). */
import { add, type Tensor, transpose } from '../ir/index.js'
import {
  type Accept,
  type Apply,
  type Chain,
  chain,
  demand,
  demandPositive,
  type FirstProbe,
  isRefusal,
  keptRule,
  type Obstacle,
  type OverPositions,
  type OverSymbols,
  overPositionsRule,
  overSymbolsProbe,
  overSymbolsRule,
  type Positive,
  type Repeat,
  type Residual,
  type Rule,
  type Shape,
  ShapeError,
  type ShapeFn,
  type Stack,
  sameShape,
  type Through,
} from '../shape/index.js'
import {
  type AnyLayer,
  type AnyModule,
  type AnyPart,
  demandFloats,
  type Layer,
  type Module,
  makeModule,
  type ParametersOf,
  type RuleOf,
  run,
} from './module.js'
import { normalise } from './norm.js'
import type { ParameterSpec, ParameterTree } from './parameters.js'

/** What stands in the way of a rule for the least input that fits it: nothing, or its error. */
type Probed<F extends ShapeFn> = Accept<Apply<F, F['probe']>>

const residualOf = (branch: AnyModule): AnyModule => {
  const rule = keptRule('residual: the branch', branch.rule)
  demandFloats(branch, branch.probe)
  demand(rule(branch.probe))
  return makeModule({
    name: `residual(${branch.name})`,
    speaker: branch.speaker,
    parameters: branch.parameters,
    rule,
    probe: branch.probe,
    compute: (parameters: unknown, x) => add(x, run(branch, parameters, x)),
  })
}

/** x + a(x). [...] → the same. Parameters: those of the branch. */
export const residual = residualOf as unknown as <M extends AnyModule>(
  branch: Probed<Residual<RuleOf<M>>> & M,
) => Module<Residual<RuleOf<M>>, ParametersOf<M>>

const around = (
  name: string,
  inner: AnyModule,
  compute: (run: (x: Tensor) => Tensor, x: Tensor) => Tensor,
): AnyModule =>
  makeModule({
    name: `${name}(${inner.name})`,
    speaker: inner.speaker,
    parameters: inner.parameters,
    takes: inner.takes,
    rule: inner.rule,
    probe: inner.probe,
    compute: (parameters: unknown, x) => compute((y) => run(inner, parameters, y), x),
  })
const postNormOf = (inner: AnyModule) => around('postNorm', inner, (a, x) => normalise(a(x)))
const preNormOf = (inner: AnyModule) => around('preNorm', inner, (a, x) => a(normalise(x)))

/** rmsNorm(a(x)). Parameters: those of `a`. */
export const postNorm = postNormOf as unknown as <M extends AnyModule>(inner: M) => Module<RuleOf<M>, ParametersOf<M>>

/** a(rmsNorm(x)). Parameters: those of `a`. */
export const preNorm = preNormOf as unknown as <M extends AnyModule>(inner: M) => Module<RuleOf<M>, ParametersOf<M>>

/** The module under a name of its own in the parameters of a `seq`. */
export const named = <const K extends string, M extends AnyModule>(key: K, module: M): M & { readonly key: K } => ({
  ...module,
  key,
})

const seqOf = (...parts: readonly (AnyModule & { readonly key?: string })[]): AnyModule => {
  const entries = parts.map((part, i) => [part.key ?? `${i}`, part] as const)
  const twice = entries.find(([key], i) => entries.findIndex(([other]) => other === key) !== i)
  if (twice !== undefined) throw new ShapeError(`seq: two modules are named "${twice[0]}", they would share parameters`)
  const first = parts[0]
  if (first === undefined) throw new Error('seq needs at least one module')
  const probe = composedProbe(parts)
  const rule = composedRule(parts, probe)
  return makeModule({
    name: parts.map((part) => part.name).join(', '),
    speaker: first.speaker,
    parameters: Object.fromEntries(
      entries.filter(([, part]) => !isEmpty(part.parameters)).map(([key, part]) => [key, part.parameters]),
    ),
    takes: first.takes,
    rule,
    probe,
    compute: (parameters: Readonly<Record<string, unknown>>, x) =>
      entries.reduce((y, [key, part]) => run(part, parameters[key] ?? {}, y), x),
  })
}

/** What the parts together are probed with: what the first of them knows that does not keep every shape (as norms do). */
const composedProbe = (parts: readonly AnyPart[]): Shape =>
  parts.find(({ rule, probe }) => !keepsAll(rule, probe))?.probe ?? ANYTHING
const ANYTHING: Shape = ['…']
const keepsAll = (rule: Rule, probe: Shape): boolean => {
  const output = rule(ANYTHING)
  return sameShape(probe, ANYTHING) && !isRefusal(output) && sameShape(output, ANYTHING)
}

/** The rule of parts one after another, after trying it with the least input; only the first may take other than f32. */
const composedRule = (parts: readonly AnyPart[], probe: Shape): Rule => {
  parts.reduce((shape, part, i) => {
    if (i > 0) demandFloats(part, shape)
    return demand(part.rule(shape))
  }, probe)
  return chain(parts.map(({ rule }) => rule))
}
const isEmpty = (tree: ParameterTree): boolean => Object.keys(tree).length === 0

type Rules<Ms extends readonly unknown[]> = { [K in keyof Ms]: RuleOf<Ms[K]> }

/** What stands in the way of the module at `K`: nothing, a name that one before it has, or an error of the shapes. */
type Blocking<Ms extends readonly unknown[], K> = [NamedTwice<Ms>] extends [never]
  ? Unfitting<Ms, K>
  : K extends NamedTwice<Ms>['at']
    ? NamedTwice<Ms>['error']
    : unknown
/** Names are compared where there are any: positions differ. */
type NamedTwice<Ms extends readonly unknown[]> =
  Extract<Ms[number], { readonly key: string }> extends never ? never : TwiceAmong<{ [I in keyof Ms]: KeyOf<Ms[I], I> }>
type TwiceAmong<Keys extends readonly unknown[], Seen = never, Passed extends 0[] = []> = Keys extends readonly [
  infer K,
  ...infer R,
]
  ? K extends Seen
    ? {
        at: `${Passed['length']}`
        error: ShapeError<`seq: two modules are named "${K & string}", they would share parameters`>
      }
    : TwiceAmong<R, Seen | K, [...Passed, 0]>
  : never
/** The first module gets its least input. */
type Unfitting<Ms extends readonly unknown[], K> =
  Composed<Ms> extends infer R extends Obstacle ? (K extends R['at'] ? R['error'] : unknown) : unknown
type Composed<Ms extends readonly unknown[]> =
  Rules<Ms> extends infer Fs extends readonly ShapeFn[] ? Through<Fs, FirstProbe<Fs>> : never

/** The parameters of a `seq`: each under its name, or its position; of those that have any. */
type SeqParameters<Ms> = {
  readonly [I in Extract<keyof Ms, `${number}`> as HasParameters<Ms[I]> extends true
    ? KeyOf<Ms[I], I>
    : never]: ParametersOf<Ms[I]>
}
type KeyOf<M, I> = M extends { readonly key: infer K extends string } ? K : I
/** (Of any tree whatever the keys are not known either.) */
type HasParameters<M> = M extends { readonly parameters: infer P }
  ? [keyof P, Extract<P, ParameterSpec>] extends [never, never]
    ? false
    : true
  : true

/** Modules one after another. Parameters under their names (`named`), or 0, 1, 2… */
export const seq = seqOf as unknown as <const Ms extends readonly [AnyModule, ...AnyModule[]]>(
  ...parts: { [K in keyof Ms]: Blocking<Ms, K> & Ms[K] }
) => Module<Chain<Rules<Ms>>, SeqParameters<Ms>>

const flowOf = (...layers: readonly AnyLayer[]): AnyLayer => {
  const first = layers[0]
  if (first === undefined) throw new Error('flow needs at least one layer')
  const probe = composedProbe(layers)
  const rule = composedRule(layers, probe)
  return Object.assign((x: Tensor) => layers.reduce((y, layer) => layer(y as never) as Tensor, x), {
    speaker: first.speaker,
    takes: first.takes,
    rule,
    probe,
  }) as AnyLayer
}

/** Layers (modules with their parameters) one after another, as a function: `flow(f, g)(x) = g(f(x))`. */
export const flow = flowOf as unknown as <const Ls extends readonly [AnyLayer, ...AnyLayer[]]>(
  ...layers: { [K in keyof Ls]: Blocking<Ls, K> & Ls[K] }
) => Layer<Chain<Rules<Ls>>>

const stackOf = (n: number, block: AnyModule): AnyModule => {
  demandPositive('layers', n)
  const rule = keptRule('stack: the block', block.rule)
  demandFloats(block, block.probe)
  demand(rule(block.probe))
  const whole = makeModule({
    name: `${n} × ${block.name}`,
    speaker: block.speaker,
    parameters: { layers: Array.from({ length: n }, () => block.parameters) },
    rule,
    probe: block.probe,
    compute: ({ layers }: { readonly layers: readonly unknown[] }, x) =>
      layers.reduce<typeof x>((y, parameters) => run(block, parameters, y), x),
  })
  return { ...whole, layer: block }
}

/** `n` copies one after another, each with its own parameters: `layers.0`, `layers.1`… */
export const stack = stackOf as unknown as <const N extends number, M extends AnyModule>(
  n: Positive<'layers', N> & N,
  block: Probed<Stack<RuleOf<M>>> & M,
) => Module<Stack<RuleOf<M>>, { readonly layers: Repeat<N, ParametersOf<M>> }>

const overPositionsOf = (inner: AnyModule): AnyModule => {
  const swap = (x: Tensor) => {
    const last = x.shape.length - 1
    return transpose(
      x,
      x.shape.map((_, i) => (i === last ? last - 1 : i === last - 1 ? last : i)),
    )
  }
  const rule = overPositionsRule(inner.rule)
  const probe: Shape = inner.probe.length === 2 ? [...inner.probe, '?'] : inner.probe
  return makeModule({
    name: `overPositions(${inner.name})`,
    speaker: inner.speaker,
    parameters: inner.parameters,
    takes: inner.takes,
    rule,
    probe,
    compute: (parameters: unknown, x) => swap(run(inner, parameters, swap(x))),
  })
}

/** The module along positions instead of width, as MLP-Mixer mixes tokens: a on [..., D, T]. [..., T, D] → [..., T, D] */
export const overPositions = overPositionsOf as unknown as <M extends AnyModule>(
  inner: M,
) => Module<OverPositions<RuleOf<M>>, ParametersOf<M>>

const overSymbolsOf = (inner: AnyModule): AnyModule => {
  const swap = (x: Tensor) => {
    const last = x.shape.length - 1
    return transpose(
      x,
      x.shape.map((_, i) => (i === last - 1 ? last - 2 : i === last - 2 ? last - 1 : i)),
    )
  }
  return makeModule({
    name: `overSymbols(${inner.name})`,
    speaker: inner.speaker,
    parameters: inner.parameters,
    takes: inner.takes,
    rule: overSymbolsRule(inner.rule),
    probe: overSymbolsProbe(inner.probe),
    compute: (parameters: unknown, x) => swap(run(inner, parameters, swap(x))),
  })
}

/**
 * The module along the axis before the positions, as axial attention goes along one axis after the other: a on
 * [..., T, C, D]. [..., C, T, D] → [..., C, T, D]
 */
export const overSymbols = overSymbolsOf as unknown as <M extends AnyModule>(
  inner: M,
) => Module<OverSymbols<RuleOf<M>>, ParametersOf<M>>
