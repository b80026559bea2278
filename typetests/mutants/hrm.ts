/**
 * HRM at paper size, every dimension written where it is used: what the mutation check changes one by one.
 * One L- or H-block: y = rms(y + attention(y)); y = rms(y + swiglu(y)). B batch, T = 82, D = 512, 8 heads of 64.
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
  oneStepGradient,
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
} from 'thetagrad'

const turn = rotaryTables(82, 64)

const selfAttention = block({
  name: 'selfAttention',
  input: ['batch', 82, 512],
  parts: { qkv_proj: linear(512, 1536), o_proj: linear(512, 512) },
  compute: ({ qkv_proj, o_proj }, x) => {
    const [q, k, v] = split(reshape(qkv_proj(x), ['batch', 82, 24, 64]), 2, 3)
    const mixed = dotProductAttention(rotate(q, turn), rotate(k, turn), v)
    return o_proj(rearrange(mixed, 'b t h d -> b t (h d)'))
  },
})

const swiglu = block({
  name: 'swiglu',
  input: ['batch', 82, 512],
  parts: { gate_up_proj: linear(512, 3072), down_proj: linear(1536, 512) },
  compute: ({ gate_up_proj, down_proj }, x) => {
    const [gate, up] = split(gate_up_proj(x), 2, [1536, 1536])
    return down_proj(mul(silu().apply({})(gate), up))
  },
})

const layer = seq(named('self_attn', postNorm(residual(selfAttention))), named('mlp', postNorm(residual(swiglu))))

export default reasoner({
  name: 'hrm',
  input: inputNet({ vocabulary: 11, sequence: 81, hidden: 512, puzzleEmbedding: 512, puzzleTokens: 1 }),
  blocks: { H_level: stack(4, layer), L_level: stack(4, layer) },
  state: { z_H: 'H_init', z_L: 'L_init' },
  think: ({ H_level, L_level }, x) =>
    hierarchicalConvergence({ cycles: 2, steps: 2, gradient: oneStepGradient })(
      call('L', (z) => ({ ...z, z_L: L_level(z.z_L, add(z.z_H, x)) })),
      call('H', (z) => ({ ...z, z_H: H_level(z.z_H, z.z_L) })),
    ),
  answer: 'z_H',
  output: outputNet({ hidden: 512, vocabulary: 11, sequence: 81 }),
  qHead: qHead({ hidden: 512 }),
  halting: adaptiveHalting({ maxSegments: 16 }),
})
