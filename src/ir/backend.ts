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
  /** Gives that memory back; it cannot run again. */
  readonly dispose: () => void
}

/** What a graph takes on a device, known before anything is allocated. */
export interface MemoryPlan {
  /** Shared ones hold resident tensors: all graphs of a backend have one of a name. */
  readonly buffers: readonly { readonly name: string; readonly bytes: number; readonly isShared: boolean }[]
  /** Why the device cannot hold it at all, where it cannot. */
  readonly refusal?: string
}

/** How long one dispatch of a run took. */
export interface KernelTime {
  readonly kernel: string
  readonly seconds: number
  /** Floating-point operations of the nodes it computes. */
  readonly flops: number
  /** Of what it binds, each once. */
  readonly bytes: number
  /** The resident tensors it reads or writes. */
  readonly residents: readonly string[]
}

/** Times every dispatch of the runs between `start` and `stop`. */
export interface Profiler {
  readonly start: () => void
  /** Dispatch by dispatch, run by run. Waits for them. */
  readonly stop: () => Promise<readonly KernelTime[]>
}

export interface TuneOptions {
  /** Measure also what was measured before, */
  readonly again?: boolean
  /** but not these shapes. */
  readonly except?: ReadonlySet<string>
  /** Hears of each shape when it is done. */
  readonly told?: (tuned: Tuned, done: number, shapes: number) => void
}

/** What was measured for one shape of matmul. */
export interface Tuned {
  /** Layout and sizes, e.g. `nt 1×1088×512×128`. */
  readonly shape: string
  /** How often a run of the graph computes it. */
  readonly uses: number
  readonly byDefault: string
  readonly fastest: string
  /** Time of the default over that of the fastest, the median of rounds in which they took turns; 1 where it is the fastest. */
  readonly speedup: number
  /** Of a dispatch of the fastest. */
  readonly seconds: number
  /** Variants whose results were wrong: they are never taken. */
  readonly wrong: readonly string[]
}

/**
 * How a device multiplies f16: on matrix units, as WGSL's f16, or by rounding f32 numbers, which gives the values of f16 but
 * takes longer.
 */
export type HalfSupport = 'matrix' | 'native' | 'rounding'

export interface Backend {
  /** E.g. `llvmpipe (LLVM 15.0.6, 256 bits)` or `reference interpreter`. */
  readonly name: string
  readonly kind: 'reference' | 'software' | 'gpu'
  /** Absent: it cannot, or gains nothing by it. */
  readonly f16?: HalfSupport
  /** Compiles and allocates; resident tensors it does not know yet start as zeros. Without room it rejects, and holds nothing. */
  readonly load: (graph: Graph, dims: Dims) => Promise<Executable>
  /** Contents of resident tensors. Writing one that no graph has declared creates it. */
  readonly write: (resident: string, data: HostArray) => void
  readonly read: (residents: readonly string[]) => Promise<Readonly<Record<string, HostArray>>>
  /** What `load` would allocate. */
  readonly plan: (graph: Graph, dims: Dims) => MemoryPlan
  /** Whether buffers of these bytes find room beside what is allocated. */
  readonly hasRoom: (buffers: readonly number[]) => Promise<boolean>
  /** Most bytes allocated so far. */
  readonly peakBytes: () => number
  /**
   * Measures the variants of the matmuls that do nearly all of the graph's multiplying and were not measured on this
   * adapter yet; programs that are loaded later use the fastest.
   */
  readonly tune?: (graph: Graph, dims: Dims, options: TuneOptions) => Promise<readonly Tuned[]>
  /** Where the device was opened to profile and takes timestamps. */
  readonly profiler?: Profiler
  readonly dispose: () => void
}
