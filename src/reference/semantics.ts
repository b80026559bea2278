/**
 * What every op means, in float64: the obvious loops. The oracle of every kernel test, and the fallback device. A table
 * over all kinds, so that an op without a meaning does not compile. i32 and bool values are numbers too.
 */
import { binaryOf, logical, type OpKind, type OpOf, roundToHalf, type Tensor, unary } from '../ir/index.js'

export type Values = Float64Array
type Meaning<K extends OpKind> = (op: OpOf<K>, inputs: readonly Values[], node: Tensor) => Values

const shapeOf = (t: Tensor): readonly number[] => t.shape as readonly number[]
const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)
/** Row-major strides. */
const stridesOf = (shape: readonly number[]): readonly number[] =>
  shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1))

const make = (length: number, value: (i: number) => number): Values => {
  const out = new Float64Array(length)
  for (let i = 0; i < length; i++) out[i] = value(i)
  return out
}

/** Calls `visit` with the address of every point of `shape` under other strides, in row-major order. */
const walk = (
  shape: readonly number[],
  strides: readonly number[],
  start: number,
  visit: (address: number, i: number) => void,
) => {
  const total = count(shape)
  const at = new Array<number>(shape.length).fill(0)
  let address = start
  for (let i = 0; i < total; i++) {
    visit(address, i)
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      address += strides[axis]!
      if (++at[axis]! < shape[axis]!) break
      address -= strides[axis]! * shape[axis]!
      at[axis] = 0
    }
  }
}
/** A view: every output element is one input element. */
const view = (shape: readonly number[], strides: readonly number[], start: number, x: Values): Values => {
  const out = new Float64Array(count(shape))
  walk(shape, strides, start, (address, i) => {
    out[i] = x[address]!
  })
  return out
}

const elementwise = (n: Tensor, inputs: readonly Values[], f: (x: number, y: number, z: number) => number): Values => {
  const [x, y, z] = inputs
  return make(count(shapeOf(n)), (i) => f(x?.[i] ?? 0, y?.[i] ?? 0, z?.[i] ?? 0))
}

