/** What an editor shows when one points at a value: its shape, not the machinery that computed it. */
import { describe, expect, it } from 'vitest'
import { edited } from '../support/program.js'

/** `^?` under a name asks what hovering over it shows; the line goes on with the answer. */
const program = `
import { pipe } from 'fp-ts/lib/function.js'
import {
  adaptiveHalting, add, bindParameters, block, broadcastTo, call, cast, concat, crossEntropy, dotProductAttention, einsum,
  equal, flow, gather, hierarchicalConvergence, hrm, input, inputNet, less, linear, mul, multiplyDims, not,
  oneStepGradient, outputNet, pad, parameterShapes, qHead, rearrange, reasoner, reshape, residual, rotaryTables,
  roundUpDims, select, seq, sigmoid, silu, slice, softmax, split, stack, sum, transformerBlock, transpose, unsqueeze,
} from 'thetagrad'

const x = input('x', ['batch', 81, 512], 'f32', 'streamed')
//    ^? const x: Tensor<["batch", 81, 512], "f32">
const ids = input('ids', ['batch', 81], 'i32', 'streamed')
const up = linear(512, 1536).apply({ weight: input('up', [1536, 512], 'f32', 'resident') })
const down = linear(1536, 512).apply({ weight: input('down', [512, 1536], 'f32', 'resident') })

const called = up(x)
//    ^? const called: Tensor<["batch", 81, 1536], "f32">
const piped = pipe(x, up, down, (y) => sum(y, 1))
//    ^? const piped: Tensor<["batch", 512], "f32">
const inline = pipe(x, up, (y) => mul(y, 2))
//                          ^? (parameter) y: Tensor<["batch", 81, 1536], "f32">
const flowed = flow(up, down)(x)
//    ^? const flowed: Tensor<["batch", 81, 512], "f32">
const heads = rearrange(x, 'b t (h d) -> b h t d', { h: 8 })
//    ^? const heads: Tensor<["batch", 8, 81, 64], "f32">
const rows = rearrange(x, 'b t d -> (b t) d')
//    ^? const rows: Tensor<["81·batch", 512], "f32">
const scores = einsum('b h t d, b h s d -> b h t s', heads, heads)
//    ^? const scores: Tensor<["batch", 8, 81, 81], "f32">
const [gate, value] = split(x, 2, 2)
//     ^? const gate: Tensor<["batch", 81, 256], "f32">
const loss = crossEntropy('stablemax', x, ids)
//    ^? const loss: Tensor<["batch", 81], "f32">
const inner = roundUpDims(1365, 256)
//    ^? const inner: 1536
const shape = inputNet({ vocabulary: 11, sequence: 81, hidden: 512, puzzleEmbedding: 512 }).shape
//    ^? const shape: ["batch", 82, 512]

const [q, k, v] = split(reshape(heads, ['batch', 24, 27, 64]), 2, [9, 9, 9])
//        ^? const k: Tensor<["batch", 24, 9, 64], "f32">
const moved = transpose(heads, [3, 0, 2, 1])
//    ^? const moved: Tensor<[64, "batch", 81, 8], "f32">
const mixed = dotProductAttention(q, k, v)
//    ^? const mixed: Tensor<["batch", 24, 9, 64], "f32">
const padded = concat(1, pad(x, 1, 0, 3), slice(x, 1, 0, 2), x)
//    ^? const padded: Tensor<["batch", 167, 512], "f32">
const chosen = select(less(x, 0), softmax(x, 2), 0)
//    ^? const chosen: Tensor<["batch", 81, 512], "f32">
const looked = gather(chosen, cast(sum(x, 2), 'i32'))
//    ^? const looked: Tensor<["batch", 81, 81, 512], "f32">
const wide = broadcastTo(unsqueeze(sum(x, 0), 0), [3, 81, 512])
//    ^? const wide: Tensor<[3, 81, 512], "f32">
const truth = not(equal(ids, 3))
//    ^? const truth: Tensor<["batch", 81], "bool">
const sizes = x.shape
//    ^? const sizes: ["batch", 81, 512]
const [, positions] = sizes
//       ^? const positions: 81
const turn = rotaryTables(81, 64).cosine
//    ^? const turn: Tensor<[81, 1, 64], "f32">
const doubled = multiplyDims('batch', 2)
//    ^? const doubled: "2·batch"
const open = linear(512, positions as number).apply({ weight: input('w', [positions as number, 512], 'f32', 'resident') })
const unknown = open(x)
//    ^? const unknown: Tensor<["batch", 81, number], "f32">

const gated = block({
  name: 'gated',
  input: ['batch', 82, 64],
  parts: { value: linear(64, 64), gate: linear(64, 64) },
  compute: ({ value, gate }, y) => {
    //                       ^? (parameter) y: Tensor<["batch", 82, 64], "f32">
    const opened = mul(sigmoid(gate(y)), value(y))
    //    ^? const opened: Tensor<["batch", 82, 64], "f32">
    return opened
  },
})
const branch = residual(seq(linear(64, 256), silu(), linear(256, 64)))
const weight = stack(2, branch).parameters.layers[1][2].weight.shape
//    ^? const weight: [64, 256]

const level = stack(2, transformerBlock({ hidden: 64, heads: 2 }))
const model = reasoner({
  name: 'hovered',
  input: inputNet({ vocabulary: 11, sequence: 81, hidden: 64, puzzleEmbedding: 64 }),
  blocks: { H_level: stack(1, gated), L_level: level },
  state: { z_H: 'H_init', z_L: 'L_init' },
  think: ({ H_level, L_level }, embedded) =>
    //                          ^? (parameter) embedded: Tensor<["batch", 82, 64], "f32">
    hierarchicalConvergence({ cycles: 2, steps: 2, gradient: oneStepGradient })(
      call('L', (z) => {
        const injected = add(z.z_H, embedded)
        //    ^? const injected: Tensor<["batch", 82, 64], "f32">
        const next = L_level(z.z_L, injected)
        //    ^? const next: Tensor<["batch", 82, 64], "f32">
        return { ...z, z_L: next }
      }),
      call('H', (z) => ({ ...z, z_H: H_level(z.z_H, z.z_L) })),
      //                                              ^? (property) z_L: Tensor<["batch", 82, 64], "f32">
    ),
  answer: 'z_H',
  output: outputNet({ hidden: 64, vocabulary: 11, sequence: 81 }),
  qHead: qHead({ hidden: 64 }),
  halting: adaptiveHalting({ maxSegments: 4 }),
})
const trained = model.parameters.L_level.layers[1].mlp.down_proj.weight.shape
//    ^? const trained: [64, 256]
const start = model.parameters.H_init.shape
//    ^? const start: [64]
const bound = bindParameters(branch.parameters, () => input('p', [64, 256], 'f32', 'resident'))[2].weight
//    ^? const bound: Tensor<[64, 256], "f32">
const table = parameterShapes(branch.parameters)['2.weight']
//    ^? const table: [64, 256]
const paper = hrm({ vocabulary: 11, sequence: 81 }).parameters.H_level.layers[3].self_attn.qkv_proj.weight.shape
//    ^? const paper: [1536, 512]
export { bound, doubled, looked, mixed, moved, padded, start, table, truth, turn, unknown, wide }
export { gate, inline, loss, model, paper, rows, scores, shape, trained, value, weight, called, piped, flowed, inner }
`

describe('an editor', () => {
  const { hover, messages } = edited(program)
  const lines = program.split('\n')
  const starts = lines.map((_, i) => lines.slice(0, i).reduce((at, line) => at + line.length + 1, 0))
  const questions = lines.flatMap((line, i) => {
    const asked = /^ *\/\/ *\^\? (.*)$/.exec(line)
    return asked === null ? [] : [{ position: starts[i - 1]! + line.indexOf('^'), answer: asked[1]! }]
  })

  it('has nothing against the program', () => {
    expect(messages).toEqual([])
  })

  it.each(questions)('shows $answer', ({ position, answer }) => {
    expect(hover(position)).toBe(answer)
  })

  it('was asked about thirty values and more', () => {
    expect(questions.length).toBeGreaterThanOrEqual(30)
  })
})
