/**
 * Replaces rows of a table in place: table[ids[n]] = values[n]. Bindings: ids [N] (i32), values [N, D], table [V, D].
 * Equal ids must carry equal rows: then it does not matter which of them is written last. Ids out of range are ignored.
 */
import type { Kernel, Target } from './kernel.js'

export interface ScatterRowsSpec {
  /** V */
  readonly rows: number
  /** N */
  readonly count: number
  /** D */
  readonly width: number
}

export const scatterRows = ({ rows, count, width }: ScatterRowsSpec, target: Target): Kernel => {
  const invocations = target.adapterClass === 'software' ? 8 : 64
  const workgroups = Math.ceil((count * width) / invocations)
  const x = Math.min(workgroups, target.maxWorkgroupsPerDimension)
  const wgsl = [
    '@group(0) @binding(0) var<storage, read_write> ids: array<i32>;',
    '@group(0) @binding(1) var<storage, read_write> values: array<f32>;',
    '@group(0) @binding(2) var<storage, read_write> table: array<f32>;',
    `@compute @workgroup_size(${invocations})`,
    'fn main(@builtin(global_invocation_id) invocation: vec3u) {',
    `let i = invocation.x + invocation.y * ${x * invocations}u;`,
    `if (i >= ${count * width}u) { return; }`,
    `let id = ids[i / ${width}u];`,
    `if (id >= 0 && id < ${rows}) { table[u32(id) * ${width}u + i % ${width}u] = values[i]; }`,
    '}',
  ].join('\n')
  return {
    name: `scatterRows [${count},${width}] → [${rows},${width}]`,
    wgsl,
    bindings: 3,
    workgroups: [x, Math.ceil(workgroups / x), 1],
  }
}
