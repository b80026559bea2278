/**
 * Dynamic loss scaling (Micikevicius et al., 2018, §3.2): f16 has no gradient below 6·10⁻⁵, so the loss is multiplied by a
 * scale before the gradient and the gradient divided by it before it is used. A step whose gradient is not finite changes
 * nothing and halves the scale; many good ones in a row double it.
 *
 *   loss·S ─ gradients ─┬─ all finite? ─┬─ yes: weights, moments moved by gradients / S; t + 1;  `growAfter` times: S·2
 *                       └───────────────┴─ no:  all as it was;                                   S/2
 *
 * All of it is in the graph of the step: the host neither waits for the verdict nor needs it. The number of steps that
 * counted is only known on the device, so Adam's corrections follow from products kept there. Resident `scaling` f32 [4]:
 * S, good steps since S changed, β₁ᵗ, β₂ᵗ.
 */
import {
  abs,
  add,
  cast,
  constant,
  div,
  equal,
  type Graph,
  input,
  iota,
  less,
  lessEqual,
  maximum,
  min,
  minimum,
  mul,
  reshape,
  select,
  sliceAxis,
  sqrt,
  sub,
  type Tensor,
} from '../ir/index.js'
import type { AdamRates, AdamSettings } from './optimisers.js'

export interface ScalingRule {
  /** Powers of two, so that dividing by them is exact. */
  readonly initial: number
  readonly least: number
  readonly most: number
  /** Good steps in a row that double the scale. */
  readonly growAfter: number
}

/** As PyTorch's GradScaler has them, with ends. */
export const scalingRule: ScalingRule = { initial: 2 ** 16, least: 1, most: 2 ** 24, growAfter: 2000 }

const LENGTH = 4
const resident = (): Tensor => input('scaling', [LENGTH], 'f32', 'resident')
const part = (i: number): Tensor => reshape(sliceAxis(resident(), 0, i, 1), [])

/** Contents of `scaling` before the first step. */
export const freshScaling = ({ initial }: ScalingRule = scalingRule): Float32Array => Float32Array.of(initial, 0, 1, 1)

/** What the loss is multiplied by, f32 []. */
export const lossScale = (): Tensor => part(0)

/** What becomes of a step with these gradients. */
export interface Verdict {
  /** Every gradient is finite, bool []. */
  readonly counts: Tensor
  readonly unscaled: (gradient: Tensor) => Tensor
  /** Of the step that this would be. */
  readonly corrections: Pick<AdamRates, 'firstCorrection' | 'secondCorrection'>
  /** The new value, or the old one where the step does not count. */
  readonly kept: (old: Tensor, next: Tensor) => Tensor
  readonly update: Graph['updates'][number]
}

export const verdictOn = (
  gradients: readonly Tensor[],
  { beta1, beta2 }: Pick<AdamSettings, 'beta1' | 'beta2'>,
  { least, most, growAfter }: ScalingRule = scalingRule,
): Verdict => {
  const counts = gradients.map(allFinite).reduce((a, b) => minimum(a, b))
  const isGood = less(constant(0), counts)
  const [scale, good, power1, power2] = [0, 1, 2, 3].map(part) as [Tensor, Tensor, Tensor, Tensor]
  const [next1, next2] = [mul(power1, beta1), mul(power2, beta2)]
  const grows = lessEqual(constant(growAfter), add(good, 1))
  const kept = (old: Tensor, next: Tensor) => select(isGood, next, old)
  const after = [
    select(isGood, select(grows, minimum(mul(scale, 2), most), scale), maximum(mul(scale, 0.5), least)),
    select(isGood, select(grows, constant(0), add(good, 1)), constant(0)),
    kept(power1, next1),
    kept(power2, next2),
  ]
  const place = iota([LENGTH], 0)
  return {
    counts: isGood,
    unscaled: (gradient) => div(gradient, scale),
    corrections: {
      firstCorrection: div(constant(1), sub(constant(1), next1)),
      secondCorrection: div(constant(1), sqrt(sub(constant(1), next2))),
    },
    kept,
    update: {
      target: resident(),
      value: after.reduce<Tensor>((rest, value, i) => select(equal(place, i), value, rest), constant(0, [LENGTH])),
    },
  }
}

/** No sum of finite products is as large; a bound that is no special number cannot be reasoned away by a driver. */
const BOUND = 1e30
/** Elements one workgroup goes through. */
const MOST = 4096

/**
 * 1 where every element is finite, else 0, f32 []. Elements that are right are counted, since of NaN every comparison is
 * false. Large tensors are reduced in stages, for each stage is shared among as many workgroups as it has results.
 */
const allFinite = (gradient: Tensor): Tensor => {
  const right = cast(lessEqual(abs(gradient), BOUND), 'f32')
  const count = gradient.shape.reduce<number | undefined>(
    (n, d) => (n === undefined || typeof d !== 'number' ? undefined : n * d),
    1,
  )
  return count === undefined ? min(min(right, [1]), [0]) : inStages(reshape(right, [count]), count)
}

const inStages = (right: Tensor, count: number): Tensor => {
  const width = count <= MOST ? count : largestDivisor(count)
  return width === count || width === 1
    ? min(right, [0])
    : inStages(min(reshape(right, [count / width, width]), [1]), count / width)
}

const largestDivisor = (n: number): number => {
  for (let d = MOST; d > 1; d--) if (n % d === 0) return d
  return 1
}
