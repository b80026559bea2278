import { expect, it } from 'vitest'
import { qHead } from '../../src/hrm/index.js'
import { input, withPrecision } from '../../src/ir/index.js'
import { bindParameters, run } from '../../src/nn/index.js'
import { referenceBackend } from '../../src/reference/index.js'

it('QHead is in f32 whatever the precision: weights that f16 has no numbers for count', async () => {
  const head = qHead({ hidden: 4 })
  const backend = referenceBackend()
  const bound = bindParameters(head.parameters, ({ path, spec }) => input(path, spec.shape, 'f32', 'resident'))
  const z = input('z', [1, 3, 4], 'f32', 'streamed')
  const graph = withPrecision({ outputs: { q: run(head as never, bound, z) }, updates: [] }, 'f16')
  const { run: step, read } = await backend.load(graph, {})
  backend.write('weight', new Float32Array(8).fill(1e-6))
  backend.write('bias', new Float32Array(2))
  await step({ z: new Float32Array(12).fill(1) })
  for (const q of (await read(['q'])).q!) expect(q).toBeCloseTo(4e-6, 10)
})
