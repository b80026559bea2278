/**
 * Matrix kernels where there are no matrix units: WGSL's subgroup matrices replaced by plain code, all else of the text
 * as it is. A matrix of an operand is where it lies in memory, or in a copy of that where it has a name that outlives it (a
 * letter and a number); an accumulator is what of it one lane holds. So a kernel's staging, addresses, and edges are run on
 * any adapter; only the unit itself is not.
 */
import type { Kernel, MatrixUnit } from '../../kernels/kernel.js'

export interface Emulation {
  /** f32 in place of f16: then nothing is rounded, and a result is off by what is wrong with it alone. */
  readonly unrounded?: boolean
}

interface Memory {
  readonly name: string
  /** Numbers of an element. */
  readonly each: 1 | 4
}

export const emulated = (
  kernel: Kernel,
  { m, n, k, subgroupSize }: MatrixUnit,
  { unrounded = false }: Emulation = {},
): Kernel => {
  const invocations = Number(/@workgroup_size\((\d+)\)/.exec(kernel.wgsl)?.[1])
  const copies = [...kernel.wgsl.matchAll(/^let ([a-z]\d+) = subgroupMatrixLoad/gm)].map(([, name]) => name!)
  const declared = [...kernel.wgsl.matchAll(/var<(?:workgroup|storage, read_write)> (\w+): array<(\w+)/g)]
  const memory: readonly Memory[] = [
    ...declared.map(([, name, type]): Memory => ({ name: name!, each: type!.startsWith('vec') ? 4 : 1 })),
    ...copies.map((name): Memory => ({ name: `copy_${name}`, each: 1 })),
  ]
  const numberOf = (name: string) => memory.findIndex((other) => other.name === name)
  /** A matrix in memory, from element `at` on: lines of rows, or of columns. */
  const matrix = (name: string, isRow: boolean, at: string, stride: string) =>
    `vec4u(${numberOf(name)}u, ${isRow ? 1 : 0}u, ${at}, ${stride})`
  const inMemory = (text: string): string =>
    text.replace(
      /subgroupMatrixLoad<subgroup_matrix_\w+<[^>]*>, (row|col)_major>\(&(\w+), /g,
      (_, lines: string, name: string) => `vec4u(${numberOf(name)}u, ${lines === 'row' ? 1 : 0}u, `,
    )
  const copied = (text: string): string =>
    text.replace(/^let ([a-z]\d+) = (subgroupMatrixLoad.*);$/gm, (_, name: string, load: string) =>
      [
        `{ let source = ${inMemory(load)};`,
        `for (var i = lane; i < ${m * k}u; i += ${subgroupSize}u) { copy_${name}[subgroup * ${m * k}u + i] = numberOf(source, i / ${k}u, i % ${k}u); } }`,
        'workgroupBarrier();',
        `let ${name} = ${matrix(`copy_${name}`, true, `subgroup * ${m * k}u`, `${k}u`)};`,
      ].join('\n'),
    )
  const replaced = [
    [/enable f16;.*/, 'enable f16;'],
    [/requires subgroup_id;|diagnostic\(.*\);|enable subgroup_size_control;| @subgroup_size\(\d+\)/g, ''],
    [
      /, @builtin\(subgroup_id\).*\{/,
      `) { let subgroup = thread / ${subgroupSize}u; lane = thread % ${subgroupSize}u; some = min(arrayLength(&${memory[0]!.name}), 1u);`,
    ],
    [/subgroup_matrix_result<[^>]*>\(\)/g, 'Accumulator()'],
    [/subgroupMatrixMultiplyAccumulate/g, 'multiplyAccumulate'],
    [/subgroupMatrixStore<row_major>\(&(\w+), /g, 'store_$1('],
    ...(unrounded
      ? ([
          [/\bvec4h\b/g, 'vec4f'],
          [/\bf16\b(?=[(>,])/g, 'f32'],
        ] as const)
      : []),
  ] as const
  const text = replaced.reduce((wgsl, [before, after]) => wgsl.replace(before, after), inMemory(copied(kernel.wgsl)))
  const held = Math.ceil((m * n) / subgroupSize)
  const stores = memory.map(({ name }) => ({
    called: `store_${name}(`,
    text: `fn store_${name}(at: u32, c: Accumulator, stride: u32) {
  for (var i = 0u; i < ${held}u * some; i++) { let e = lane + i * ${subgroupSize}u; if (e < ${m * n}u) { ${name}[at + e / ${n}u * stride + e % ${n}u] = c[i]; } }
}`,
  }))
  const elements = memory.map(
    ({ name, each }, i) =>
      `  if (x.x == ${i}u) { let e = x.z * ${each}u + select(column * x.w * ${each}u + row, row * x.w * ${each}u + column, x.y == 1u); return f32(${name}${each === 1 ? '[e]' : '[e / 4u][e % 4u]'}); }`,
  )
  const isSource = (i: number) => text.includes(`vec4u(${i}u, 0u, `) || text.includes(`vec4u(${i}u, 1u, `)
  // Loop bounds that no compiler knows: unrolled, this would be the whole text many times over.
  const functions = `
alias Accumulator = array<f32, ${held}>;
var<private> lane: u32;
var<private> some: u32;
${copies.map((name) => `var<workgroup> copy_${name}: array<f32, ${(invocations / subgroupSize) * m * k}>;`).join('\n')}
fn numberOf(x: vec4u, row: u32, column: u32) -> f32 {
${elements.filter((_, i) => isSource(i)).join('\n')}
  return 0.0;
}
fn multiplyAccumulate(a: vec4u, b: vec4u, before: Accumulator) -> Accumulator {
  var c = before;
  for (var i = 0u; i < ${held}u * some; i++) {
    let e = min(lane + i * ${subgroupSize}u, ${m * n - 1}u);
    for (var q = 0u; q < ${k}u * some; q++) { c[i] += numberOf(a, e / ${n}u, q) * numberOf(b, q, e % ${n}u); }
  }
  return c;
}
${stores
  .filter(({ called }) => text.includes(called))
  .map((store) => store.text)
  .join('\n')}`
  return { ...kernel, name: `${kernel.name}, emulated`, wgsl: `${text}\n${functions}` }
}
