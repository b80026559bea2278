/** Gradient rules: how much of a recurrence is differentiated, whatever the blocks in it. */

/**
 * How far the gradient reaches back: through that many last steps of the fastest level, and the slower ones from there on.
 * `periods`: how often each level moves before the next slower one does, fastest first; of HRM [steps, cycles].
 */
export type GradientRule = (periods: readonly number[]) => number

export const product = (factors: readonly number[]): number => factors.reduce((a, b) => a * b, 1)

/** The last step of each level: the first Neumann term of the gradient at a fixed point. HRM §2. */
export const oneStepGradient: GradientRule = () => 1
/** The last k steps of the fastest level, and the slower ones from there on. */
export const lastSteps =
  (k: number): GradientRule =>
  () =>
    k
/** All but the first k steps of the fastest level: truncated loops, as URM has them. */
export const allButFirst =
  (k: number): GradientRule =>
  (periods) =>
    product(periods) - k
/** The whole last cycle, since the slowest level moved before: as TRM does. */
export const wholeCycleGradient: GradientRule = (periods) => product(periods.slice(0, -1))
/** Back-propagation through the whole segment. */
export const fullGradient: GradientRule = (periods) => product(periods)

/** By the names that config files have: `oneStep`, `wholeCycle`, `full`, `last3`, `allBut2`. */
export const gradientNamed = (name: string): GradientRule | undefined => {
  const counted = /^(last|allBut)([1-9]\d*)$/.exec(name)
  if (counted !== null) return (counted[1] === 'last' ? lastSteps : allButFirst)(Number(counted[2]))
  return name === 'oneStep'
    ? oneStepGradient
    : name === 'wholeCycle'
      ? wholeCycleGradient
      : name === 'full'
        ? fullGradient
        : undefined
}
