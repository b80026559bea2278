/**
 * From a kernel (text) to a dispatch: compiling its WGSL once per device, binding its buffers, encoding it.
 */
import type { Kernel } from '../../kernels/kernel.js'
import { assertAlive, type Device } from './adapter.js'
import type { Range } from './buffer.js'
import { settled } from './waiting.js'

/**
 * The kernel's pipeline, compiled at most once per device. A kernel that does not compile is a bug of its family:
 * rejects with the messages and the lines of WGSL they point at.
 */
export const pipelineOf = (device: Device, kernel: Kernel): Promise<GPUComputePipeline> => {
  const known = device.pipelines.get(keyOf(kernel))
  if (known !== undefined) return known
  const made = compile(device.gpu, kernel)
  device.pipelines.set(keyOf(kernel), made)
  return made
}

/** Whether the kernel's pipeline has been asked for before. */
export const isCompiled = (device: Device, kernel: Kernel): boolean => device.pipelines.has(keyOf(kernel))

const keyOf = ({ bindings, wgsl }: Kernel): string => `${bindings} ${wgsl}`

/** The kernel's bindings: ranges in the order of its binding numbers, all read and written. */
export const bind = (device: Device, pipeline: GPUComputePipeline, ranges: readonly Range[]): GPUBindGroup =>
  device.gpu.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: ranges.map(({ buffer, offset, bytes }, binding) => ({
      binding,
      resource: { buffer, offset, size: bytes },
    })),
  })

/** A dispatch made ready. */
export interface Command {
  readonly pipeline: GPUComputePipeline
  readonly bindings: GPUBindGroup
  readonly workgroups: Kernel['workgroups']
}

/** Appends one dispatch to a pass. */
export const encode = (
  pass: GPUComputePassEncoder,
  pipeline: GPUComputePipeline,
  bindings: GPUBindGroup,
  [x, y, z]: Kernel['workgroups'],
): void => {
  pass.setPipeline(pipeline)
  pass.setBindGroup(0, bindings)
  pass.dispatchWorkgroups(x, y, z)
}

/** Runs one kernel by itself: submitted when this resolves, not yet done. */
export const dispatch = async (device: Device, kernel: Kernel, ranges: readonly Range[]): Promise<void> => {
  if (ranges.length !== kernel.bindings)
    throw new Error(`${kernel.name} has ${kernel.bindings} bindings, given ${ranges.length} buffers`)
  assertAlive(device)
  const pipeline = await pipelineOf(device, kernel)
  const encoder = device.gpu.createCommandEncoder({ label: kernel.name })
  const pass = encoder.beginComputePass({ label: kernel.name })
  encode(pass, pipeline, bind(device, pipeline, ranges), kernel.workgroups)
  pass.end()
  device.gpu.queue.submit([encoder.finish()])
}

const COMPUTE_STAGE = 0x4 // GPUShaderStage.COMPUTE

/** The layout is spelled out because an inferred one drops bindings that the kernel happens not to use. */
const compile = async (gpu: GPUDevice, kernel: Kernel): Promise<GPUComputePipeline> => {
  gpu.pushErrorScope('validation')
  const module = gpu.createShaderModule({ label: kernel.name, code: kernel.wgsl })
  const refused = gpu.popErrorScope()
  const errors = (await settled(module.getCompilationInfo())).messages.filter(({ type }) => type === 'error')
  if (errors.length > 0)
    throw new Error(`${kernel.name} does not compile\n${errors.map((error) => quote(kernel.wgsl, error)).join('\n')}`)
  const error = await refused
  if (error !== null) throw new Error(`${kernel.name} does not compile\n${error.message}`)
  const entries = Array.from({ length: kernel.bindings }, (_, binding) => ({
    binding,
    visibility: COMPUTE_STAGE,
    buffer: { type: 'storage' as const },
  }))
  const layout = gpu.createPipelineLayout({ bindGroupLayouts: [gpu.createBindGroupLayout({ entries })] })
  try {
    const compute = { module, entryPoint: 'main' }
    return await settled(gpu.createComputePipelineAsync({ label: kernel.name, layout, compute }))
  } catch (cause) {
    throw new Error(`${kernel.name} makes no pipeline\n${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}

/** A compiler message with its line of WGSL and a caret under the place. */
const quote = (wgsl: string, { lineNum, linePos, message }: GPUCompilationMessage): string => {
  const line = wgsl.split('\n')[lineNum - 1] ?? ''
  const gutter = `${lineNum} | `
  return `${message}\n${gutter}${line}\n${' '.repeat(gutter.length + Math.max(0, linePos - 1))}^`
}
