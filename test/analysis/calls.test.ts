import { describe, expect, test } from 'vitest'
import { tracedSegment } from '../../src/analysis/index.js'
import {
  adaptiveHalting,
  call,
  hierarchicalConvergence,
  hrm,
  inputNet,
  inTurn,
  iterate,
  oneStepGradient,
  outputNet,
  qHead,
  reasoner,
  transformer,
  trm,
} from '../../src/hrm/index.js'
import { add, transformerBlock } from '../../src/nn/index.js'

const sizes = { vocabulary: 5, sequence: 4, hidden: 8 } as const
const block = transformerBlock({ hidden: 8, heads: 2, expansion: 1, rotary: true })
const rest = {
  input: inputNet({ ...sizes, puzzleEmbedding: 8 }),
  output: outputNet({ ...sizes }),
  qHead: qHead({ hidden: 8 }),
  halting: adaptiveHalting({ maxSegments: 2 }),
}
const statesOf = (model: Parameters<typeof tracedSegment>[0]) => tracedSegment(model).calls.map(({ state }) => state)

describe('which state a call changes', () => {
  test('in HRM and TRM', () => {
    const { vocabulary, sequence, hidden } = sizes
    const small = { vocabulary, sequence, hidden, heads: 2, expansion: 1, cycles: 2, steps: 2 } as const
    const expected = ['z_L', 'z_L', 'z_H', 'z_L', 'z_L', 'z_H']
    expect(statesOf(hrm({ ...small, layers: { high: 1, low: 1 } }))).toEqual(expected)
    expect(statesOf(trm({ ...small, layers: 1, puzzleTokens: 1 }))).toEqual(expected)
  })

  test('in a stack of layers of one state, and in a recurrent net', () => {
    const deep = reasoner({
      ...rest,
      name: 'deep',
      blocks: { first: block, second: block },
      state: { z: 'init' },
      think: ({ first, second }, x) =>
        inTurn(
          call('1', (s) => ({ z: first(s.z, x) })),
          call('2', (s) => ({ z: second(s.z) })),
        ),
      answer: 'z',
    })
    const recurrent = reasoner({
      ...rest,
      name: 'recurrent',
      blocks: { net: block },
      state: { z: 'init' },
      think: ({ net }, x) => iterate(3)(call('net', (s) => ({ z: net(s.z, x) }))),
      answer: 'z',
    })
    expect(statesOf(deep)).toEqual(['z', 'z'])
    expect(statesOf(recurrent)).toEqual(['z', 'z', 'z'])
  })

  test('on three levels', () => {
    const twice = hierarchicalConvergence({ cycles: 2, steps: 1, gradient: oneStepGradient })
    const model = reasoner({
      ...rest,
      name: 'three',
      blocks: { slow: block, medium: block, fast: block },
      state: { z_1: 'init_1', z_2: 'init_2', z_3: 'init_3' },
      think: ({ slow, medium, fast }, x) =>
        twice(
          twice(
            call('3', (z) => ({ ...z, z_3: fast(z.z_3, add(z.z_2, x)) })),
            call('2', (z) => ({ ...z, z_2: medium(z.z_2, add(z.z_1, z.z_3)) })),
          ),
          call('1', (z) => ({ ...z, z_1: slow(z.z_1, z.z_2) })),
        ),
      answer: 'z_1',
    })
    const cycle = ['z_3', 'z_2', 'z_3', 'z_2', 'z_1']
    expect(statesOf(model)).toEqual([...cycle, ...cycle])
  })

  test('where one level changes now one, now another', () => {
    const model = reasoner({
      ...rest,
      name: 'mixed',
      blocks: { net: block },
      state: { a: 'init_a', b: 'init_b' },
      think: ({ net }, x) =>
        iterate(2)(
          inTurn(
            call('net', (z) => ({ ...z, a: net(z.a, add(z.b, x)) })),
            call('net', (z) => ({ ...z, b: net(z.b, z.a) })),
          ),
        ),
      answer: 'b',
    })
    expect(statesOf(model)).toEqual(['a', 'b', 'a', 'b'])
  })

  test('in a state made of the input, which is not carried', () => {
    const model = transformer({ ...sizes, heads: 2, expansion: 1, layers: 3 })
    const { calls, states, graph } = tracedSegment(model)
    expect(calls).toEqual(['1', '2', '3'].map((level) => ({ level, state: 'z' })))
    expect(states).toEqual(['z'])
    expect(graph.updates).toEqual([])
  })
})
