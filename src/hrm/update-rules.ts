/**
 * Update rules: how far a call moves its states towards what its blocks say. A rule takes a recurrence to another, so it goes
 * with all of them: `damped({ step: 0.95 })(hierarchy({ … })(…))`, or around single calls.
 */
import { add, mul, type Tensor } from '../ir/index.js'
import { moved, type Recurrence, type States } from './recurrence.js'

export type UpdateRule = <S extends States<S>>(recurrence: Recurrence<S>) => Recurrence<S>

/** z ← f(z): what the blocks say. */
export const plain: UpdateRule = (recurrence) => recurrence

/**
 * z ← (1 − step)·z + step·f(z) + noise·ε, with ε standard normal, drawn anew in every call; without noise where there are no
 * draws (evaluation, unless asked). Of the states that a call changes. EqR (arXiv 2605.21488), λ and β.
 */
export const damped = (options: { readonly step: number; readonly noise?: number }): UpdateRule => {
  const { step, noise = 0 } = options
  if (!(step > 0 && step <= 1)) throw new Error(`damped: the step is ${step}; it must lie in (0, 1]`)
  if (!(noise >= 0 && Number.isFinite(noise))) throw new Error(`damped: the noise is ${noise}; it must be ≥ 0`)
  return (recurrence) =>
    recurrence.map((call) => ({
      ...call,
      step: (before, draws) => {
        const after = call.step(before, draws)
        const between = (z: Tensor, f: Tensor): Tensor => {
          const nearer = add(mul(z, 1 - step), mul(f, step))
          return draws === undefined || noise === 0 ? nearer : add(nearer, mul(draws.normal(z.shape), noise))
        }
        const changes = moved(before, after).map((name) => [name, between(before[name], after[name])])
        return { ...after, ...Object.fromEntries(changes) }
      },
    }))
}
