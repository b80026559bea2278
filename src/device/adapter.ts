/**
 * Opening a device: Dawn in Node, `navigator.gpu` in a browser. Which adapter, what it can do (`Target`), and how its
 * failures are told. Must not know of graphs or programs.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { AdapterClass, MatrixUnit, Target } from '../../kernels/kernel.js'
import type { MatmulVariant } from '../../kernels/matmul/index.js'
import type { HalfSupport } from '../ir/index.js'
import { type Problem, problem } from '../problem.js'
import { type MatrixInfo, matrixUnitOf } from './matrix-unit.js'
import { settled } from './waiting.js'

export interface DeviceOptions {
  /** Take the adapter whose name contains this (Node only); without it, the fastest one. */
  readonly adapter?: string
  /** Dawn's backend (Node only). `null` computes nothing but compiles everything, matrix kernels included. */
  readonly backend?: 'vulkan' | 'metal' | 'd3d12' | 'null'
  /** Unquantised timestamps, for profiling. */
  readonly profile?: boolean
  /**
   * Whether the matrix units that an adapter offers are to be used. They are experimental: drivers have crashed and
   * miscalculated (see `matrix-check.ts`). Absent: they are not.
   */
  readonly matrix?: (adapter: AdapterDescription) => Promise<boolean>
}

/** What an adapter says of itself, as `doctor` shows it. */
export interface AdapterDescription {
  readonly vendor: string
  readonly architecture: string
  readonly device: string
  readonly description: string
  readonly adapterClass: AdapterClass
  readonly features: readonly string[]
  readonly limits: Readonly<Record<string, number>>
  /** Matrix units it offers for f16; whether they work is another question. */
  readonly matrix?: MatrixUnit
}

/** An open device. Its caches live and die with it. */
export interface Device {
  readonly gpu: GPUDevice
  readonly target: Target
  readonly description: AdapterDescription
  /** Opened to time kernels. */
  readonly profile: boolean
  /** The first failure seen (device lost, uncaptured error), if any. */
  readonly failure: () => Problem | undefined
  /** Records a failure, unless one came before it. */
  readonly fail: (failure: Problem) => void
  /** Pipelines by WGSL text; filled by `dispatch.ts`. */
  readonly pipelines: Map<string, Promise<GPUComputePipeline>>
  /** The fastest variants, by shape; filled by `backend.ts` from what was measured. */
  readonly tuning: Map<string, MatmulVariant>
  /** Images of bindings, by what may share one; made by `image.ts`. */
  readonly images: Map<string, GPUTexture>
  /** Idle read-back buffers; used by `buffer.ts`. */
  readonly staging: GPUBuffer[]
  /** Opens a further device of the same adapter. */
  readonly another: TaskEither<Problem, Device>
  readonly dispose: () => void
}

/** How a broken device reaches someone who awaits its results: the problem rides on the rejection. */
export class DeviceFailure extends Error {
  constructor(readonly problem: Problem) {
    super(problem.what)
    this.name = 'DeviceFailure'
  }
}

/** Throws what went wrong with the device, if something did. */
export const assertAlive = (device: Device): void => {
  const failure = device.failure()
  if (failure !== undefined) throw new DeviceFailure(failure)
}

/** Opens the device: the fastest adapter there is, with every feature and limit that kernels can use. */
export const openDevice =
  (options: DeviceOptions = {}): TaskEither<Problem, Device> =>
  async () => {
    const entry = await webgpu(options)
    if (E.isLeft(entry)) return entry
    const adapter = await findAdapter(entry.right, options)
    if (E.isLeft(adapter)) return adapter
    try {
      const description = describeAdapter(adapter.right)
      const { matrix } = description
      const isTrusted = matrix !== undefined && (await options.matrix?.(description)) === true
      const target = {
        ...(isTrusted && { matrix }),
        hasImages: entry.right.wgslLanguageFeatures.has('readonly_and_readwrite_storage_textures'),
      }
      return E.right(wrap(await requestDevice(adapter.right), adapter.right, options, target))
    } catch (cause) {
      return E.left(problem('the graphics adapter refused to open a device', { why: message(cause) }))
    }
  }