export const semantics: { readonly [K in OpKind]: Meaning<K> } = {
  input: (op) => {
    throw new Error(`the input ${op.name} has no value`)
  },
  constant: (op, _, n) => make(count(shapeOf(n)), () => op.value),
  literal: (op) => Float64Array.from(op.data),
  iota: (op, _, n) => {
    const shape = shapeOf(n)
    const stride = stridesOf(shape)[op.axis]!
    return make(count(shape), (i) => Math.floor(i / stride) % shape[op.axis]!)
  },
  unary: (op, inputs, n) => elementwise(n, inputs, (x) => unary[op.name].evaluate(x)),
  // Exactly two arguments: `Math.min` takes as many as it gets.
  binary: (op, inputs, n) => {
    const evaluate = binaryOf(op.name, n.dtype === 'i32')
    return elementwise(n, inputs, (x, y) => evaluate(x, y))
  },
  logical: (op, inputs, n) => elementwise(n, inputs, (x, y) => logical[op.name].evaluate(x, y)),
  not: (_, inputs, n) => elementwise(n, inputs, (x) => Number(x === 0)),
  cast: (op, inputs, n) =>
    elementwise(n, inputs, (x) => (op.dtype === 'bool' ? Number(x !== 0) : op.dtype === 'i32' ? Math.trunc(x) : x)),
  select: (_, inputs, n) => elementwise(n, inputs, (c, a, b) => (c !== 0 ? a : b)),
  stopGradient: (_, [x]) => x!,
  broadcast: (op, [x], n) => {
    const from = shapeOf(n.inputs[0]!)
    const strides = stridesOf(from)
    const spread = shapeOf(n).map((_, axis) => {
      const i = op.axes.indexOf(axis)
      return i < 0 || from[i] === 1 ? 0 : strides[i]!
    })
    return view(shapeOf(n), spread, 0, x!)
  },
  reshape: (_, [x]) => x!,
  transpose: (op, [x], n) => {
    const strides = stridesOf(shapeOf(n.inputs[0]!))
    return view(
      shapeOf(n),
      op.permutation.map((axis) => strides[axis]!),
      0,
      x!,
    )
  },
  slice: (op, [x], n) => {
    const strides = stridesOf(shapeOf(n.inputs[0]!))
    return view(
      shapeOf(n),
      strides,
      op.start.reduce((at, s, i) => at + s * strides[i]!, 0),
      x!,
    )
  },
  pad: (op, [x], n) => {
    const out = new Float64Array(count(shapeOf(n)))
    const strides = stridesOf(shapeOf(n))
    const start = op.low.reduce((at, s, i) => at + s * strides[i]!, 0)
    walk(shapeOf(n.inputs[0]!), strides, start, (address, i) => {
      out[address] = x![i]!
    })
    return out
  },
  reduce: (op, [x], n) => {
    const from = shapeOf(n.inputs[0]!)
    const kept = stridesOf(shapeOf(n))
    let k = 0
    const strides = from.map((_, axis) => (op.axes.includes(axis) ? 0 : kept[k++]!))
    const start = { sum: 0, max: Number.NEGATIVE_INFINITY, min: Number.POSITIVE_INFINITY }[op.reducer]
    const out = new Float64Array(count(shapeOf(n))).fill(start)
    const join = { sum: (a: number, b: number) => a + b, max: Math.max, min: Math.min }[op.reducer]
    walk(from, strides, 0, (address, i) => {
      out[address] = join(out[address]!, x![i]!)
    })
    return out
  },
  dot: (op, operands, n) => {
    const [x, y] = op.precision === 'f16' ? operands.map((values) => values.map(roundToHalf)) : operands
    const [l, r] = n.inputs.map(shapeOf) as [readonly number[], readonly number[]]
    const strides = [stridesOf(l), stridesOf(r)] as const
    const free = ([0, 1] as const).map((s) =>
      [l, r][s]!.map((_, i) => i).filter((i) => !op.contract[s].includes(i) && !op.batch[s].includes(i)),
    )
    const pick = (side: 0 | 1, axes: readonly number[]) => axes.map((a) => strides[side][a]!)
    const none = (axes: readonly number[]) => axes.map(() => 0)
    const left = [...pick(0, op.batch[0]), ...pick(0, free[0]!), ...none(free[1]!)]
    const right = [...pick(1, op.batch[1]), ...none(free[0]!), ...pick(1, free[1]!)]
    const rights: number[] = []
    walk(shapeOf(n), right, 0, (address) => rights.push(address))
    const inner = op.contract[0].map((a) => l[a]!)
    const steps: (readonly [number, number])[] = []
    const innerRight: number[] = []
    walk(inner, pick(1, op.contract[1]), 0, (address) => innerRight.push(address))
    walk(inner, pick(0, op.contract[0]), 0, (address, i) => steps.push([address, innerRight[i]!]))
    const out = new Float64Array(count(shapeOf(n)))
    walk(shapeOf(n), left, 0, (address, i) => {
      let sum = 0
      for (const [a, b] of steps) sum += x![address + a]! * y![rights[i]! + b]!
      out[i] = sum
    })
    return out
  },
  gather: (_, [table, ids], n) => {
    const width = count(shapeOf(n.inputs[0]!).slice(1))
    const rows = shapeOf(n.inputs[0]!)[0]!
    return make(count(shapeOf(n)), (i) => {
      const row = Math.max(0, Math.min(rows - 1, ids![Math.floor(i / width)]!))
      return table![row * width + (i % width)]!
    })
  },
  scatterAdd: (op, [ids, values], n) => {
    const width = count(shapeOf(n)) / op.rows
    const out = new Float64Array(count(shapeOf(n)))
    ids!.forEach((id, k) => {
      if (id < 0 || id >= op.rows) return
      for (let c = 0; c < width; c++) out[id * width + c]! += values![k * width + c]!
    })
    return out
  },
  scatterRows: (_, [table, ids, rows], n) => {
    const width = count(shapeOf(n).slice(1))
    const out = table!.slice()
    ids!.forEach((id, k) => {
      if (id >= 0 && id * width < out.length) out.set(rows!.subarray(k * width, (k + 1) * width), id * width)
    })
    return out
  },
  pack: (op, inputs) => {
    const out = new Float64Array(op.size)
    for (const [i, x] of inputs.entries()) out.set(x, op.offsets[i]!)
    return out
  },
  attention: (_, [qkv], n) => attentionRows(n, qkv!).out,
  attentionStatistics: (_, [qkv], n) => attentionRows(n, qkv!).statistics,
  attentionBackward: (_, [qkv, dOut, statistics, delta], n) => attentionGradient(n, qkv!, dOut!, statistics!, delta!),
}

