/**
 * Matmul for GPUs: a square tile of C a workgroup, the operands' tiles in workgroup memory, 4×4 elements an invocation.
 *
 *      As [depth][tile]   ┌────────┐ Bs [depth][tile]      both tiles have k slow, so that an invocation reads one
 *                         │        │                       4-vector of each a step and adds their outer product
 *            ┌──┐         ├────────┤
 *            │  │   ·     │ C tile │  threads (tile/4)²
 *            └──┘         └────────┘
 *
 * Loads run along the fast axis of each operand. Edges load zeros and are not stored.
 */
import type { Kernel, Target } from '../kernel.js'
import { batchStrides, bindingCount, declareOperands, type MatmulSpec, nameOf, storeResult, tileGrid } from './spec.js'

const range = (n: number) => Array.from({ length: n }, (_, i) => i)

export const tiledMatmul = (
  spec: MatmulSpec,
  { tile, depth }: { readonly tile: 32 | 64; readonly depth: 8 | 16 },
  target: Target,
): Kernel => {
  const { layout, m, n, k } = spec
  const across = tile / 4
  const invocations = across * across
  const wide = n % 4 === 0
  const strides = batchStrides(spec)
  const loads = (tile * depth) / invocations
  // A tile element t: along k when k is the operand's fast axis, along m or n otherwise.
  const fastK = { a: layout !== 'tn', b: layout === 'nt' }
  const place = (isFastK: boolean, t: string) =>
    isFastK
      ? { kk: `(${t} % ${depth}u)`, other: `(${t} / ${depth}u)` }
      : { kk: `(${t} / ${tile}u)`, other: `(${t} % ${tile}u)` }
  const load = (name: 'A' | 'B', i: number): string => {
    const isA = name === 'A'
    const [size, first, base] = isA ? [m, 'row0', 'aStart'] : [n, 'column0', 'bStart']
    const t = `t${i}`
    const { kk, other } = place(isA ? fastK.a : fastK.b, t)
    const isFastK = isA ? fastK.a : fastK.b
    const x = `x${i}`
    const y = `y${i}`
    const address = isFastK ? `${base} + ${x} * ${k}u + ${y}` : `${base} + ${y} * ${size}u + ${x}`
    const guards = [...(size % tile === 0 ? [] : [`${x} < ${size}u`]), ...(k % depth === 0 ? [] : [`${y} < ${k}u`])]
    const safe =
      guards.length === 0
        ? `${name}[${address}]`
        : `select(0.0, ${name}[min(${address}, ${base} + ${size * k - 1}u)], ${guards.join(' && ')})`
    return `{ let ${t} = thread + ${i * invocations}u; let ${x} = ${first} + ${other}; let ${y} = k0 + ${kk}; ${name}s[${kk} * ${across}u + ${other} / 4u][${other} % 4u] = ${safe}; }`
  }
  const stores = range(4).map((i) => {
    const row = `row0 + ty * 4u + ${i}u`
    const guard = m % tile === 0 ? [] : [`${row} < ${m}u`]
    if (wide) {
      const column = `column0 / 4u + tx`
      const guards = n % tile === 0 ? guard : [...guard, `${column} < ${n / 4}u`]
      const store = storeResult(spec, `(cStart + (${row}) * ${n}u) / 4u + ${column}`, `s${i}`, 4)
      return guards.length === 0 ? store : `if (${guards.join(' && ')}) { ${store} }`
    }
    return range(4)
      .map((q) => {
        const column = `column0 + tx * 4u + ${q}u`
        const store = storeResult(spec, `cStart + (${row}) * ${n}u + ${column}`, `s${i}[${q}]`, 1)
        return `if (${[...guard, `${column} < ${n}u`].join(' && ')}) { ${store} }`
      })
      .join(' ')
  })
  const wgsl = [
    declareOperands(spec, { a: 'f32', b: 'f32', c: wide ? 'vec4f' : 'f32' }),
    `var<workgroup> As: array<vec4f, ${depth * across}>;`,
    `var<workgroup> Bs: array<vec4f, ${depth * across}>;`,
    `@compute @workgroup_size(${invocations})`,
    'fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) thread: u32) {',
    `let row0 = workgroup.y * ${tile}u; let column0 = workgroup.x * ${tile}u;`,
    `let aStart = workgroup.z * ${strides.a}u; let bStart = workgroup.z * ${strides.b}u; let cStart = workgroup.z * ${strides.c}u;`,
    `let tx = thread % ${across}u; let ty = thread / ${across}u;`,
    ...range(4).map((i) => `var s${i} = vec4f();`),
    `for (var k0 = 0u; k0 < ${k}u; k0 += ${depth}u) {`,
    ...range(loads).map((i) => load('A', i)),
    ...range(loads).map((i) => load('B', i)),
    'workgroupBarrier();',
    `for (var kk = 0u; kk < ${depth}u; kk++) {`,
    `let a = As[kk * ${across}u + ty]; let b = Bs[kk * ${across}u + tx];`,
    ...range(4).map((i) => `s${i} += a[${i}] * b;`),
    '}',
    'workgroupBarrier();',
    '}',
    ...stores,
    '}',
  ].join('\n')
  return {
    name: nameOf(spec, `tiled ${tile}×${depth}`),
    wgsl,
    bindings: bindingCount(spec),
    workgroups: tileGrid(target, Math.ceil(n / tile), Math.ceil(m / tile), spec.batch),
  }
}
