/**
 * From graph nodes to WGSL expressions: the value of a node at given coordinates, computed in place from what is stored in
 * memory. Views vanish into the coordinates. A value is a scalar, or a 4-vector when its coordinates run along the
 * vectorised variable. Statements go to the loop body, or before the loop when they do not depend on it.
 */
import { binary, type DType, logical, type Tensor, unary, widenCalls } from '../ir/index.js'
import {
  addIndex,
  constantIndex,
  type Index,
  indexAlignment,
  indexKey,
  indexMax,
  indexMin,
  laneStep,
  linearIndex,
  renderIndex,
  usesVariable,
  variable,
} from './index-algebra.js'
import { ALIGNMENT } from './memory.js'
import { elementCount, type Place, placeOf, sizes } from './storage.js'
import { viewCoordinates } from './walk.js'

export interface Value {
  readonly text: string
  readonly width: 1 | 4
  readonly dtype: DType
  /** Whether it changes within the loop that is being written. */
  readonly inner: boolean
}

/** Thrown when four lanes do not follow a straight line; the caller writes the kernel with scalars instead. */
export class NotVectorisable extends Error {}

/** One stored tensor a kernel touches, and how. */
export interface Binding {
  readonly base: Tensor
  readonly offset: number
  readonly elements: number
  vector: boolean
}

export interface Emitter {
  readonly emit: (node: Tensor, coordinates: readonly Index[]) => Value
  /** Gives a reduction's result a name once it is known. */
  readonly define: (node: Tensor, coordinates: readonly Index[], value: Value) => void
  readonly store: (base: Tensor, address: Index, value: Value) => string
  /** Statements of the loop body written so far; forgets the values that belonged to it. */
  readonly takeInner: () => readonly string[]
  readonly takeOuter: () => readonly string[]
  readonly bindings: readonly Binding[]
  readonly declarations: () => string
  /** Whether the declarations have the type f16. */
  readonly usesF16: () => boolean
}

const scalarType: Record<DType, string> = { f32: 'f32', i32: 'i32', bool: 'bool' }
const memoryType: Record<DType, string> = { f32: 'f32', i32: 'i32', bool: 'u32' }
const wgslType = (dtype: DType, width: 1 | 4) => (width === 1 ? scalarType[dtype] : `vec4<${scalarType[dtype]}>`)

export const numberText = (value: number, dtype: DType): string => {
  if (dtype === 'bool') return value !== 0 ? 'true' : 'false'
  if (dtype === 'i32') return value <= -2147483648 ? 'i32(-2147483647 - 1)' : `${Math.trunc(value)}i`
  const single = Math.fround(Math.max(-3.4028234663852886e38, Math.min(3.4028234663852886e38, value)))
  const text = String(single)
  return /[.e]/.test(text) ? `${text}f`.replace(/^-(.*)$/, '(-$1)') : `${text}.0`.replace(/^-(.*)$/, '(-$1)')
}

export interface EmitterOptions {
  /** Nodes read from memory (roots computed by other kernels); leaves always are. */
  readonly isStored: (node: Tensor) => boolean
  /** Memory larger than this is bound in the parts that are read. */
  readonly maxBindingBytes: number
  readonly isInnerVariable: (name: string) => boolean
  /** The value at an address of `base` where it is known without a load. */
  readonly given?: (base: Tensor, address: Index) => Value | undefined
  /** Stored tensors that are kept in f16: their numbers are rounded on the way to memory. */
  readonly isHalf?: (base: Tensor) => boolean
  /** The number of its first binding: others may come before. */
  readonly firstBinding?: number
}