/** Every adapter there is, without opening any: first the one `openDevice()` takes. Empty when there is none. */
export const listAdapters: TaskEither<Problem, readonly AdapterDescription[]> = async () => {
  const found: AdapterDescription[] = []
  const keep = async (options: DeviceOptions) => {
    const entry = await webgpu(options)
    if (E.isLeft(entry)) return entry
    const adapter = await findAdapter(entry.right, options)
    if (E.isRight(adapter)) {
      const description = describeAdapter(adapter.right)
      if (found.every((other) => other.device !== description.device)) found.push(description)
    }
    return adapter
  }
  const first = await keep({})
  if (E.isLeft(first)) return first
  for (const name of await adapterNames()) await keep({ adapter: name })
  return E.right(found)
}

/** Class, features and limits of an adapter. */
export const describeAdapter = (adapter: GPUAdapter): AdapterDescription => {
  const { vendor, architecture, device, description } = adapter.info
  const matrix = matrixUnitOf(adapter.info as MatrixInfo, adapter.features)
  return {
    vendor,
    architecture,
    device,
    description,
    adapterClass: classify(adapter.info),
    features: [...adapter.features].sort(),
    limits: Object.fromEntries(LIMITS.map((name) => [name, Number(adapter.limits[name])])),
    ...(matrix !== undefined && { matrix }),
  }
}

/** Lavapipe, SwiftShader and WARP compute on the processor: they want other kernels than a GPU does. */
export const classify = (
  info: Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'device' | 'description'> & { isFallbackAdapter?: boolean },
): AdapterClass => {
  const words = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`
  return info.isFallbackAdapter === true || /llvmpipe|lavapipe|swiftshader|software|basic render/i.test(words)
    ? 'software'
    : 'gpu'
}

/** How an adapter multiplies f16; not at all where the answer is undefined. */
export const halfSupport = ({
  adapterClass,
  matrix,
  hasF16,
}: Pick<Target, 'adapterClass' | 'matrix' | 'hasF16'>): HalfSupport | undefined => {
  if (adapterClass === 'software') return 'rounding'
  if (matrix !== undefined) return 'matrix'
  return hasF16 === true ? 'native' : undefined
}

/** The limits kernels care for; a device gets the adapter's own, not the portable defaults. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
  'minStorageBufferOffsetAlignment',
] as const satisfies readonly (keyof GPUSupportedLimits)[]

/** Features kernels can use, where they are there. */
const FEATURES = [
  'subgroups',
  'subgroup-size-control',
  'shader-f16',
  'timestamp-query',
  'chromium-experimental-subgroup-matrix',
]

const requestDevice = (adapter: GPUAdapter): Promise<GPUDevice> =>
  settled(
    adapter.requestDevice({
      requiredFeatures: FEATURES.filter((name) => adapter.features.has(name)) as GPUFeatureName[],
      requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, Number(adapter.limits[name])])),
    }),
  )

const wrap = (
  gpu: GPUDevice,
  adapter: GPUAdapter,
  options: DeviceOptions,
  further: Pick<Target, 'matrix' | 'hasImages'>,
): Device => {
  let failure: Problem | undefined
  const fail = (next: Problem) => {
    failure ??= next
  }
  gpu.addEventListener('uncapturederror', (event) => {
    event.preventDefault() // or Dawn prints it as well
    fail(problem('the graphics device reported an error', { why: (event as GPUUncapturedErrorEvent).error.message }))
  })
  gpu.lost.then(({ reason, message }) => {
    if (reason !== 'destroyed') fail(lostProblem(message))
  })
  const description = describeAdapter(adapter)
  return {
    gpu,
    target: { ...targetOf(gpu, adapter.info, description.adapterClass), ...further },
    description,
    profile: options.profile === true,
    failure: () => failure,
    fail,
    pipelines: new Map(),
    tuning: new Map(),
    images: new Map(),
    staging: [],
    another: openDevice(options),
    dispose: () => gpu.destroy(),
  }
}

const targetOf = (gpu: GPUDevice, info: GPUAdapterInfo, adapterClass: AdapterClass): Target => ({
  adapterClass,
  subgroupSize:
    gpu.features.has('subgroups') && info.subgroupMinSize === info.subgroupMaxSize ? (info.subgroupMaxSize ?? 0) : 0,
  maxBindingBytes: gpu.limits.maxStorageBufferBindingSize,
  maxStorageBuffers: gpu.limits.maxStorageBuffersPerShaderStage,
  maxWorkgroupsPerDimension: gpu.limits.maxComputeWorkgroupsPerDimension,
  maxWorkgroupInvocations: gpu.limits.maxComputeInvocationsPerWorkgroup,
  maxWorkgroupMemoryBytes: gpu.limits.maxComputeWorkgroupStorageSize,
  hasF16: gpu.features.has('shader-f16'),
})

const lostProblem = (why: string): Problem =>
  problem('the graphics device was lost', {
    why: why || 'the driver gave no reason',
    fix: 'start again from the last checkpoint (`--resume`); if it happens again, use a smaller batch: running out of device memory is the usual reason',
  })

const noAdapter = (why: string): Problem =>
  problem('no graphics adapter that WebGPU can use was found', {
    why,
    fix: 'run `thetagrad doctor`: it says what is missing and how to get it',
  })

const findAdapter = async (gpu: GPU, options: DeviceOptions): Promise<Either<Problem, GPUAdapter>> => {
  try {
    const adapter = await settled(gpu.requestAdapter({ powerPreference: 'high-performance' }))
    if (adapter !== null) return E.right(adapter)
    return E.left(noAdapter('no Vulkan, Metal or Direct3D 12 driver answered'))
  } catch (cause) {
    return E.left(noAdapter(`no adapter named like \`${options.adapter ?? ''}\`: ${message(cause)}`))
  }
}

