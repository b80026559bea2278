/**
 * Matmul that asks nothing of the adapter: every invocation keeps `rows` rows of four (or one) columns in registers and
 * walks along k. The fall-back for software adapters without subgroups of 8 lanes (SwiftShader).
 */
import type { Kernel, Target } from '../kernel.js'
import { batchStrides, bindingCount, declareOperands, type MatmulSpec, nameOf, storeResult, tileGrid } from './spec.js'

const INVOCATIONS = 16
const range = (n: number) => Array.from({ length: n }, (_, i) => i)

export const plainMatmul = (spec: MatmulSpec, { rows }: { readonly rows: 4 | 8 }, target: Target): Kernel => {
  const { layout, m, n, k } = spec
  const wide = layout !== 'nt' && n % 4 === 0
  const width = wide ? 4 : 1
  const strides = batchStrides(spec)
  const a = (r: number) => (layout === 'tn' ? `A[aStart + k * ${m}u + row${r}]` : `A[aStart + row${r} * ${k}u + k]`)
  const b = wide
    ? `B[(bStart + k * ${n}u) / 4u + column]`
    : layout === 'nt'
      ? `B[bStart + column * ${k}u + k]`
      : `B[bStart + k * ${n}u + column]`
  const address = (r: number) =>
    wide ? `(cStart + (row + ${r}u) * ${n}u) / 4u + column` : `cStart + (row + ${r}u) * ${n}u + column`
  const wgsl = [
    declareOperands(spec, { a: 'f32', b: wide ? 'vec4f' : 'f32', c: wide ? 'vec4f' : 'f32' }),
    `@compute @workgroup_size(${INVOCATIONS})`,
    'fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {',
    `let column = workgroup.x * ${INVOCATIONS}u + lane;`,
    `if (column >= ${n / width}u) { return; }`,
    `let row = workgroup.y * ${rows}u;`,
    `let aStart = workgroup.z * ${strides.a}u; let bStart = workgroup.z * ${strides.b}u; let cStart = workgroup.z * ${strides.c}u;`,
    ...range(rows).map((r) => `let row${r} = min(row + ${r}u, ${m - 1}u); var s${r} = ${wide ? 'vec4f()' : '0.0'};`),
    `for (var k = 0u; k < ${k}u; k++) {`,
    `let b = ${b};`,
    ...range(rows).map((r) => `s${r} += ${a(r)} * b;`),
    '}',
    ...range(rows).map((r) => `if (row + ${r}u < ${m}u) { ${storeResult(spec, address(r), `s${r}`, width)} }`),
    '}',
  ].join('\n')
  return {
    name: nameOf(spec, `plain ${rows}`),
    wgsl,
    bindings: bindingCount(spec),
    workgroups: tileGrid(target, Math.ceil(n / width / INVOCATIONS), Math.ceil(m / rows), spec.batch),
  }
}
