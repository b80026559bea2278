/**
 * What every kernel family produces: WGSL text with its bindings and its grid. Pure data; knows nothing of devices.
 *
 * Bindings are all in group 0, numbered from 0: inputs first, outputs last. Every storage binding is declared
 * `var<storage, read_write>`: tensors are ranges of shared arenas, and WebGPU refuses one buffer bound both `read` and
 * `read_write` in a dispatch, even for disjoint ranges.
 */
import type { ImageSpec } from './image.js'

export interface Kernel {
  /** Family and variant, e.g. `matmul.nt 40×64×32 subgroup 2×2`; shown by profiles. */
  readonly name: string
  readonly wgsl: string
  /** Number of storage bindings (inputs, then outputs). */
  readonly bindings: number
  /** Bindings that are read as images too: each is bound once more, after the storage bindings. */
  readonly images?: readonly ImageSpec[]
  readonly workgroups: readonly [x: number, y: number, z: number]
}

/** Which schedule family suits the adapter: lavapipe/SwiftShader (no workgroup memory, one subgroup a workgroup), or a GPU. */
export type AdapterClass = 'software' | 'gpu'

/** Matrix units a subgroup drives together: C[m,n] += A[m,k]·B[k,n], f16 operands, f32 sums. */
export interface MatrixUnit {
  readonly m: number
  readonly n: number
  readonly k: number
  readonly subgroupSize: number
  /** The adapter has subgroups of several sizes: a kernel must ask for this one. */
  readonly asksForSize: boolean
}

/** What a kernel family may rely on. */
export interface Target {
  readonly adapterClass: AdapterClass
  /** Lanes of a subgroup when `subgroups` is there and the size is fixed (8 on lavapipe); 0 without subgroups. */
  readonly subgroupSize: number
  /** Most bytes one storage binding may cover. */
  readonly maxBindingBytes: number
  readonly maxStorageBuffers: number
  readonly maxWorkgroupsPerDimension: number
  readonly maxWorkgroupInvocations: number
  readonly maxWorkgroupMemoryBytes: number
  /** WGSL reads storage textures: kernels may have images. */
  readonly hasImages?: boolean
  /** WGSL has the type `f16`. */
  readonly hasF16?: boolean
  /** Where there are matrix units that were found to compute rightly. */
  readonly matrix?: MatrixUnit
}
