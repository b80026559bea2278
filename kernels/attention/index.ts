/**
 * Attention over packed projections, forward and backward. Software adapters with subgroups of eight get the kernels of
 * `subgroup*.ts`, all others those of `rows*.ts`.
 */
import type { Kernel, Target } from '../kernel.js'
import { planRows } from './rows.js'
import { rowsBackward } from './rows-backward.js'
import { rowsForward, rowsStatistics } from './rows-forward.js'
import type { AttentionSpec } from './spec.js'
import { LANES, planTile } from './subgroup.js'
import { subgroupBackward } from './subgroup-backward.js'
import { subgroupForward, subgroupStatistics } from './subgroup-forward.js'

export type { AttentionSpec } from './spec.js'

const bySubgroup = (target: Target) => target.adapterClass === 'software' && target.subgroupSize === LANES

/** out_i = Σ_j softmax_j(q_i·k_j / √d) v_j. Bindings: qkv [B, T, 3, H, d] → out [B, T, H, d]. */
export const attentionForward = (spec: AttentionSpec, target: Target): Kernel =>
  bySubgroup(target) ? subgroupForward(planTile(spec, 1, target)) : rowsForward(planRows(spec, target))

/** log Σ_j exp(q_i·k_j / √d), which the backward pass needs. Bindings: qkv [B, T, 3, H, d] → statistics [B, H, T]. */
export const attentionStatistics = (spec: AttentionSpec, target: Target): Kernel =>
  bySubgroup(target) ? subgroupStatistics(planTile(spec, 1, target)) : rowsStatistics(planRows(spec, target))

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
  bySubgroup(target) ? subgroupBackward(planTile(spec, 2, target)) : rowsBackward(planRows(spec, target))
