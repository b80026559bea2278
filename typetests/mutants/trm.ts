/**
 * TRM at paper size, every dimension written where it is used: what the mutation check changes one by one.
 * The one set of blocks: y = rms(y + attention(y)); y = rms(y + swiglu(y)). T = 97, 16 of them puzzle tokens; D = 512,
 * 8 heads of 64.
 */
import {
  adaptiveHalting,
  add,
  block,
  call,
  dotProductAttention,
  hierarchicalConvergence,
  inputNet,
  linear,
  mul,
  named,
  outputNet,
  postNorm,
  qHead,
  rearrange,
  reasoner,
  reshape,
  residual,
  rotaryTables,
  rotate,
  seq,
  silu,
  split,
  stack,
  wholeCycleGradient,
} from 'thetagrad'

const turn = rotaryTables(97, 64)

const selfAttention = block({
  name: 'selfAttention',
  input: ['batch', 97, 512],
  parts: { qkv_proj: linear(512, 1536), o_proj: linear(512, 512) },
  compute: ({ qkv_proj, o_proj }, x) => {
    const [q, k, v] = split(reshape(qkv_proj(x), ['batch', 97, 24, 64]), 2, 3)
    const mixed = dotProductAttention(rotate(q, turn), rotate(k, turn), v)
    return o_proj(rearrange(mixed, 'b t h d -> b t (h d)'))
  },
})

const swiglu = block({
  name: 'swiglu',
  input: ['batch', 97, 512],
  parts: { gate_up_proj: linear(512, 3072), down_proj: linear(1536, 512) },
  compute: ({ gate_up_proj, down_proj }, x) => {
    const [gate, up] = split(gate_up_proj(x), 2, [1536, 1536])
    return down_proj(mul(silu().apply({})(gate), up))
  },
})

const layer = seq(named('self_attn', postNorm(residual(selfAttention))), named('mlp', postNorm(residual(swiglu))))

export default reasoner({
  name: 'trm',
  input: inputNet({ vocabulary: 11, sequence: 81, hidden: 512, puzzleEmbedding: 512, puzzleTokens: 16 }),
  blocks: { L_level: stack(2, layer) },
  state: { z_H: 'H_init', z_L: 'L_init' },
  think: ({ L_level }, x) =>
    hierarchicalConvergence({ cycles: 3, steps: 6, gradient: wholeCycleGradient })(
      call('L', (z) => ({ ...z, z_L: L_level(z.z_L, add(z.z_H, x)) })),
      call('H', (z) => ({ ...z, z_H: L_level(z.z_H, z.z_L) })),
    ),
  answer: 'z_H',
  output: outputNet({ hidden: 512, vocabulary: 11, sequence: 81 }),
  qHead: qHead({ hidden: 512 }),
  halting: adaptiveHalting({ maxSegments: 16, continuation: false }),
})
