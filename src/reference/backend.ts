/** The interpreter as a backend: what runs where there is no graphics adapter, and what devices are compared with. */
import { type Backend, bindDims, type DType, graphRoots, type HostArray, simplify, topological } from '../ir/index.js'
import { turn } from '../turn.js'
import { evaluate } from './interpreter.js'
import type { Values } from './semantics.js'

const toHost = (values: Values, dtype: DType): HostArray =>
  dtype === 'f32' ? Float32Array.from(values) : dtype === 'i32' ? Int32Array.from(values) : Uint32Array.from(values)

export const referenceBackend = (): Backend => {
  const residents = new Map<string, { values: Values; dtype: DType }>()
  let bytes = 0
  const keep = (name: string, values: Values, dtype: DType) => {
    const known = residents.get(name)
    if (known === undefined) bytes += values.byteLength
    residents.set(name, { values, dtype: known?.dtype ?? dtype })
  }
  return {
    name: 'reference interpreter',
    kind: 'reference',
    f16: 'rounding',
    load: async (source, dims) => {
      const graph = simplify(bindDims(source, dims))
      const leaves = topological([...graphRoots(graph), ...graph.updates.map((u) => u.target)]).flatMap((n) =>
        n.op.kind === 'input' ? [n.op] : [],
      )
      const sizeOf = (shape: readonly (number | string)[]) => shape.reduce<number>((a, b) => a * (b as number), 1)
      for (const { name, residence, shape, dtype } of leaves) {
        if (residence !== 'resident') continue
        const known = residents.get(name)
        if (known === undefined) keep(name, new Float64Array(sizeOf(shape)), dtype)
        else if (known.values.length !== sizeOf(shape))
          throw new Error(`resident ${name} has ${known.values.length} elements, a graph wants ${sizeOf(shape)}`)
        else known.dtype = dtype
      }
      const names = Object.keys(graph.outputs)
      let results: ReadonlyMap<string, HostArray> = new Map()
      return {
        workspaceBytes: 0,
        dispose: () => {},
        run: async (inputs) => {
          for (const { name, residence, shape } of leaves) {
            if (residence !== 'streamed') continue
            const data = inputs[name]
            if (data === undefined) throw new Error(`the streamed input ${name} is missing`)
            if (data.length !== sizeOf(shape))
              throw new Error(`the input ${name} has ${sizeOf(shape)} elements, given ${data.length}`)
          }
          const values = evaluate(graphRoots(graph), (name) => {
            const streamed = inputs[name]
            return streamed === undefined ? residents.get(name)?.values : Float64Array.from(streamed)
          })
          results = new Map(names.map((name, i) => [name, toHost(values[i]!, graph.outputs[name]!.dtype)]))
          graph.updates.forEach(({ target }, i) => {
            // Residents are f32, as on a device: what is read and written back must be the very same.
            if (target.op.kind === 'input')
              keep(target.op.name, Float64Array.from(toHost(values[names.length + i]!, target.dtype)), target.dtype)
          })
          // It computes on this very thread: a Ctrl-C would be heard after the last run.
          await turn()
        },
        read: async (wanted) =>
          Object.fromEntries(
            wanted.map((name) => {
              const value = results.get(name)
              if (value === undefined) throw new Error(`the graph has no output ${name}, or was not run`)
              return [name, value]
            }),
          ),
      }
    },
    write: (name, data) => keep(name, Float64Array.from(data), 'f32'),
    read: async (names) =>
      Object.fromEntries(
        names.map((name) => {
          const r = residents.get(name)
          if (r === undefined) throw new Error(`there is no resident tensor ${name}`)
          return [name, toHost(r.values, r.dtype)]
        }),
      ),
    plan: () => ({ buffers: [] }),
    hasRoom: async () => true,
    peakBytes: () => bytes,
    dispose: () => residents.clear(),
  }
}
