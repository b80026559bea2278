/** Evaluates a few tensors on the reference interpreter. */
import type { HostArray, Tensor } from '../../src/ir/index.js'
import { referenceBackend } from '../../src/reference/index.js'

export const compute = async <K extends string>(
  outputs: Readonly<Record<K, Tensor>>,
  inputs: Readonly<Record<string, HostArray>> = {},
): Promise<Readonly<Record<K, HostArray>>> => {
  const backend = referenceBackend()
  const executable = await backend.load({ outputs, updates: [] }, {})
  await executable.run(inputs)
  return (await executable.read(Object.keys(outputs))) as Readonly<Record<K, HostArray>>
}
