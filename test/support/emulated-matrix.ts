/**
 * Matrix kernels where there are no matrix units: WGSL's subgroup matrices replaced by plain code, all else of the text
 * as it is. A matrix of an operand is where it lies in workgroup memory; an accumulator is what of it one lane holds. So a
 * kernel's staging, addresses, and edges are run on any adapter; only the unit itself is not.
 */
import type { Kernel, MatrixUnit } from '../../kernels/kernel.js'

export const emulated = (kernel: Kernel, { m, n, k, subgroupSize }: MatrixUnit): Kernel => {
  const replaced = [
    [/enable f16;.*/, 'enable f16;'],
    [/requires subgroup_id;|diagnostic\(.*\);|enable subgroup_size_control;| @subgroup_size\(\d+\)/g, ''],
    [
      /, @builtin\(subgroup_id\).*\{/,
      `) { let subgroup = thread / ${subgroupSize}u; lane = thread % ${subgroupSize}u;`,
    ],
    [/subgroupMatrixLoad<subgroup_matrix_\w+<[^>]*>, row_major>\(&tile., /g, 'vec3u(1u, '],
    [/subgroupMatrixLoad<subgroup_matrix_\w+<[^>]*>, col_major>\(&tile., /g, 'vec3u(0u, '],
    [/subgroup_matrix_result<[^>]*>\(\)/g, 'Accumulator()'],
    [/subgroupMatrixMultiplyAccumulate/g, 'multiplyAccumulate'],
    [/subgroupMatrixStore<row_major>\(&(\w+), /g, 'store_$1('],
  ] as const
  const text = replaced.reduce((wgsl, [from, to]) => wgsl.replace(from, to), kernel.wgsl)
  const held = Math.ceil((m * n) / subgroupSize)
  const element = (matrix: string, row: string, column: string) =>
    `${matrix}.y * 4u + select(${column} * ${matrix}.z * 4u + ${row}, ${row} * ${matrix}.z * 4u + ${column}, ${matrix}.x == 1u)`
  const store = (name: string) => `fn store_${name}(at: u32, c: Accumulator, stride: u32) {
  for (var i = 0u; i < ${held}u * min(arrayLength(&A), 1u); i++) { let e = lane + i * ${subgroupSize}u; ${name}[at + e / ${n}u * stride + e % ${n}u] = c[i]; }
}`
  const functions = `
alias Accumulator = array<f32, ${held}>;
var<private> lane: u32;
fn of_A(e: u32) -> f32 { return f32(tileA[e / 4u][e % 4u]); }
fn of_B(e: u32) -> f32 { return f32(tileB[e / 4u][e % 4u]); }
fn multiplyAccumulate(a: vec3u, b: vec3u, before: Accumulator) -> Accumulator {
  var c = before;
  // Bounds that no compiler knows: unrolled, this would be the whole text many times over.
  let some = min(arrayLength(&A), 1u);
  for (var i = 0u; i < ${held}u * some; i++) {
    let e = lane + i * ${subgroupSize}u;
    for (var q = 0u; q < ${k}u * some; q++) {
      c[i] += of_A(${element('a', `(e / ${n}u)`, 'q')}) * of_B(${element('b', 'q', `(e % ${n}u)`)});
    }
  }
  return c;
}
${['C', 'staged']
  .filter((name) => text.includes(`store_${name}(`))
  .map(store)
  .join('\n')}`
  return { ...kernel, name: `${kernel.name}, emulated`, wgsl: `${text}\n${functions}` }
}
