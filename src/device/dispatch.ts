/**
 * From a kernel (text) to a dispatch: compiling its WGSL once per device, binding its buffers and images, encoding it.
 */
import type { Kernel } from '../../kernels/kernel.js'
import { assertAlive, type Device } from './adapter.js'
import type { Range } from './buffer.js'
import { copyImage, type Image, imageLayout, imageOf, viewOf } from './image.js'
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

const keyOf = ({ bindings, images = [], wgsl }: Kernel): string => `${bindings} ${images.length} ${wgsl}`

/** A dispatch made ready. */
export interface Command {
  readonly pipeline: GPUComputePipeline
  readonly bindings: GPUBindGroup
  readonly workgroups: Kernel['workgroups']
  /** What it reads as images. */
  readonly images: readonly Image[]
}

/** The dispatch of a kernel: ranges in the order of its binding numbers, all read and written. */
export const commandOf = async (device: Device, kernel: Kernel, ranges: readonly Range[]): Promise<Command> => {
  if (ranges.length !== kernel.bindings)
    throw new Error(`${kernel.name} has ${kernel.bindings} bindings, given ${ranges.length} buffers`)
  const pipeline = await pipelineOf(device, kernel)
  const images = (kernel.images ?? []).map((image, place) => imageOf(device, place, image, ranges[image.binding]!))
  const resources = [
    ...ranges.map(({ buffer, offset, bytes }) => ({ buffer, offset, size: bytes })),
    ...images.map(viewOf),
  ]
  const bindings = device.gpu.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: resources.map((resource, binding) => ({ binding, resource })),
  })
  return { pipeline, bindings, images, workgroups: kernel.workgroups }
}

/**
 * Appends dispatches. All are in one pass but where an image is copied, which a pass does not do; with `timed` each is in
 * one of its own.
 */
export const encode = (
  encoder: GPUCommandEncoder,
  commands: readonly Command[],
  timed?: (command: number) => GPUComputePassTimestampWrites,
): void => {
  let pass: GPUComputePassEncoder | undefined
  for (const [i, { pipeline, bindings, workgroups, images }] of commands.entries()) {
    if (timed !== undefined || images.length > 0) {
      pass?.end()
      pass = undefined
    }
    for (const image of images) copyImage(encoder, image)
    pass ??= encoder.beginComputePass(timed && { timestampWrites: timed(i) })
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, bindings)
    pass.dispatchWorkgroups(...workgroups)
  }
  pass?.end()
}

/** Dispatches by themselves, all of them `repeats` times, ready to be submitted. */
export const commandBuffer = (device: Device, commands: readonly Command[], repeats = 1): GPUCommandBuffer => {
  const encoder = device.gpu.createCommandEncoder()
  for (let i = 0; i < repeats; i++) encode(encoder, commands)
  return encoder.finish()
}

/** Runs one kernel by itself: submitted when this resolves, not yet done. */
export const dispatch = async (device: Device, kernel: Kernel, ranges: readonly Range[]): Promise<void> => {
  assertAlive(device)
  device.gpu.queue.submit([commandBuffer(device, [await commandOf(device, kernel, ranges)])])
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
  const kinds = [
    ...Array.from({ length: kernel.bindings }, () => ({ buffer: { type: 'storage' } }) as const),
    ...(kernel.images ?? []).map((image) => ({ storageTexture: imageLayout(image) })),
  ]
  const entries = kinds.map((kind, binding) => ({ binding, visibility: COMPUTE_STAGE, ...kind }))
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
