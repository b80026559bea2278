/**
 * The elementwise primitives: one row each, with its value on float64 (the reference) and its WGSL text, which must work
 * on `f32` and on `vec4f` alike. Knows nothing of shapes.
 */
import { uniformAt, uniformText } from './random.js'

export interface UnaryRow {
  readonly evaluate: (x: number) => number
  readonly wgsl: (x: string) => string
}
export interface BinaryRow {
  readonly evaluate: (x: number, y: number) => number
  readonly wgsl: (x: string, y: string) => string
  /** What comes out: the type of the operands, a truth value, or f32 whatever goes in. */
  readonly result: 'same' | 'bool' | 'f32'
}

/** Of a logit, the probability. */
export const logistic = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)))
const f32 = (row: UnaryRow): UnaryRow => row

/** M. Giles, Approximating the erfinv function (2010): polynomials in w = −log(1 − x²), 1e-7 relative. Highest power first. */
const central = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164,
  0.246640727, 1.50140941,
]
const tail = [
  -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
  1.00167406, 2.83297682,
]
const horner = (coefficients: readonly number[], x: number): number => coefficients.reduce((p, c) => c + p * x, 0)
const erfinv = (x: number): number => {
  const w = -Math.log((1 - x) * (1 + x))
  return x * (w < 5 ? horner(central, w - 2.5) : horner(tail, Math.sqrt(w) - 3))
}

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
  sigmoid: f32({ evaluate: logistic, wgsl: (x) => `(1.0 / (1.0 + exp(-${x})))` }),
  /** log(1 + exp x), without overflow. */
  softplus: f32({
    evaluate: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    wgsl: (x) => `tg_softplus(${x})`,
  }),
  /** The inverse of the error function, on (−1, 1). */
  erfinv: f32({ evaluate: erfinv, wgsl: (x) => `tg_erfinv(${x})` }),
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
  /** (key, counter), both i32 → uniform in (−1, 1): see `random.ts`. */
  uniform: { evaluate: uniformAt, wgsl: (key, counter) => `tg_uniform(${key}, ${counter})`, result: 'f32' },
  less: { evaluate: (x, y) => Number(x < y), wgsl: (x, y) => `(${x} < ${y})`, result: 'bool' },
  lessEqual: { evaluate: (x, y) => Number(x <= y), wgsl: (x, y) => `(${x} <= ${y})`, result: 'bool' },
  equal: { evaluate: (x, y) => Number(x === y), wgsl: (x, y) => `(${x} == ${y})`, result: 'bool' },
} as const satisfies Record<string, BinaryRow>

/** What a device computes of two values: whole numbers wrap at 32 bits, and are divided as WGSL has it. */
export const binaryOf = (name: BinaryName, isWhole: boolean): ((x: number, y: number) => number) =>
  (isWhole ? wholes[name as keyof typeof wholes] : undefined) ?? binary[name].evaluate

const wholes = {
  add: (x: number, y: number) => (x + y) | 0,
  sub: (x: number, y: number) => (x - y) | 0,
  mul: Math.imul,
  div: (x: number, y: number) => (y === 0 ? x : (x / y) | 0),
}

/** bool × bool → bool */
export const logical = {
  and: { evaluate: (x, y) => Number(x !== 0 && y !== 0), wgsl: (x, y) => `(${x} & ${y})`, result: 'bool' },
  or: { evaluate: (x, y) => Number(x !== 0 || y !== 0), wgsl: (x, y) => `(${x} | ${y})`, result: 'bool' },
} as const satisfies Record<string, BinaryRow>

export type UnaryName = keyof typeof unary
export type BinaryName = keyof typeof binary
export type LogicalName = keyof typeof logical

/** WGSL of the functions that the rows above call, on `f32` (width 1) or `vec4f` (width 4); each may call those before it. */
const functions: Readonly<Record<string, (width: 1 | 4, type: string) => string>> = {
  log1p: (w, t) =>
    `fn tg_log1p_${w}(x: ${t}) -> ${t} { let u = ${t}(1.0) + x; return select(log(u) * (x / (u - ${t}(1.0))), x, u == ${t}(1.0)); }`,
  softplus: (w, t) =>
    `fn tg_softplus_${w}(x: ${t}) -> ${t} { return max(x, ${t}(0.0)) + tg_log1p_${w}(exp(-abs(x))); }`,
  atan2: (w, t) =>
    `fn tg_atan2_${w}(y: ${t}, x: ${t}) -> ${t} { return select(atan2(y, x), ${t}(0.0), y == ${t}(0.0)); }`,
  erfinv: (w, t) => {
    const polynomial = (coefficients: readonly number[], x: string) =>
      coefficients.slice(1).reduce((p, c) => `fma(${p}, ${x}, ${t}(${c}))`, `${t}(${coefficients[0]})`)
    return [
      `fn tg_erfinv_${w}(x: ${t}) -> ${t} {`,
      `  let w = -log((${t}(1.0) - x) * (${t}(1.0) + x));`,
      `  let a = w - ${t}(2.5);`,
      `  let b = sqrt(max(w, ${t}(5.0))) - ${t}(3.0);`,
      `  return x * select(${polynomial(tail, 'b')}, ${polynomial(central, 'a')}, w < ${t}(5.0));`,
      '}',
    ].join('\n')
  },
  uniform: uniformText,
}

/** A call is written `tg_log1p(`; this picks the version for the operands' width. */
export const widenCalls = (text: string, width: 1 | 4): string =>
  text.replaceAll(/tg_([a-z0-9]+)\(/g, `tg_$1_${width}(`)

/** WGSL of the functions of one width that a kernel's text calls, and of those that they call. */
export const preludeFunctions = (text: string, width: 1 | 4): string =>
  Object.entries(functions).reduceRight((prelude, [name, write]) => {
    const isCalled = `${prelude}${text}`.includes(`tg_${name}_${width}(`)
    return isCalled ? `${write(width, width === 1 ? 'f32' : 'vec4f')}\n${prelude}` : prelude
  }, '')