/** Names of all adapters. Dawn tells them when it is asked for one that cannot be there; a browser never does. */
const adapterNames = async (): Promise<readonly string[]> => {
  const entry = await webgpu({ adapter: 'the list, please' })
  if (E.isLeft(entry)) return []
  const answer = await settled(
    entry.right.requestAdapter().then(
      () => '',
      (cause: unknown) => message(cause),
    ),
  )
  return [...answer.matchAll(/name: '([^']*)'/g)].map((match) => match[1] ?? '').filter((name) => name !== '')
}

/**
 * Dawn's entry points, by their flags. Kept for the life of the process: when one is collected, Dawn shuts down under the
 * devices it made.
 */
const entries = new Map<string, GPU>()

/**
 * Kernels are written by this library and stay within their buffers by construction; Dawn's clamping of every index costs an
 * NVIDIA adapter a third of its matrix rate, and saves nothing here. In a browser it stays on.
 */
const DAWN_FEATURES = ['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia', 'disable_robustness']

const webgpu = async (options: DeviceOptions): Promise<Either<Problem, GPU>> => {
  const browser = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu
  if (browser !== undefined) return E.right(browser)
  const flags = [
    `enable-dawn-features=${DAWN_FEATURES.join(',')}`,
    ...(options.profile === true ? ['disable-dawn-features=timestamp_quantization'] : []),
    ...(options.backend === undefined ? [] : [`backend=${options.backend}`]),
    ...(options.adapter === undefined ? [] : [`adapter=${options.adapter}`]),
  ]
  const key = flags.join(' ')
  const known = entries.get(key)
  if (known !== undefined) return E.right(known)
  try {
    const { create, globals } = await import('webgpu')
    Object.assign(globalThis, globals)
    const entry = create(flags)
    entries.set(key, entry)
    return E.right(entry)
  } catch (cause) {
    return E.left(
      problem('the WebGPU implementation (npm package `webgpu`) could not be loaded', {
        why: message(cause),
        fix: `run \`npm ci\`; there are builds for Linux, macOS and Windows on x64 and arm64 (this is ${platform()})`,
      }),
    )
  }
}

const platform = (): string => (typeof process === 'undefined' ? 'a browser' : `${process.platform} ${process.arch}`)

const message = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
