/**
 * Sums of rows by id: out[v] = Σ_{n: ids[n] = v} values[n]. Bindings: ids [N] (i32), values [N, D], out [V, D].
 * One invocation owns one element (or 4-vector) of the output and looks through all ids: no atomics, so the order of
 * addition, and the result, is always the same. Ids out of range match no row.
 */
import type { Kernel, Target } from './kernel.js'

export interface ScatterAddSpec {
  /** V */
  readonly rows: number
  /** N */
  readonly count: number
  /** D */
  readonly width: number
}

export const scatterAdd = ({ rows, count, width }: ScatterAddSpec, target: Target): Kernel => {
  const lanes = width % 4 === 0 ? 4 : 1
  const type = lanes === 4 ? 'vec4f' : 'f32'
  const columns = width / lanes
  const invocations = target.adapterClass === 'software' ? 8 : 64
  const workgroups = Math.ceil((rows * columns) / invocations)
  const x = Math.min(workgroups, target.maxWorkgroupsPerDimension)
  const wgsl = [
    '@group(0) @binding(0) var<storage, read_write> ids: array<i32>;',
    `@group(0) @binding(1) var<storage, read_write> values: array<${type}>;`,
    `@group(0) @binding(2) var<storage, read_write> out: array<${type}>;`,
    `@compute @workgroup_size(${invocations})`,
    'fn main(@builtin(global_invocation_id) invocation: vec3u) {',
    `let i = invocation.x + invocation.y * ${x * invocations}u;`,
    `if (i >= ${rows * columns}u) { return; }`,
    `let row = i32(i / ${columns}u); let column = i % ${columns}u;`,
    `var sum = ${type}();`,
    `for (var n = 0u; n < ${count}u; n++) { if (ids[n] == row) { sum += values[n * ${columns}u + column]; } }`,
    'out[i] = sum;',
    '}',
  ].join('\n')
  return {
    name: `scatterAdd [${count},${width}] → [${rows},${width}]`,
    wgsl,
    bindings: 3,
    workgroups: [x, Math.ceil(workgroups / x), 1],
  }
}
