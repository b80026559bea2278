/**
 * The elementwise primitives: one row each, with its value on float64 (the reference) and its WGSL text, which must work
 * on `f32` and on `vec4f` alike. Knows nothing of shapes.
 */

export interface UnaryRow {
  readonly evaluate: (x: number) => number
  readonly wgsl: (x: string) => string
}
export interface BinaryRow {
  readonly evaluate: (x: number, y: number) => number
  readonly wgsl: (x: string, y: string) => string
  /** What comes out: the type of the operands, or a truth value. */
  readonly result: 'same' | 'bool'
}

const sigmoid = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)))
const f32 = (row: UnaryRow): UnaryRow => row

/** f32 → f32 */
export const unary = {
  neg: f32({ evaluate: (x) => -x, wgsl: (x) => `(-${x})` }),
  abs: f32({ evaluate: Math.abs, wgsl: (x) => `abs(${x})` }),
  sign: f32({ evaluate: Math.sign, wgsl: (x) => `sign(${x})` }),
  exp: f32({ evaluate: Math.exp, wgsl: (x) => `exp(${x})` }),
  log: f32({ evaluate: Math.log, wgsl: (x) => `log(${x})` }),
  /** log(1 + x), exact near 0. */
  log1p: f32({ evaluate: Math.log1p, wgsl: (x) => `tg_log1p(${x})` }),
  sqrt: f32({ evaluate: Math.sqrt, wgsl: (x) => `sqrt(${x})` }),
  rsqrt: f32({ evaluate: (x) => 1 / Math.sqrt(x), wgsl: (x) => `inverseSqrt(${x})` }),
  reciprocal: f32({ evaluate: (x) => 1 / x, wgsl: (x) => `(1.0 / ${x})` }),
  sigmoid: f32({ evaluate: sigmoid, wgsl: (x) => `(1.0 / (1.0 + exp(-${x})))` }),
  /** log(1 + exp x), without overflow. */
  softplus: f32({
    evaluate: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    wgsl: (x) => `tg_softplus(${x})`,
  }),
} as const

export const binary = {
  add: { evaluate: (x, y) => x + y, wgsl: (x, y) => `(${x} + ${y})`, result: 'same' },
  sub: { evaluate: (x, y) => x - y, wgsl: (x, y) => `(${x} - ${y})`, result: 'same' },
  mul: { evaluate: (x, y) => x * y, wgsl: (x, y) => `(${x} * ${y})`, result: 'same' },
  div: { evaluate: (x, y) => x / y, wgsl: (x, y) => `(${x} / ${y})`, result: 'same' },
  max: { evaluate: Math.max, wgsl: (x, y) => `max(${x}, ${y})`, result: 'same' },
  min: { evaluate: Math.min, wgsl: (x, y) => `min(${x}, ${y})`, result: 'same' },
  /** Angle of (x, y) for x ≥ 0, and 0 at the origin (WGSL leaves that undefined). */
  atan2: { evaluate: Math.atan2, wgsl: (y, x) => `tg_atan2(${y}, ${x})`, result: 'same' },
  less: { evaluate: (x, y) => Number(x < y), wgsl: (x, y) => `(${x} < ${y})`, result: 'bool' },
  lessEqual: { evaluate: (x, y) => Number(x <= y), wgsl: (x, y) => `(${x} <= ${y})`, result: 'bool' },
  equal: { evaluate: (x, y) => Number(x === y), wgsl: (x, y) => `(${x} == ${y})`, result: 'bool' },
} as const satisfies Record<string, BinaryRow>

/** bool × bool → bool */
export const logical = {
  and: { evaluate: (x, y) => Number(x !== 0 && y !== 0), wgsl: (x, y) => `(${x} & ${y})`, result: 'bool' },
  or: { evaluate: (x, y) => Number(x !== 0 || y !== 0), wgsl: (x, y) => `(${x} | ${y})`, result: 'bool' },
} as const satisfies Record<string, BinaryRow>

export type UnaryName = keyof typeof unary
export type BinaryName = keyof typeof binary
export type LogicalName = keyof typeof logical

/** Functions the rows above call; a call is written `tg_log1p(`, and `widenCalls` picks the version for the operands' width. */
export const widenCalls = (text: string, width: 1 | 4): string =>
  text.replaceAll(/tg_(log1p|softplus|atan2)\(/g, `tg_$1_${width}(`)

/** WGSL of those functions on `f32` (width 1) or `vec4f` (width 4). */
export const preludeFunctions = (width: 1 | 4): string => {
  const t = width === 1 ? 'f32' : 'vec4f'
  return [
    `fn tg_log1p_${width}(x: ${t}) -> ${t} { let u = ${t}(1.0) + x; return select(log(u) * (x / (u - ${t}(1.0))), x, u == ${t}(1.0)); }`,
    `fn tg_softplus_${width}(x: ${t}) -> ${t} { return max(x, ${t}(0.0)) + tg_log1p_${width}(exp(-abs(x))); }`,
    `fn tg_atan2_${width}(y: ${t}, x: ${t}) -> ${t} { return select(atan2(y, x), ${t}(0.0), y == ${t}(0.0)); }`,
  ].join('\n')
}
