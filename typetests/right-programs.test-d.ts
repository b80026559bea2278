/**
 * Right programs, from one call to whole towers: none may be refused, by the compiler or when it runs, and what the
 * compiler says comes out must be what comes out (`test/types/right-programs.test.ts`). B batch, T = 81, D = 512.
 */
import { pipe } from 'fp-ts/lib/function.js'
import * as t from '../src/index.js'

const x = t.input('x', ['batch', 81, 512], 'f32', 'streamed')
const ids = t.input('ids', ['batch', 81], 'i32', 'streamed')
const bias = t.input('bias', [512], 'f32', 'resident')

/** A module with parameters made for it. */
const filled = <const P extends t.ParameterTree>(parameters: P): t.Bound<P> =>
  t.bindParameters(parameters, ({ path, spec }) => t.input(path, spec.shape, 'f32', 'resident'))

// ── one operation after another ─────────────────────────────────────────────────────────────────────────────────────
export const oneCall = () => t.add(x, bias)
export const numbers = () => t.mul(t.sub(x, 1), 0.5)
export const outer = () => t.add(t.unsqueeze(bias, 1), t.slice(bias, 0, 0, 8))
export const geluByHand = () => t.mul(x, t.sigmoid(t.mul(x, 1.702)))
export const standardise = () => {
  const centred = t.sub(x, t.unsqueeze(t.mean(x, 2), 2))
  const variance = t.mean(t.square(centred), 2)
  return t.mul(centred, t.unsqueeze(t.rsqrt(t.add(variance, 1e-5)), 2))
}
export const clipped = () => t.minimum(t.maximum(x, -1), 1)
export const masked = () => t.select(t.and(t.less(x, 1), t.not(t.less(x, -1))), x, 0)
export const oneHot = () => {
  const classes = t.input('classes', [11], 'i32', 'resident')
  return t.cast(t.equal(t.unsqueeze(ids, 2), classes), 'f32')
}
export const accuracy = () => t.mean(t.cast(t.equal(ids, t.add(ids, 0)), 'f32'), 1)
export const looped = () => {
  let y = x
  for (let i = 0; i < 3; i++) y = t.add(y, t.exp(y))
  return y
}
export const reduced = () => [1, 2, 3].reduce((y, k) => t.mul(y, k), x)
export const scalars = () => t.sum(t.mean(t.mean(x, 2), 1), 0)
export const joined = () => {
  const [first, rest] = t.split(x, 1, [1, 80])
  return t.concat(1, rest, first)
}
export const rolled = () => t.concat(2, t.slice(x, 2, 256, 256), t.slice(x, 2, 0, 256))
export const patches = () => t.rearrange(x, 'b (r c) d -> b r c d', { r: 9 })
export const thereAndBack = () => {
  const heads = t.rearrange(x, 'b t (h d) -> (b h) t d', { h: 8 })
  return t.rearrange(heads, '(b h) t d -> b t (h d)', { h: 8 })
}
export const sizesOfItself = () => {
  const [batch, positions, width] = x.shape
  return t.reshape(x, [batch, positions, 8, t.divideDims(width, 8)])
}
export const folded = () => {
  const [batch, positions, width] = x.shape
  return t.reshape(x, [t.multiplyDims(positions, batch), width])
}
export const gram = () => t.einsum('b t d, b s d -> b t s', x, x)
export const attended = () => {
  const heads = t.reshape(x, ['batch', 81, 8, 64])
  const turned = t.rotate(heads, t.rotaryTables(81, 64))
  const scores = t.softmax(t.mul(t.einsum('b t h d, b s h d -> b h t s', turned, turned), 1 / 8), 3)
  return t.rearrange(t.einsum('b h t s, b s h d -> b t h d', scores, heads), 'b t h d -> b t (h d)')
}
export const crossAttended = () => {
  const queries = t.reshape(t.slice(x, 1, 0, 9), ['batch', 9, 8, 64])
  const keys = t.reshape(x, ['batch', 81, 8, 64])
  return t.dotProductAttention(queries, keys, keys)
}
export const losses = () => {
  const logits = t.matmul(x, t.input('head', [512, 11], 'f32', 'resident'))
  const halt = t.reshape(t.slice(t.slice(logits, 1, 0, 1), 2, 0, 1), ['batch'])
  const token = t.mean(t.crossEntropy('stablemax', logits, ids), 1)
  return t.add(token, t.binaryCrossEntropy(halt, t.stopGradient(t.sigmoid(halt))))
}

