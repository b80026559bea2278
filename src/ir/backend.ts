/**
 * What a device does with graphs, as a type: the reference interpreter, Dawn and a browser's WebGPU all do this.
 * Resident tensors belong to the backend and are shared by name between the graphs it has loaded, so that a training
 * graph and an evaluation graph see the same parameters.
 */
import type { Dims } from '../shape/index.js'
import type { Graph } from './tensor.js'

/** Values of one tensor on the host, row-major: f32, i32, or bool as 0/1. */
export type HostArray = Float32Array | Int32Array | Uint32Array

export interface Executable {
  /**
   * Writes the streamed inputs (all of them, by name), computes, and applies the updates. Resolves when the work is
   * handed over, which may be before it is done; a failure of the device rejects a later `read`.
   */
  readonly run: (inputs: Readonly<Record<string, HostArray>>) => Promise<void>
  /** Outputs of the last run, by name. Waits for it. */
  readonly read: (outputs: readonly string[]) => Promise<Readonly<Record<string, HostArray>>>
  /** Bytes of device memory this graph needs beside the resident tensors. */
  readonly workspaceBytes: number
}

export interface Backend {
  /** E.g. `llvmpipe (LLVM 15.0.6, 256 bits)` or `reference interpreter`. */
  readonly name: string
  readonly kind: 'reference' | 'software' | 'gpu'
  /** Compiles and allocates; resident tensors it does not know yet start as zeros. */
  readonly load: (graph: Graph, dims: Dims) => Promise<Executable>
  /** Contents of resident tensors. Writing one that no graph has declared creates it. */
  readonly write: (resident: string, data: HostArray) => void
  readonly read: (residents: readonly string[]) => Promise<Readonly<Record<string, HostArray>>>
  /** Most bytes allocated so far. */
  readonly peakBytes: () => number
  readonly dispose: () => void
}
