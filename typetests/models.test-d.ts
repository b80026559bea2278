/** Models and recurrences: what holds a model together, put right and wrong. The long wrong programs are in `fixtures`. */
import { expectError, expectType } from 'tsd'
import {
  adaptiveHalting,
  add,
  allButFirst,
  call,
  cgar,
  confidence,
  curriculum,
  damped,
  decayingLoss,
  deepSupervision,
  detached,
  each,
  eqr,
  fromInput,
  fromNoise,
  fullGradient,
  type Halting,
  hierarchicalConvergence,
  hierarchy,
  hrm,
  inputNet,
  inTurn,
  iterate,
  lastSteps,
  lastWithGradient,
  less,
  linear,
  oneStepGradient,
  outputNet,
  plain,
  qHead,
  type Recurrence,
  randomHalting,
  reasoner,
  recurrent,
  rins,
  seRrm,
  slice,
  stack,
  symbolInput,
  symbolOutput,
  type Tensor,
  transformer,
  transformerBlock,
  trm,
  trmSingle,
  trmSix,
  universal,
  urm,
  wholeCycleGradient,
  written,
} from '../src/index.js'

type Z = Tensor<['batch', 82, 64], 'f32'>
interface State {
  readonly low: Z
  readonly high: Z
}

// ── recurrences ─────────────────────────────────────────────────────────────────────────────────────────────────────
const low = call('L', (z: State) => ({ ...z, low: add(z.low, z.high) }))
const high = call('H', (z: State) => ({ ...z, high: z.low }))
expectType<Recurrence<State>>(low)
expectType<Recurrence<State>>(inTurn(iterate(2)(low), detached(high)))
expectType<Recurrence<State>>(lastWithGradient(1)(low))
for (const gradient of [oneStepGradient, wholeCycleGradient, fullGradient, lastSteps(2), allButFirst(2)])
  expectType<Recurrence<State>>(hierarchicalConvergence({ cycles: 2, steps: 2, gradient })(low, high))
expectError(call('L', (z: State) => ({ ...z, low: slice(z.low, 1, 0, 81) })))
expectError(call('L', (z: State) => ({ low: z.low })))
expectError(
  inTurn(
    low,
    call('x', (z: { readonly other: Z }) => z),
  ),
)
expectError(hierarchicalConvergence({ cycles: 2, steps: 2 }))
expectError(hierarchicalConvergence({ cycles: 2, steps: 2, gradient: 'oneStep' }))
expectError(call('L', (z: State) => ({ ...z, middle: z.low })))
expectError(call('L', (z: State) => ({ ...z, low: 3 })))
expectError(call('L', (z: State) => ({ ...z, low: less(z.low, 0) })))
expectError(iterate('2')(low))
expectError(iterate(2)(call))
expectError(detached(3))
expectError(lastWithGradient(1)(3))
expectError(lastWithGradient('1')(low))
expectError(lastSteps('2'))
expectError(allButFirst('2'))
expectType<Recurrence<State>>(hierarchy({ periods: [2, 3, 4], gradient: oneStepGradient })(low, high, low))
expectError(hierarchy({ periods: [2, 3, 4], gradient: oneStepGradient })(low, high))
expectError(hierarchy({ periods: [2], gradient: oneStepGradient })(low, high))
expectError(hierarchy({ periods: 2, gradient: oneStepGradient })(low))
expectType<Recurrence<State>>(each(['low', 'high'] as const, (k) => call(k, (z: State) => written(z, k, z.low))))
expectError(call('L', (z: State) => written(z, 'middle', z.low)))
expectError(call('L', (z: State) => written(z, 'low', slice(z.low, 1, 0, 81))))
expectType<Recurrence<State>>(each([1, 2], () => low))
expectError(each([1, 2], () => 3))
for (const rule of [plain, damped({ step: 0.9, noise: 0.1 })]) {
  expectType<Recurrence<State>>(rule(low))
  expectType<Recurrence<State>>(rule(hierarchy({ periods: [2, 3], gradient: oneStepGradient })(low, rule(high))))
}
expectError(plain(3))
expectError(damped({ noise: 0.1 }))
expectError(damped({ step: 0.9 })(call))
expectError(oneStepGradient(2))
expectError(wholeCycleGradient({ cycles: 2 }))
expectError(fullGradient({ steps: 2 }))