export const createEmitter = ({
  isStored,
  maxBindingBytes,
  isInnerVariable,
  given,
  isHalf = () => false,
  firstBinding = 0,
}: EmitterOptions): Emitter => {
  const bindings: Binding[] = []
  const bindingOf = (base: Tensor, offset: number, elements: number): number => {
    const found = bindings.findIndex((b) => b.base === base && b.offset === offset && b.elements === elements)
    return found >= 0 ? found : bindings.push({ base, offset, elements, vector: false }) - 1
  }
  const numbers = new Map<Tensor, number>()
  const numberOf = (node: Tensor) => numbers.get(node) ?? numbers.set(node, numbers.size).get(node)!
  let outer: string[] = []
  let inner: string[] = []
  const outerValues = new Map<string, Value>()
  const innerValues = new Map<string, Value>()
  let names = 0

  const keyOf = (node: Tensor, at: readonly Index[]) => `${numberOf(node)}@${at.map(indexKey).join(';')}`
  const remember = (key: string, value: Value): Value => {
    ;(value.inner ? innerValues : outerValues).set(key, value)
    return value
  }
  const bind = (expression: string, width: 1 | 4, dtype: DType, isInner: boolean): Value => {
    const text = `t${names++}`
    ;(isInner ? inner : outer).push(`let ${text} = ${expression};`)
    return { text, width, dtype, inner: isInner }
  }
  const splat = (v: Value, width: 1 | 4): string => (v.width === width ? v.text : `${wgslType(v.dtype, 4)}(${v.text})`)
  const combine = (dtype: DType, inputs: readonly Value[], text: (operands: readonly string[]) => string): Value => {
    const width = inputs.some((v) => v.width === 4) ? 4 : 1
    return bind(
      widenCalls(text(inputs.map((v) => splat(v, width))), width),
      width,
      dtype,
      inputs.some((v) => v.inner),
    )
  }
  /** Index variables made within the loop (clamped coordinates, gathered ids). */
  const innerIndexes = new Set<string>()
  const isInnerAt = (index: Index) => usesVariable(index, (n) => isInnerVariable(n) || innerIndexes.has(n))
  const step = (index: Index): number => {
    const s = laneStep(index)
    if (s === undefined) throw new NotVectorisable()
    return s
  }

  const load = (place: Place, dtype: DType, at: Index): Value => {
    const known = given?.(place.base, addIndex(at, constantIndex(place.offset)))
    if (known !== undefined) return known
    // A part begins where a binding may; otherwise the whole is refused for its size.
    const whole = elementCount(place.base) * 4 <= maxBindingBytes || (place.offset * 4) % ALIGNMENT !== 0
    const k = whole
      ? bindingOf(place.base, 0, elementCount(place.base))
      : bindingOf(place.base, place.offset, place.elements)
    const address = whole ? addIndex(at, constantIndex(place.offset)) : at
    const s = step(address)
    const e = renderIndex(address)
    const isInner = isInnerAt(address)
    const truth = dtype === 'bool'
    if (s === 0) return bind(truth ? `load_${k}(${e}) != 0u` : `load_${k}(${e})`, 1, dtype, isInner)
    if (s === 1 && indexAlignment(address) % 4 === 0) {
      bindings[k]!.vector = true
      return bind(truth ? `load4_${k}(${e}) != vec4u(0u)` : `load4_${k}(${e})`, 4, dtype, isInner)
    }
    const lanes = [0, 1, 2, 3].map((lane) => `load_${k}(${e} + ${lane * s}u)${truth ? ' != 0u' : ''}`)
    return bind(`${wgslType(dtype, 4)}(${lanes.join(', ')})`, 4, dtype, isInner)
  }

  const emit = (node: Tensor, at: readonly Index[]): Value => {
    const key = keyOf(node, at)
    const known = outerValues.get(key) ?? innerValues.get(key)
    if (known !== undefined) return known
    const place = placeOf(node, isStored)
    return remember(
      key,
      place !== undefined ? load(place, node.dtype, linearIndex(at, sizes(node))) : compute(node, at),
    )
  }

  /** Values that are zero because their coordinates lie outside of what was padded. */
  const zeros = new Set<string>()
  const isZero = ({ text }: Value) => zeros.has(text)
  const indexValue = (v: Value, size: number): Index => {
    if (v.width !== 1) throw new NotVectorisable()
    const clamped = bind(`u32(clamp(${v.text}, 0i, ${size - 1}i))`, 1, 'i32', v.inner)
    if (v.inner) innerIndexes.add(clamped.text)
    return variable(clamped.text, size)
  }
  const compute = (node: Tensor, at: readonly Index[]): Value => {
    const { op, inputs, dtype } = node
    const input = (i: number) => inputs[i]!
    const here = (i: number) => emit(input(i), at)
    switch (op.kind) {
      case 'constant':
        return { text: numberText(op.value, dtype), width: 1, dtype, inner: false }
      case 'iota': {
        const index = at[op.axis]!
        const s = step(index)
        const base = `i32(${renderIndex(index)})`
        return s === 0
          ? bind(base, 1, 'i32', isInnerAt(index))
          : bind(`vec4i(${base}) + vec4i(0i, ${s}i, ${2 * s}i, ${3 * s}i)`, 4, 'i32', isInnerAt(index))
      }
      case 'unary':
        return combine(dtype, [here(0)], ([x]) => unary[op.name].wgsl(x!))
      case 'binary': {
        const [x, y] = [here(0), here(1)]
        // What a pad left of a sum that joins parts.
        if (op.name === 'add' && isZero(x)) return y
        if (op.name === 'add' && isZero(y)) return x
        return combine(dtype, [x, y], ([a, b]) => binary[op.name].wgsl(a!, b!))
      }
      case 'logical':
        return combine(dtype, [here(0), here(1)], ([x, y]) => logical[op.name].wgsl(x!, y!))
      case 'not':
        return combine(dtype, [here(0)], ([x]) => `(!${x})`)
      case 'cast': {
        const x = here(0)
        if (dtype === 'bool')
          return combine(dtype, [x], ([v]) => `(${v} != ${wgslType(x.dtype, x.width)}(${numberText(0, x.dtype)}))`)
        return combine(dtype, [x], ([v]) => `${wgslType(dtype, x.width)}(${v})`)
      }
      case 'select':
        return combine(dtype, [here(0), here(1), here(2)], ([c, a, b]) => `select(${b}, ${a}, ${c})`)
      case 'stopGradient':
        return here(0)
      case 'broadcast':
      case 'reshape':
      case 'transpose':
      case 'slice':
        return emit(input(0), viewCoordinates(node, at))
      case 'pad':
        return padded(node, at)
      case 'gather': {
        const [table, ids] = [input(0), input(1)]
        const id = emit(ids, at.slice(0, ids.shape.length))
        return emit(table, [indexValue(id, sizes(table)[0]!), ...at.slice(ids.shape.length)])
      }
      default:
        throw new Error(`emit: ${op.kind} is not computed in place; it should have been stored`)
    }
  }

  /** By a name: WGSL refuses to evaluate 1 / 0 written out. */
  const zero = (dtype: DType): Value => {
    const value = bind(numberText(0, dtype), 1, dtype, false)
    zeros.add(value.text)
    return value
  }
  /** Zero outside, the input's value inside; coordinates are clamped so that the load is always in bounds. */
  const padded = (node: Tensor, at: readonly Index[]): Value => {
    if (node.op.kind !== 'pad') throw new Error('padded: not a pad')
    const { low } = node.op
    const [source] = node.inputs
    const from = sizes(source!)
    if (at.some((c, i) => indexMax(c) < low[i]! || indexMin(c) >= low[i]! + from[i]!)) return zero(node.dtype)
    const conditions: Value[] = []
    const to = at.map((c, i): Index => {
      const before = low[i]!
      const size = from[i]!
      if (indexMin(c) >= before && indexMax(c) < before + size) return addIndex(c, constantIndex(-before))
      const s = step(c)
      // Along the vector the cuts must fall between vectors, so that four lanes are all in or all out.
      if (s !== 0 && (s !== 1 || before % 4 !== 0 || size % 4 !== 0 || indexAlignment(c) % 4 !== 0))
        throw new NotVectorisable()
      const isInner = isInnerAt(c)
      const shifted = bind(`${renderIndex(c)} - ${before}u`, 1, 'i32', isInner)
      conditions.push(bind(`${shifted.text} < ${size}u`, 1, 'bool', isInner))
      const clamped = bind(`min(${shifted.text}, ${s === 0 ? size - 1 : size - 4}u)`, 1, 'i32', isInner)
      if (isInner) innerIndexes.add(clamped.text)
      return variable(clamped.text, size, s === 0 ? 1 : 4, s === 0 ? 0 : 1)
    })
    const value = emit(source!, to)
    if (conditions.length === 0) return value
    const condition = conditions.map((c) => c.text).join(' && ')
    const outside = `${wgslType(value.dtype, value.width)}(${numberText(0, value.dtype)})`
    return bind(
      `select(${outside}, ${value.text}, ${condition})`,
      value.width,
      value.dtype,
      value.inner || conditions.some((c) => c.inner),
    )
  }

  return {
    emit,
    define: (node, at, value) => void remember(keyOf(node, at), value),
    store: (base, address, value) => {
      const k = bindingOf(base, 0, elementCount(base))
      const e = renderIndex(address)
      const s = step(address)
      const isBool = value.dtype === 'bool'
      if (s === 0) return `store_${k}(${e}, ${isBool ? `select(0u, 1u, ${splat(value, 1)})` : splat(value, 1)});`
      if (s !== 1 || indexAlignment(address) % 4 !== 0) throw new NotVectorisable()
      bindings[k]!.vector = true
      const v = splat(value, 4)
      return `store4_${k}(${e}, ${isBool ? `select(vec4u(0u), vec4u(1u), ${v})` : v});`
    },
    takeInner: () => {
      const taken = inner
      inner = []
      innerValues.clear()
      return taken
    },
    takeOuter: () => {
      const taken = outer
      outer = []
      return taken
    },
    bindings,
    declarations: () => bindings.map((b, k) => declare(b, k, firstBinding + k, isHalf(b.base))).join('\n'),
    usesF16: () => bindings.some(({ base }) => isHalf(base)),
  }
}

