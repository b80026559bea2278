/**
 * Attention over packed projections, forward and backward. What may be rounded to f16 gets the kernels of `matrix*.ts` where
 * there are matrix units; software adapters with subgroups of eight get those of `subgroup*.ts`, all others `rows*.ts`.
 */
import type { Kernel, Target } from '../kernel.js'
import { planMatrix } from './matrix.js'
import { matrixKeyBackward, matrixQueryBackward } from './matrix-backward.js'
import { matrixForward, matrixStatistics } from './matrix-forward.js'
import { planRows } from './rows.js'
import { rowsBackward } from './rows-backward.js'
import { rowsForward, rowsStatistics } from './rows-forward.js'
import type { AttentionSpec } from './spec.js'
import { LANES, planTile } from './subgroup.js'
import { subgroupBackward } from './subgroup-backward.js'
import { subgroupForward, subgroupStatistics } from './subgroup-forward.js'

export type { AttentionSpec } from './spec.js'

const bySubgroup = (target: Target) => target.adapterClass === 'software' && target.subgroupSize === LANES

/** Plans of all its kernels, where all can be on matrix units. */
const matrixPlans = (spec: AttentionSpec, target: Target) => {
  const [forward, statistics, queries, keys] = ([1, 0, 1, 2] as const).map((n) => planMatrix(spec, n, target))
  return forward && statistics && queries && keys && { forward, statistics, queries, keys }
}

/** Whether matrix units compute it: then the projections may lie in memory as f16. */
export const isOnMatrixUnits = (spec: AttentionSpec, target: Target): boolean => matrixPlans(spec, target) !== undefined

/** The family that suits it; each kernel is written when it is asked for. */
const familyOf = (spec: AttentionSpec, target: Target) => {
  const plans = matrixPlans(spec, target)
  if (plans !== undefined)
    return {
      forward: () => matrixForward(plans.forward),
      statistics: () => matrixStatistics(plans.statistics),
      backward: () => [matrixQueryBackward(plans.queries), matrixKeyBackward(plans.keys)],
    }
  if (bySubgroup(target))
    return {
      forward: () => subgroupForward(planTile(spec, 1, target)),
      statistics: () => subgroupStatistics(planTile(spec, 1, target)),
      backward: () => subgroupBackward(planTile(spec, 2, target)),
    }
  const plan = planRows(spec, target)
  return {
    forward: () => rowsForward(plan),
    statistics: () => rowsStatistics(plan),
    backward: () => rowsBackward(plan),
  }
}

/** out_i = Σ_j softmax_j(q_i·k_j / √d) v_j. Bindings: qkv [B, T, 3, H, d] → out [B, T, H, d]. */
export const attentionForward = (spec: AttentionSpec, target: Target): Kernel => familyOf(spec, target).forward()

/** log Σ_j exp(q_i·k_j / √d), which the backward pass needs. Bindings: qkv [B, T, 3, H, d] → statistics [B, H, T]. */
export const attentionStatistics = (spec: AttentionSpec, target: Target): Kernel => familyOf(spec, target).statistics()

/**
 * With p_ij = exp(q_i·k_j/√d − lse_i) and delta_i = out_i·dOut_i:
 *
 *      ds_ij = p_ij (dOut_i·v_j − delta_i) / √d
 *      dq_i = Σ_j ds_ij k_j      dk_j = Σ_i ds_ij q_i      dv_j = Σ_i p_ij dOut_i
 *
 * Several kernels with the same bindings (qkv, dOut [B, T, H, d], lse [B, H, T], delta [B, H, T] → dQkv [B, T, 3, H, d]),
 * which may run in any order: each writes a part of dQkv, together they write all of it. Scores are computed again in
 * each; nothing is added atomically.
 */
export const attentionBackward = (spec: AttentionSpec, target: Target): readonly Kernel[] =>
  familyOf(spec, target).backward()

/** All of an attention: what it gives, its statistics, and its derivatives. */
export interface AttentionKernels {
  readonly forward: Kernel
  readonly statistics: Kernel
  readonly backward: readonly Kernel[]
}

export const attentionKernels = (spec: AttentionSpec, target: Target): AttentionKernels => {
  const { forward, statistics, backward } = familyOf(spec, target)
  return { forward: forward(), statistics: statistics(), backward: backward() }
}