// ── ends ────────────────────────────────────────────────────────────────────────────────────────────────────────────
const sizes = { vocabulary: 11, sequence: 900 } as const
expectType<['batch', 901, 512]>(inputNet({ ...sizes, hidden: 512, puzzleEmbedding: 512 }).shape)
expectType<['batch', 903, 32]>(inputNet({ ...sizes, hidden: 32, puzzleEmbedding: 80 }).shape)
expectType<['batch', 916, 32]>(inputNet({ ...sizes, hidden: 32, puzzleEmbedding: 80, puzzleTokens: 16 }).shape)
expectType<['batch', 900, 512]>(inputNet({ ...sizes, hidden: 512 }).shape)
expectType<[900, 512]>(
  inputNet({ ...sizes, hidden: 512, positions: 'learned' }).parameters.embed_pos.embedding_weight.shape,
)
expectError(inputNet({ ...sizes, hidden: 512 }).parameters.puzzle_emb)
expectError(inputNet({ ...sizes, hidden: 32, puzzleEmbedding: 80, puzzleTokens: 2 }))
declare const z: Z
expectType<Tensor<['batch', 81, 11], 'f32'>>(
  outputNet({ hidden: 64, vocabulary: 11, sequence: 81 }).apply(null as never)(z),
)
expectType<Tensor<['batch', 2], 'f32'>>(qHead({ hidden: 64 }).apply(null as never)(z))
expectError(outputNet({ hidden: 32, vocabulary: 11, sequence: 81 }).apply(null as never)(z))
expectError(qHead({ hidden: 32 }).apply(null as never)(z))
expectType<['batch', 11, 900, 512]>(symbolInput({ ...sizes, hidden: 512 }).shape)
expectType<[1, 3, 1, 512]>(symbolInput({ ...sizes, hidden: 512, specials: 3 }).parameters.embed_special_tokens.shape)
expectType<[1, 1, 1, 512]>(symbolInput({ ...sizes, hidden: 512 }).parameters.embed_symbol_tokens.shape)
expectError(symbolInput({ ...sizes, hidden: 512, specials: 11 }).parameters.embed_symbol_tokens)
expectError(symbolInput({ ...sizes, hidden: 512, specials: 12 }))
expectError(symbolInput({ ...sizes, hidden: 512, specials: 0 }))
declare const board: Tensor<['batch', 11, 81, 64], 'f32'>
expectType<Tensor<['batch', 81, 11], 'f32'>>(symbolOutput({ hidden: 64 }).apply(null as never)(board))
expectError(symbolOutput({ hidden: 64 }).apply(null as never)(z))
expectError(symbolOutput({ hidden: 32 }).apply(null as never)(board))
expectType<Halting>(randomHalting({ maxSegments: 16, probability: 0.05 }))
expectError(randomHalting({ maxSegments: 16 }))
expectType<Halting>(adaptiveHalting({ maxSegments: 16, exploration: 0.2, continuation: false }))
expectType<Halting>(deepSupervision({ segments: 16 }))
expectError(adaptiveHalting({}))
expectError(deepSupervision({ maxSegments: 3 }))

