/**
 * What the compiler makes: a serialisable value that says which buffers there are, what goes where, and which kernels run
 * in which order. A device needs nothing else to run it.
 */
import type { Kernel } from '../../kernels/kernel.js'
import type { MatmulSpec } from '../../kernels/matmul/index.js'
import type { DType, HostArray } from '../ir/index.js'

/** Bytes of a buffer of the program, by its number. */
export interface BufferRange {
  readonly buffer: number
  readonly offset: number
  readonly bytes: number
}

export interface ProgramBuffer {
  readonly name: string
  readonly bytes: number
  /** `resident` buffers belong to the backend and are shared by name; the others to this program. All start as zeros. */
  readonly kind: 'resident' | 'streamed' | 'workspace' | 'literals'
}

/** A named tensor: where it lies and what it is. */
export interface Slot {
  readonly range: BufferRange
  readonly dtype: DType
  readonly elements: number
}

export interface Dispatch {
  /** Number of the kernel in `kernels`. */
  readonly kernel: number
  readonly bindings: readonly BufferRange[]
  /** Floating-point operations of the nodes it computes; of a matmul's, its product's alone. */
  readonly flops: number
  /** Of a matmul: what its kernel answers, for tuning. */
  readonly matmul?: MatmulSpec
}

export interface Program {
  readonly buffers: readonly ProgramBuffer[]
  readonly kernels: readonly Kernel[]
  readonly dispatches: readonly Dispatch[]
  /** After the last dispatch: new values of resident tensors that could not be written in place. */
  readonly copies: readonly { readonly from: BufferRange; readonly to: BufferRange }[]
  readonly literals: readonly { readonly range: BufferRange; readonly data: HostArray }[]
  readonly streamed: Readonly<Record<string, Slot>>
  readonly residents: Readonly<Record<string, Slot>>
  readonly outputs: Readonly<Record<string, Slot>>
}

/** Bytes the program needs beside the resident tensors. */
export const workspaceBytes = (program: Program): number =>
  program.buffers.filter((b) => b.kind !== 'resident').reduce((n, b) => n + b.bytes, 0)

/** The schedule as text, a dispatch a line: `thetagrad check --show schedule`. */
export const printProgram = (program: Program): string => {
  const range = (r: BufferRange) => `${program.buffers[r.buffer]!.name}[${r.offset}..${r.offset + r.bytes}]`
  return [
    ...program.buffers.map((b) => `buffer ${b.name}: ${b.bytes} bytes, ${b.kind}`),
    ...program.dispatches.map(
      (d, i) =>
        `${i}: ${program.kernels[d.kernel]!.name} ×${program.kernels[d.kernel]!.workgroups.join('×')} (${d.bindings.map(range).join(', ')})`,
    ),
    ...program.copies.map((c) => `copy ${range(c.from)} → ${range(c.to)}`),
  ].join('\n')
}

/** The text of every kernel: `thetagrad check --show wgsl`. */
export const printKernels = (program: Program): string =>
  program.kernels.map((k) => `// ${k.name}\n${k.wgsl}`).join('\n\n')
