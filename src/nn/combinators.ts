/** Modules made of modules. Their shape rules are rules over the rules of their parts (`shape/rules/compose.ts`). */
import { add, type Tensor } from '../ir/index.js'
import {
  type Accept,
  type Apply,
  chain,
  demand,
  keptRule,
  type Residual,
  type Seq,
  type ShapeFn,
  type Stack,
} from '../shape/index.js'
import { type AnyModule, type Module, makeModule, type ParametersOf, type RuleOf, run } from './module.js'
import { normalise } from './norm.js'
import type { ParameterTree } from './parameters.js'

/** What stands in the way of a rule for the least input that fits it: nothing, or its error. */
type Probed<F extends ShapeFn> = Accept<Apply<F, F['probe']>>

const residualOf = (branch: AnyModule): AnyModule => {
  const rule = keptRule('residual: the branch', branch.rule)
  demand(rule(branch.probe))
  return makeModule({
    name: `residual(${branch.name})`,
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
  if (twice !== undefined) throw new Error(`seq: two modules are named "${twice[0]}", they would share parameters`)
  const first = parts[0]
  if (first === undefined) throw new Error('seq needs at least one module')
  const rule = chain(parts.map((part) => part.rule))
  demand(rule(first.probe))
  return makeModule({
    name: parts.map((part) => part.name).join(', '),
    parameters: Object.fromEntries(
      entries.filter(([, part]) => !isEmpty(part.parameters)).map(([key, part]) => [key, part.parameters]),
    ),
    takes: first.takes,
    rule,
    probe: first.probe,
    compute: (parameters: Readonly<Record<string, unknown>>, x) =>
      entries.reduce((y, [key, part]) => run(part, parameters[key] ?? {}, y), x),
  })
}
const isEmpty = (tree: ParameterTree): boolean => Object.keys(tree).length === 0

/** The rule of modules one after another. */
export type Chain<Ms extends readonly unknown[]> = Ms extends readonly [infer A]
  ? RuleOf<A>
  : Ms extends readonly [...infer Before extends readonly unknown[], infer B]
    ? Seq<Chain<Before>, RuleOf<B>>
    : ShapeFn

/** For every module what stands in its way: nothing, or the error that the chain up to it gives for its first input. */
type Obstacles<
  Ms extends readonly unknown[],
  Done extends readonly unknown[] = [],
  Out extends readonly unknown[] = [],
> = Ms extends readonly [infer M, ...infer R extends readonly unknown[]]
  ? Chain<[...Done, M]> extends infer F extends ShapeFn
    ? Obstacles<R, [...Done, M], [...Out, Probed<F>]>
    : never
  : Out

/** The parameters of a `seq`: each under its name, or its position. */
type SeqParameters<Ms> = {
  readonly [I in Extract<keyof Ms, `${number}`> as Ms[I] extends { readonly key: infer K extends string }
    ? K
    : I]: ParametersOf<Ms[I]>
}

/** Modules one after another. Parameters under their names (`named`), or 0, 1, 2… */
export const seq = seqOf as unknown as <const Ms extends readonly [AnyModule, ...AnyModule[]]>(
  ...parts: { [K in keyof Ms]: (K extends keyof Obstacles<Ms> ? Obstacles<Ms>[K] : unknown) & Ms[K] }
) => Module<Chain<Ms>, SeqParameters<Ms>>

const stackOf = (n: number, block: AnyModule): AnyModule => {
  const rule = keptRule('stack: the block', block.rule)
  demand(rule(block.probe))
  return makeModule({
    name: `${n} × ${block.name}`,
    parameters: { layers: Array.from({ length: n }, () => block.parameters) },
    rule,
    probe: block.probe,
    compute: ({ layers }: { readonly layers: readonly unknown[] }, x) =>
      layers.reduce<typeof x>((y, parameters) => run(block, parameters, y), x),
  })
}

/** `n` copies one after another, each with its own parameters: `layers.0`, `layers.1`… */
export const stack = stackOf as unknown as <M extends AnyModule>(
  n: number,
  block: Probed<Stack<RuleOf<M>>> & M,
) => Module<Stack<RuleOf<M>>, { readonly layers: readonly ParametersOf<M>[] }>