/** The binding and its access functions; loads of one lane out of a vector array keep the array's type. */
const declare = ({ base, vector }: Binding, k: number, binding: number, isHalf: boolean): string => {
  const t = memoryType[base.dtype]
  const kept = isHalf ? 'f16' : t
  const element = vector ? `vec4<${kept}>` : kept
  const scalar = vector ? `b${k}[e / 4u][e % 4u]` : `b${k}[e]`
  const loaded = (x: string, width: 1 | 4) => (isHalf ? `${wgslType(base.dtype, width)}(${x})` : x)
  const stored = (width: 1 | 4) => (isHalf ? `${width === 1 ? 'f16' : 'vec4<f16>'}(x)` : 'x')
  return [
    `@group(0) @binding(${binding}) var<storage, read_write> b${k}: array<${element}>;`,
    `fn load_${k}(e: u32) -> ${t} { return ${loaded(scalar, 1)}; }`,
    `fn store_${k}(e: u32, x: ${t}) { ${scalar} = ${stored(1)}; }`,
    ...(vector
      ? [
          `fn load4_${k}(e: u32) -> vec4<${t}> { return ${loaded(`b${k}[e / 4u]`, 4)}; }`,
          `fn store4_${k}(e: u32, x: vec4<${t}>) { b${k}[e / 4u] = ${stored(4)}; }`,
        ]
      : []),
  ].join('\n')
}
