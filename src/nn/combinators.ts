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
import { type AnyModule, type Module, makeModule, run } from './module.js'
import { normalise } from './norm.js'
import type { ParameterTree } from './parameters.js'

const residualOf = (branch: AnyModule): AnyModule => {
  const rule = keptRule('residual', branch.rule)
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
export const residual = residualOf as unknown as <A extends ShapeFn, P extends ParameterTree>(
  branch: Accept<Apply<Residual<A>, A['probe']>> & Module<A, P>,
) => Module<Residual<A>, P>

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
export const postNorm = postNormOf as unknown as <A extends ShapeFn, P extends ParameterTree>(
  inner: Module<A, P>,
) => Module<A, P>

/** a(rmsNorm(x)). Parameters: those of `a`. */
export const preNorm = preNormOf as unknown as <A extends ShapeFn, P extends ParameterTree>(
  inner: Module<A, P>,
) => Module<A, P>

/** Modules one after another under the names of the record: `{ self_attn, mlp }`. */
export const sequenceOf = (name: string, parts: Readonly<Record<string, AnyModule>>): AnyModule => {
  const entries = Object.entries(parts)
  const first = entries[0]?.[1]
  if (first === undefined) throw new Error(`${name} needs at least one part`)
  const rule = chain(entries.map(([, part]) => part.rule))
  demand(rule(first.probe))
  return makeModule({
    name,
    parameters: Object.fromEntries(entries.map(([key, part]) => [key, part.parameters])),
    takes: first.takes,
    rule,
    probe: first.probe,
    compute: (parameters: Readonly<Record<string, unknown>>, x) =>
      entries.reduce((y, [key, part]) => run(part, parameters[key], y), x),
  })
}

/** The rule of modules one after another. */
type Chain<Fs extends readonly ShapeFn[]> = Fs extends readonly [infer A extends ShapeFn]
  ? A
  : Fs extends readonly [infer A extends ShapeFn, infer B extends ShapeFn, ...infer R extends readonly ShapeFn[]]
    ? Chain<readonly [Seq<A, B>, ...R]>
    : never

type SeqFn = <A extends ShapeFn, PA extends ParameterTree, B extends ShapeFn, PB extends ParameterTree>(
  a: Module<A, PA>,
  b: Accept<Apply<Seq<A, B>, A['probe']>> & Module<B, PB>,
) => Module<Seq<A, B>, { readonly 0: PA; readonly 1: PB }>

/** Modules one after another; parameters under 0, 1, 2… */
export const seq: SeqFn = ((...parts: readonly AnyModule[]) =>
  sequenceOf('seq', Object.fromEntries(parts.entries()))) as never
export type { Chain }

const stackOf = (n: number, block: AnyModule): AnyModule => {
  const rule = keptRule('stack', block.rule)
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
export const stack = stackOf as unknown as <A extends ShapeFn, P extends ParameterTree>(
  n: number,
  block: Accept<Apply<Stack<A>, A['probe']>> & Module<A, P>,
) => Module<Stack<A>, { readonly layers: readonly P[] }>