// ── layers, through pipe and flow ───────────────────────────────────────────────────────────────────────────────────
const up = t.linear(512, 1536)
const down = t.linear(1536, 512)
const lift = up.apply(filled(up.parameters))
const lower = down.apply(filled(down.parameters))
export const called = () => lower(lift(x))
export const piped = () => pipe(x, lift, lower, t.exp, (y) => t.sum(y, 1))
export const pipedLong = () =>
  pipe(
    x,
    lift,
    t.silu().apply({}),
    lower,
    (y) => t.add(y, x),
    t.rmsNorm().apply({}),
    (y) => t.reshape(y, ['batch', 81, 8, 64]),
    (y) => t.transpose(y, [0, 2, 1, 3]),
    (y) => t.max(y, 3),
  )
export const flowed = () => t.flow(lift, t.silu().apply({}), lower)(x)
export const flowOfFlows = () => t.flow(t.flow(lift, lower), t.flow(lift), lower)(x)
export const flowInPipe = () => pipe(x, t.flow(lift, lower), t.flow(lift, lower))
export const embedded = () => {
  const table = t.embedding(11, 512)
  return t.flow(table.apply(filled(table.parameters)), lift)(ids)
}

// ── modules of modules ──────────────────────────────────────────────────────────────────────────────────────────────
export const mlp = () => {
  const module = t.seq(t.linear(512, 1536), t.silu(), t.linearWithBias(1536, 64))
  return module.apply(filled(module.parameters))(x)
}
export const tokensToLogits = () => {
  const module = t.seq(
    t.embedding(11, 512),
    t.stack(2, t.transformerBlock({ hidden: 512, heads: 8 })),
    t.linear(512, 11),
  )
  return module.apply(filled(module.parameters))(ids)
}
export const residuals = () => {
  const module = t.residual(t.residual(t.postNorm(t.seq(t.linear(512, 64), t.silu(), t.linear(64, 512)))))
  return module.apply(filled(module.parameters))(x)
}
export const preNormed = () => {
  const layer = t.seq(
    t.named('mixing', t.residual(t.preNorm(t.attention({ hidden: 512, heads: 8, rotary: true })))),
    t.named('mlp', t.residual(t.preNorm(t.swiglu({ hidden: 512, expansion: 4 })))),
  )
  const module = t.stack(3, layer)
  return module.apply(filled(module.parameters))(x)
}
export const mixer = () => {
  const module = t.seq(
    t.residual(t.overPositions(t.seq(t.linear(81, 256), t.silu(), t.linear(256, 81)))),
    t.residual(t.seq(t.linear(512, 256), t.silu(), t.linear(256, 512))),
  )
  return module.apply(filled(module.parameters))(x)
}
export const stackOfStacks = () => {
  const inner = t.residual(t.swiglu({ hidden: 512, expansion: 2 }))
  const module = t.stack(2, t.seq(t.stack(2, inner), t.postNorm(inner), t.rmsNorm()))
  return module.apply(filled(module.parameters))(x)
}
export const thirtyLayers = () => {
  const layer = t.residual(t.linear(512, 512))
  const six = t.seq(layer, layer, layer, layer, layer, layer)
  const module = t.seq(six, six, six, six, six)
  return module.apply(filled(module.parameters))(x)
}
export const anyLeadingDims = () => {
  const module = t.residual(t.seq(t.linear(64, 8), t.linear(8, 64)))
  return module.apply(filled(module.parameters))(t.reshape(x, ['batch', 9, 9, 8, 64]))
}

// ── modules as functions ────────────────────────────────────────────────────────────────────────────────────────────
const gated = t.block({
  name: 'gated',
  input: ['batch', 81, 512],
  parts: { gate: t.linear(512, 64), value: t.linear(512, 64), out: t.linear(64, 512) },
  compute: ({ gate, value, out }, y) => out(t.mul(t.sigmoid(gate(y)), value(y))),
})
export const gatedTower = () => {
  const module = t.stack(2, t.postNorm(t.residual(gated)))
  return module.apply(filled(module.parameters))(x)
}
export const blockOfBlocks = () => {
  const module = t.block({
    name: 'outer',
    input: ['batch', 81, 512],
    parts: { inner: gated, read: t.linear(512, 11) },
    compute: ({ inner, read }, y) => {
      const twice = pipe(y, inner, inner)
      return t.softmax(read(t.sub(twice, t.unsqueeze(t.mean(twice, 1), 1))), 2)
    },
  })
  return module.apply(filled(module.parameters))(x)
}
export const pooling = () => {
  const pool = t.block({ name: 'pool', input: ['batch', 81, 512], parts: {}, compute: (_, y) => t.mean(y, 1) })
  const module = t.seq(pool, t.linear(512, 2))
  return module.apply(filled(module.parameters))(x)
}