// ── models ──────────────────────────────────────────────────────────────────────────────────────────────────────────
const level = stack(2, transformerBlock({ hidden: 64, heads: 2 }))
const parts = {
  name: 'mine',
  input: inputNet({ vocabulary: 11, sequence: 81, hidden: 64, puzzleEmbedding: 64 }),
  output: outputNet({ hidden: 64, vocabulary: 11, sequence: 81 }),
  qHead: qHead({ hidden: 64 }),
  halting: deepSupervision({ segments: 2 }),
} as const
const model = reasoner({
  ...parts,
  blocks: { net: level },
  state: { z: 'start' },
  think: ({ net }, x) => {
    expectType<Z>(x)
    return call('z', (s) => {
      expectType<Z>(s.z)
      expectType<Z>(net(s.z, x))
      return { z: net(s.z, x) }
    })
  },
  answer: 'z',
})
expectType<[64, 256]>(model.parameters.net.layers[1].mlp.down_proj.weight.shape)
expectType<[64]>(model.parameters.start.shape)
expectError(model.parameters.nets)
expectError(
  reasoner({
    ...parts,
    blocks: { net: level },
    state: { z: 'start' },
    think: ({ net }, x) => call('z', (s) => ({ z: net(s.z, x) })),
    answer: 'y',
  }),
)
expectError(
  reasoner({
    ...parts,
    blocks: { net: linear(64, 64) },
    state: { z: 'start' },
    think: ({ other }, x) => call('z', (s) => ({ z: other(s.z, x) })),
    answer: 'z',
  }),
)
expectError(
  reasoner({
    ...parts,
    qHead: qHead({ hidden: 32 }),
    blocks: { net: level },
    state: { z: 'start' },
    think: ({ net }, x) => call('z', (s) => ({ z: net(s.z, x) })),
    answer: 'z',
  }),
)

const restless = reasoner({
  ...parts,
  blocks: { net: level },
  state: { z: fromNoise({ std: 0.5 }), y: 'y_init' },
  think: ({ net }, x) => damped({ step: 0.9 })(call('z', (s) => ({ ...s, z: net(s.z, x) }))),
  answer: 'z',
})
expectType<[64]>(restless.parameters.y_init.shape)
expectError(restless.parameters.z)
expectError(fromNoise({ mean: 1 }))

const symbols = {
  name: 'symbols',
  input: symbolInput({ vocabulary: 11, sequence: 81, hidden: 64 }),
  blocks: { net: transformerBlock({ hidden: 64, heads: 2 }) },
  state: { z: 'start' },
  output: symbolOutput({ hidden: 64 }),
  halting: deepSupervision({ segments: 2 }),
} as const
const sure = reasoner({
  ...symbols,
  think: ({ net }, x) => call('z', (s) => ({ z: net(s.z, x) })),
  answer: 'z',
  qHead: confidence,
})
expectType<[1, 64]>(sure.parameters.lm_head.weight.shape)
expectError(sure.parameters.q_head)
// A Q head of positions does not take an axis of symbols.
expectError(
  reasoner({
    ...symbols,
    think: ({ net }, x) => call('z', (s) => ({ z: net(s.z, x) })),
    answer: 'z',
    qHead: qHead({ hidden: 64 }),
  }),
)
expectError(
  reasoner({
    ...symbols,
    think: ({ net }, x) => call('z', (s) => ({ z: net(s.z, x) })),
    answer: 'z',
    output: outputNet({ hidden: 64, vocabulary: 11, sequence: 81 }),
    qHead: confidence,
  }),
)

const layered = reasoner({
  ...parts,
  blocks: { net: level },
  state: { z: fromInput },
  think: ({ net }) => each(net.layers, (layer) => call('z', (s) => ({ z: layer(s.z) }))),
  answer: 'z',
})
expectError(layered.parameters.z)
expectError(
  reasoner({
    ...parts,
    blocks: { net: transformerBlock({ hidden: 64, heads: 2 }) },
    state: { z: fromInput },
    think: ({ net }) => each(net.layers, (layer) => call('z', (s) => ({ z: layer(s.z) }))),
    answer: 'z',
  }),
)
expectType<[1536, 512]>(
  hrm({ vocabulary: 11, sequence: 81 }).parameters.H_level.layers[3].self_attn.qkv_proj.weight.shape,
)
expectType<[11, 512]>(hrm({ vocabulary: 11, sequence: 81 }).parameters.lm_head.weight.shape)
expectType<[1024, 97]>(
  trm({ vocabulary: 11, sequence: 81, mixing: 'mlp' }).parameters.L_level.layers[1].mlp_t.gate_up_proj.weight.shape,
)
expectError(hrm({ vocabulary: 11, sequence: 81, hidden: 500 }))
expectError(hrm({ vocabulary: 11, sequence: 81, hidden: 512, heads: 7 }))
expectError(trm({ vocabulary: 11, sequence: 81, hidden: 24, heads: 8 }))
expectError(trm({ vocabulary: 11, sequence: 81 }).parameters.L_level.layers[0].mlp_t)