const attentionLayout = (n: Tensor) => {
  const [batch, sequence, , heads, dim] = shapeOf(n.inputs[0]!) as readonly [number, number, number, number, number]
  const scale = 1 / Math.sqrt(dim)
  const at = (b: number, t: number, part: number, h: number) => (((b * sequence + t) * 3 + part) * heads + h) * dim
  const outAt = (b: number, t: number, h: number) => ((b * sequence + t) * heads + h) * dim
  const row = (b: number, h: number, t: number) => (b * heads + h) * sequence + t
  const dot = (x: Values, i: number, y: Values, j: number) => {
    let sum = 0
    for (let c = 0; c < dim; c++) sum += x[i + c]! * y[j + c]!
    return sum
  }
  const each = (visit: (b: number, h: number, i: number) => void) => {
    for (let b = 0; b < batch; b++) for (let h = 0; h < heads; h++) for (let i = 0; i < sequence; i++) visit(b, h, i)
  }
  return { batch, sequence, heads, dim, scale, at, outAt, row, dot, each }
}

const attentionRows = (n: Tensor, qkv: Values) => {
  const { batch, sequence, heads, dim, scale, at, outAt, row, dot, each } = attentionLayout(n)
  const out = new Float64Array(batch * sequence * heads * dim)
  const statistics = new Float64Array(batch * heads * sequence)
  each((b, h, i) => {
    const scores = make(sequence, (j) => scale * dot(qkv, at(b, i, 0, h), qkv, at(b, j, 1, h)))
    const largest = scores.reduce((x, y) => Math.max(x, y), Number.NEGATIVE_INFINITY)
    const weights = scores.map((s) => Math.exp(s - largest))
    const total = weights.reduce((x, y) => x + y, 0)
    statistics[row(b, h, i)] = largest + Math.log(total)
    for (let j = 0; j < sequence; j++)
      for (let c = 0; c < dim; c++) out[outAt(b, i, h) + c]! += (weights[j]! / total) * qkv[at(b, j, 2, h) + c]!
  })
  return { out, statistics }
}

const attentionGradient = (n: Tensor, qkv: Values, dOut: Values, statistics: Values, delta: Values): Values => {
  const { sequence, dim, scale, at, outAt, row, dot, each } = attentionLayout(n)
  const gradient = new Float64Array(qkv.length)
  each((b, h, i) => {
    const r = row(b, h, i)
    for (let j = 0; j < sequence; j++) {
      const p = Math.exp(scale * dot(qkv, at(b, i, 0, h), qkv, at(b, j, 1, h)) - statistics[r]!)
      const ds = scale * p * (dot(dOut, outAt(b, i, h), qkv, at(b, j, 2, h)) - delta[r]!)
      for (let c = 0; c < dim; c++) {
        gradient[at(b, i, 0, h) + c]! += ds * qkv[at(b, j, 1, h) + c]!
        gradient[at(b, j, 1, h) + c]! += ds * qkv[at(b, i, 0, h) + c]!
        gradient[at(b, j, 2, h) + c]! += p * dOut[outAt(b, i, h) + c]!
      }
    }
  })
  return gradient
}