// ── functions of one's own ──────────────────────────────────────────────────────────────────────────────────────────
/** Of any shape. */
const gelu = <S extends t.Shape>(y: t.Tensor<S, 'f32'>) => t.sigmoid(t.exp(t.stopGradient(y)))
export const genericInTheShape = () => gelu(gelu(x))
/** Of one shape. */
const summary = (y: t.Tensor<['batch', 81, 512], 'f32'>) => [t.mean(y, 1), t.max(y, 1)] as const
export const tuples = () => {
  const [mean, most] = summary(x)
  return t.concat(1, mean, most)
}
/** Of a module that is passed through. */
const logged = <M extends { readonly parameters: t.ParameterTree }>(module: M): M => module
export const passedThrough = () => {
  const module = t.residual(logged(t.seq(logged(t.linear(512, 64)), t.linear(64, 512))))
  return module.apply(filled(logged(module).parameters))(x)
}
/** By sizes in an object. */
const sizes = { hidden: 512, heads: 8, expansion: 2 } as const
export const sizesInAnObject = () => {
  const module = t.transformerBlock(sizes)
  return module.apply(filled(module.parameters))(x)
}
/** By computed sizes. */
export const computedSizes = () => {
  const inner = t.roundUpDims(t.multiplyDims(sizes.hidden, 3), 256)
  const module = t.residual(t.seq(t.linear(sizes.hidden, inner), t.linear(inner, sizes.hidden)))
  return module.apply(filled(module.parameters))(x)
}
/** Layers in a list, as long as they keep the shape. */
export const listOfLayers = () => {
  const module = t.residual(t.linear(512, 512))
  const layers = [1, 2, 3].map(() => module.apply(filled(module.parameters)))
  return layers.reduce((y, layer) => layer(y), x)
}