const sized = { vocabulary: 11, sequence: 81, hidden: 64, heads: 2 } as const
expectType<[512, 64]>(
  transformer({ ...sized, layers: 3, expansion: 1 }).parameters.net.layers[2].mlp.gate_up_proj.weight.shape,
)
expectType<[64]>(recurrent({ ...sized, loops: 2 }).parameters.init.shape)
expectType<[81, 64]>(
  universal({ ...sized, puzzleEmbedding: 0, positions: 'learned' }).parameters.embed_pos.embedding_weight.shape,
)
expectError(transformer({ ...sized, layers: 3 }).parameters.init)
expectError(transformer({ ...sized, loops: 3 }))
expectError(recurrent({ ...sized, heads: 3 }))
expectError(universal({ ...sized, heads: 3 }))
expectType<[64]>(trmSix({ ...sized, puzzleTokens: 1 }).parameters.L6_init.shape)
expectType<[64]>(trmSingle(sized).parameters.L_init.shape)
expectType<[256, 1, 2]>(urm({ ...sized, layers: 1, expansion: 1 }).parameters.net.layers[0].mlp.dwconv.weight.shape)
expectType<[64, 64]>(rins(sized).parameters.H_level.layers[3].self_attn.o_proj.weight.shape)
expectType<[512, 81]>(
  eqr({ ...sized, mixing: 'mlp', noise: 0.1 }).parameters.L_level.layers[1].mlp_t.gate_up_proj.weight.shape,
)
expectError(eqr(sized).parameters.H_init)
expectError(eqr(sized).parameters.puzzle_emb)
expectError(eqr({ ...sized, puzzleEmbedding: 64 }))
expectError(eqr({ ...sized, heads: 3 }))
expectType<Halting>(decayingLoss(0.7, adaptiveHalting({ maxSegments: 4 })))
expectError(decayingLoss(0.7, { maxSegments: 4 }))
const grown = cgar({ ...sized, lossDecay: 0.5 })
expectType<[64]>(grown.parameters.L_init.shape)
expectError(cgar({ ...sized, heads: 3 }))
expectError(trm({ ...sized, lossDecay: 0.5 }))
const shallow = trm({ ...sized, cycles: 1, steps: 2 })
expectType<[64]>(curriculum([{ until: 0.3, model: shallow }], trm(sized)).parameters.L_init.shape)
expectError(curriculum([{ until: 0.3, model: trm({ ...sized, layers: 1 }) }], trm(sized)))
expectError(curriculum([{ until: 0.3, model: trmSingle(sized) }], trm(sized)))
expectError(trmSingle(sized).parameters.H_init)
expectError(trmSix({ ...sized, heads: 3 }))
expectError(trmSingle({ ...sized, heads: 3 }))
expectError(urm({ ...sized, heads: 3 }))
expectError(rins({ ...sized, heads: 3 }))
expectError(rins({ ...sized, cycles: 3 }))
const square = { vocabulary: 11, sequence: 81 } as const
expectType<[384, 256]>(seRrm(square).parameters.L_level.layers[1].attn_t.qkv_proj.weight.shape)
expectType<[64, 16]>(
  seRrm({ ...square, hidden: 64, symbolWidth: 16, layers: 1 }).parameters.L_level.layers[0].attn_t.o_proj.weight.shape,
)
expectError(seRrm(square).parameters.q_head)
expectError(seRrm({ ...square, heads: 3 }))
expectError(seRrm({ ...square, symbolHeads: 3 }))
expectError(seRrm({ ...square, heads: 128 }))
expectError(seRrm({ ...square, hidden: 6, heads: 1, rotary: 'none' }))
expectError(seRrm({ ...square, specials: 12 }))
expectError(hrm({ ...square, expansion: -1 }))
expectError(hrm({ ...square, layers: { high: 0, low: 4 } }))
expectError(trm({ ...square, layers: -2 }))
expectError(universal({ ...square, expansion: 0 }))
expectError(seRrm({ ...square, layers: 0 }))
