/**
 * Light algebra on graphs, meaning preserved: equal nodes become one, constants are folded, and operations that change
 * nothing disappear. Runs after differentiation, which leaves many of both. Linear in the size of the graph.
 */
import { sameShape } from '../shape/index.js'
import { broadcast, constant, node, reshape, transpose } from './build.js'
import { binaryOf, logical, unary } from './elementwise.js'
import { rebuilt, rewrite } from './rewrite.js'
import type { Graph, Op, Tensor } from './tensor.js'

export const simplify = (graph: Graph): Graph => {
  const known = new Map<string, Tensor>()
  const numbers = new Map<Tensor, number>()
  const tables = new Map<ArrayBufferView, number>()
  /** One object for all nodes that say the same. */
  const unique = (t: Tensor): Tensor => {
    const key = `${opKey(t.op, tables)}(${t.inputs.map((i) => numbers.get(i) ?? numberOf(i)).join(',')})`
    const same = known.get(key)
    if (same !== undefined) return same
    known.set(key, t)
    numberOf(t)
    return t
  }
  const numberOf = (t: Tensor): number => numbers.get(t) ?? numbers.set(t, numbers.size).get(t)!
  const leaves = new Map<string, Tensor>()
  return rewrite(graph, (n, inputs) => {
    const result = unique(reduceNode(rebuilt(n, inputs)))
    if (result.op.kind === 'input') {
      const { name } = result.op
      const other = leaves.get(name)
      if (other !== undefined && other !== result)
        throw new Error(`two different inputs are called ${name}: every leaf needs a name of its own`)
      leaves.set(name, result)
    }
    return result
  })
}

const opKey = (op: Op, tables: Map<ArrayBufferView, number>): string => {
  // JSON has one word for the infinities and what is no number.
  if (op.kind === 'constant') return `constant ${op.value} ${op.dtype} ${op.shape.join(',')}`
  if (op.kind !== 'literal') return JSON.stringify(op)
  const table = tables.get(op.data) ?? tables.set(op.data, tables.size).get(op.data)
  return `literal ${table} ${op.shape.join(',')}`
}

const constantOf = (t: Tensor): number | undefined => (t.op.kind === 'constant' ? t.op.value : undefined)
const filled = (value: number, like: Tensor): Tensor => constant(value, like.shape, like.dtype)

/** One step of simplification; the inputs are already simple. */
const reduceNode = (n: Tensor): Tensor => {
  const { op } = n
  const [x, y, z] = n.inputs as readonly [Tensor, Tensor, Tensor]
  if (isEmpty(n) && op.kind !== 'input') return filled(0, n)
  switch (op.kind) {
    case 'stopGradient':
      return x
    case 'unary': {
      const v = constantOf(x)
      if (v !== undefined) return filled(unary[op.name].evaluate(v), n)
      return op.name === 'neg' && x.op.kind === 'unary' && x.op.name === 'neg' ? x.inputs[0]! : n
    }
    case 'binary': {
      const [a, b] = [constantOf(x), constantOf(y)]
      if (a !== undefined && b !== undefined) return filled(binaryOf(op.name, n.dtype === 'i32')(a, b), n)
      if (op.name === 'add') return a === 0 ? y : b === 0 ? x : n
      if (op.name === 'sub') return b === 0 ? x : n
      if (op.name === 'mul') {
        if (a === 1) return y
        if (b === 1) return x
        return a === 0 || b === 0 ? filled(0, n) : n
      }
      return op.name === 'div' && b === 1 ? x : n
    }
    case 'logical': {
      const [a, b] = [constantOf(x), constantOf(y)]
      return a !== undefined && b !== undefined ? filled(logical[op.name].evaluate(a, b), n) : n
    }
    case 'select': {
      if (y === z) return y
      const condition = constantOf(x)
      return condition === undefined ? n : condition !== 0 ? y : z
    }
    case 'cast': {
      if (x.dtype === op.dtype) return x
      const v = constantOf(x)
      return v === undefined
        ? n
        : filled(op.dtype === 'bool' ? Number(v !== 0) : op.dtype === 'i32' ? Math.trunc(v) : v, n)
    }
    case 'broadcast': {
      if (sameShape(x.shape, n.shape)) return x
      const v = constantOf(x)
      if (v !== undefined) return filled(v, n)
      return x.op.kind === 'broadcast'
        ? broadcast(
            x.inputs[0]!,
            n.shape,
            x.op.axes.map((a) => op.axes[a]!),
          )
        : n
    }
    case 'reshape': {
      const v = constantOf(x)
      if (v !== undefined) return filled(v, n)
      if (sameShape(x.shape, n.shape)) return x
      return x.op.kind === 'reshape' ? reshape(x.inputs[0]!, n.shape) : n
    }
    case 'transpose': {
      const v = constantOf(x)
      if (v !== undefined) return filled(v, n)
      if (x.op.kind !== 'transpose') return n
      const inner = x.op.permutation
      return transpose(
        x.inputs[0]!,
        op.permutation.map((i) => inner[i]!),
      )
    }
    case 'slice': {
      const v = constantOf(x)
      if (v !== undefined) return filled(v, n)
      if (x.op.kind === 'slice') {
        const inner = x.op.start
        return node({ ...op, start: op.start.map((s, i) => s + inner[i]!) }, [x.inputs[0]!])
      }
      // Cutting off exactly what was padded on.
      return isExactCut(n, x) ? x.inputs[0]! : n
    }
    case 'pad':
      return constantOf(x) === 0 ? filled(0, n) : n
    case 'reduce': {
      if (isEmpty(x)) return filled(ofNothing[op.reducer], n)
      if (op.reducer !== 'sum') return n
      // Summing over axes of size 1 only drops them.
      return op.axes.every((a) => x.shape[a] === 1) ? reshape(x, n.shape) : n
    }
    case 'dot':
      return constantOf(x) === 0 || constantOf(y) === 0 || isEmpty(x) ? filled(0, n) : n
    default:
      return n
  }
}

/** No kernel is made of what has no elements: any constant is as good. */
const isEmpty = (t: Tensor): boolean => t.shape.includes(0)
/** What a reduction of no elements is. */
const ofNothing = { sum: 0, max: Number.NEGATIVE_INFINITY, min: Number.POSITIVE_INFINITY } as const

const isExactCut = (slice: Tensor, padded: Tensor): boolean =>
  slice.op.kind === 'slice' &&
  padded.op.kind === 'pad' &&
  sameShape(slice.shape, padded.inputs[0]!.shape) &&
  sameNumbers(slice.op.start, padded.op.low)
const sameNumbers = (a: readonly number[], b: readonly number[]) => a.every((v, i) => v === b[i])