// ── models ──────────────────────────────────────────────────────────────────────────────────────────────────────────
const inputs = { tokens: ids, puzzle: t.input('puzzle', ['batch', 64], 'f32', 'streamed') }
const keys = t.input('keys', ['batch'], 'i32', 'streamed')
const common = {
  input: t.inputNet({ vocabulary: 11, sequence: 81, hidden: 64, puzzleEmbedding: 64, positions: 'learned' }),
  output: t.outputNet({ hidden: 64, vocabulary: 11, sequence: 81 }),
  qHead: t.qHead({ hidden: 64 }),
  halting: t.adaptiveHalting({ maxSegments: 4 }),
} as const
/** What a model answers after one segment, with the types that its parts promise. */
const answer = (model: t.Reasoner) => {
  const parameters = filled(model.parameters)
  return model.segment(parameters, model.initialState(parameters, keys), { ...inputs, keys }).logits as t.Tensor<
    ['batch', 81, 11],
    'f32'
  >
}
export const oneLevel = () => {
  const layer = t.residual(t.swiglu({ hidden: 64, expansion: 2 }))
  return answer(
    t.reasoner({
      ...common,
      name: 'one level',
      blocks: { net: t.stack(2, layer) },
      state: { z: 'start' },
      think: ({ net }, embedded) => t.iterate(3)(t.call('z', ({ z }) => ({ z: net(z, embedded) }))),
      answer: 'z',
    }),
  )
}
/** Steps of a recurrence by names of one's own: their states are annotated, as nothing else says what they take. */
type Z = t.Tensor<['batch', 82, 64], 'f32'>
interface Three {
  readonly low: Z
  readonly middle: Z
  readonly high: Z
}
export const threeLevels = () => {
  const net = t.transformerBlock({ hidden: 64, heads: 2, rotary: true })
  return answer(
    t.reasoner({
      ...common,
      name: 'three levels',
      blocks: { net },
      state: { low: 'low_init', middle: 'middle_init', high: 'high_init' },
      think: ({ net }, embedded) => {
        const low = t.call('low', (z: Three) => ({ ...z, low: net(z.low, t.add(z.middle, embedded)) }))
        const middle = t.call('middle', (z: Three) => ({ ...z, middle: net(z.middle, t.add(z.low, z.high)) }))
        const high = t.call('high', (z: Three) => ({ ...z, high: net(z.high, z.middle) }))
        const inner = t.hierarchicalConvergence({ cycles: 2, steps: 2, gradient: t.oneStepGradient })(low, middle)
        return t.lastWithGradient(4)(t.iterate(2)(t.inTurn(t.detached(inner), inner, high)))
      },
      answer: 'high',
    }),
  )
}
/** Whatever the blocks are made of. */
export const blocksOfAllKinds = () => {
  const mixing = t.block({
    name: 'mixing',
    input: ['batch', 82, 64],
    parts: { over: t.overPositions(t.linear(82, 82)), gate: t.linear(64, 64) },
    compute: ({ over, gate }, y) => t.mul(over(y), t.sigmoid(gate(y))),
  })
  return answer(
    t.reasoner({
      ...common,
      name: 'blocks of all kinds',
      blocks: { slow: t.residual(mixing), fast: t.seq(t.linear(64, 8), t.linear(8, 64)) },
      state: { a: 'a_init', b: 'b_init' },
      think: ({ slow, fast }, embedded) =>
        t.hierarchicalConvergence({ cycles: 2, steps: 3, gradient: t.lastSteps(4) })(
          t.call('a', (s) => ({ ...s, a: fast(s.a, t.add(s.b, embedded)) })),
          t.call('b', (s) => ({ ...s, b: slow(t.add(s.b, s.a)) })),
        ),
      answer: 'b',
    }),
  )
}
/** A net that treats the symbols of a board alike: attention over positions, then over symbols. */
export const symbolsAlike = () => {
  const hidden = 64
  const attend = t.postNorm(t.residual(t.attention({ hidden, heads: 2, rotary: 'grid' })))
  return answer(
    t.reasoner({
      name: 'symbols alike',
      input: t.symbolInput({ vocabulary: 11, sequence: 81, hidden }),
      blocks: {
        net: t.stack(2, t.seq(attend, t.overSymbols(t.postNorm(t.residual(t.swiglu({ hidden, expansion: 1 })))))),
      },
      state: { z: t.fromNoise() },
      think: ({ net }, embedded) =>
        t.damped({ step: 0.9, noise: 0.1 })(t.iterate(2)(t.call('z', ({ z }) => ({ z: net(z, embedded) })))),
      answer: 'z',
      output: t.symbolOutput({ hidden }),
      qHead: t.confidence,
      halting: t.randomHalting({ maxSegments: 4, probability: 0.1 }),
    }),
  )
}
export const axial = () => {
  const board = t.input('board', ['batch', 11, 81, 512], 'f32', 'streamed')
  const module = t.overSymbols(t.attention({ hidden: 512, heads: 2, width: 128 }))
  return module.apply(filled(module.parameters))(board)
}
export const readyMadeSymbols = () => answer(t.seRrm({ vocabulary: 11, sequence: 81, hidden: 64, heads: 4 }))
export const readyMadeFromNoise = () => answer(t.eqr({ vocabulary: 11, sequence: 81, hidden: 64, heads: 4 }))
export const readyMade = () => answer(t.hrm({ vocabulary: 11, sequence: 81, hidden: 64, heads: 4, puzzles: 7 }))
export const readyMadeTiny = () => answer(t.trm({ vocabulary: 11, sequence: 81, hidden: 64, heads: 4, mixing: 'mlp' }))

// ── what is known only later: how many dims stand in front ──────────────────────────────────────────────────────────
export const scalarFirst = () => t.add(t.input('scale', [], 'f32', 'resident'), x)
export const normFirst = () => {
  const mlp = t.seq(t.rmsNorm(), t.linear(512, 64), t.silu(), t.linear(64, 512))
  return t.residual(mlp).apply(filled(mlp.parameters))(x)
}
export const treeByHand = () => {
  const weight = t.input('weight', [64, 512], 'f32', 'resident')
  return t.seq(t.linear(512, 64), t.silu()).apply({ '0': { weight } })(x)
}
export const treeOfNothing = () => t.seq(t.silu(), t.rmsNorm()).apply({})(x)
const mixing = t.overPositions(t.linear(81, 81))
export const mixingAfterAttention = () => {
  const layers = t.stack(2, t.residual(t.seq(t.attention({ hidden: 512, heads: 8 }), mixing)))
  return layers.apply(filled(layers.parameters))(x)
}
export const otherPositions = () => {
  const layers = t.seq(t.linear(512, 64), t.overPositions(t.linear(81, 9)), t.attention({ hidden: 64, heads: 2 }))
  return layers.apply(filled(layers.parameters))(x)
}
const half = t.block({ name: 'half', input: ['batch', 81, 512], parts: {}, compute: (_, y) => t.mul(y, 0.5) })
export const blockAfterOthers = () => {
  const layers = t.stack(2, t.residual(t.seq(t.swiglu({ hidden: 512, expansion: 4 }), half, t.rmsNorm())))
  return layers.apply(filled(layers.parameters))(x)
}
export const nothingReshaped = () => t.reshape(t.slice(x, 1, 0, 0), [0])
