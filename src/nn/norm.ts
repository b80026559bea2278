/** Norms and activations: modules without parameters. */
import { add, mean, mul, rsqrt, sigmoid, square, type Tensor, unsqueeze } from '../ir/index.js'
import { type IdentityRule, identityRule } from '../shape/index.js'
import { defineModule, type Module } from './module.js'

export type NoParameters = Readonly<Record<never, never>>

/** x · rsqrt(mean(x²) + ε) over the last axis, no learned scale. [..., D] → [..., D] */
export const normalise = (x: Tensor, epsilon = 1e-5): Tensor => {
  const axis = x.shape.length - 1
  return mul(x, unsqueeze(rsqrt(add(mean(square(x), [axis]), epsilon)), axis))
}

export const rmsNorm = (epsilon = 1e-5): Module<IdentityRule<'rmsNorm'>, NoParameters> =>
  defineModule({
    name: 'rmsNorm',
    parameters: {},
    rule: identityRule,
    probe: ['…'],
    compute: (_: unknown, x) => normalise(x, epsilon),
  })

/** x · sigmoid(x) */
export const siluOf = (x: Tensor): Tensor => mul(x, sigmoid(x))

export const silu = (): Module<IdentityRule<'silu'>, NoParameters> =>
  defineModule({
    name: 'silu',
    parameters: {},
    rule: identityRule,
    probe: ['…'],
    compute: (_: unknown, x) => siluOf(x),
  })
