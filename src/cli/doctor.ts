/**
 * `thetagrad doctor`: which adapters there are, what the one in use can do, whether it really computes, what is missing
 * and how to get it. Works where there is no adapter at all: that is when it is needed.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Kernel } from '../../kernels/kernel.js'
import { showBytes } from '../bytes.js'
import {
  type AdapterDescription,
  allocate,
  type Device,
  dispatch,
  halfSupport,
  listAdapters,
  openDevice,
  readBack,
  write,
} from '../device/index.js'
import type { HalfSupport } from '../ir/index.js'
import { type Problem, problem, showProblem } from '../problem.js'
import { driverPlan, type Machine, showCommand } from './driver.js'
import { readMachine } from './machine.js'
import { type MatrixVerdict, matrixVerdict } from './matrix-trust.js'
import { webgpuVersion } from './package-file.js'

export interface DoctorReport {
  readonly platform: string
  readonly node: string
  /** Version of the npm package `webgpu`, which brings Dawn. */
  readonly webgpu: string
  /** Vulkan driver manifests, and the NVIDIA kernel driver's version line where it is loaded. */
  readonly drivers: readonly string[]
  /** The first is the one in use. */
  readonly adapters: readonly AdapterDescription[]
  /** What will compute: the first adapter, or the reference interpreter (slow, needs no driver). */
  readonly computesOn: 'gpu' | 'software' | 'reference'
  /** Milliseconds of a first small computation, checked, on the adapter in use. */
  readonly selfTestMs?: number
  /** How the adapter in use multiplies f16 (`train --precision f16`): on matrix units, in WGSL's f16, by rounding, or not. */
  readonly f16?: HalfSupport | 'none'
  /** Whether its matrix units passed their self-test, where it offers any. */
  readonly matrix?: MatrixVerdict
  readonly problems: readonly Problem[]
}

/** What was found on this machine; `diagnose` makes a report of it. */
export interface Findings {
  readonly machine: Machine
  readonly versions: { readonly platform: string; readonly node: string; readonly webgpu: string }
  readonly adapters: E.Either<Problem, readonly AdapterDescription[]>
  /** Not run where there is no adapter. */
  readonly selfTest?: E.Either<Problem, number>
  /** Of the matrix units of the first adapter, where it offers any. */
  readonly matrix?: MatrixVerdict
}

/** Looks at this machine. */
export const doctor = async (): Promise<DoctorReport> => {
  const adapters = await listAdapters()
  const versions = {
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    webgpu: webgpuVersion(),
  }
  const findings = { machine: readMachine(), versions, adapters }
  if (E.isLeft(adapters)) return diagnose(findings)
  const [inUse] = adapters.right
  const matrix = inUse?.matrix === undefined ? {} : { matrix: await matrixVerdict(inUse) }
  return diagnose({ ...findings, selfTest: await selfTest(), ...matrix })
}

/** From findings to a report, purely. */
export const diagnose = ({ machine, versions, adapters, selfTest, matrix }: Findings): DoctorReport => {
  const found = E.isRight(adapters) ? adapters.right : []
  const works = selfTest !== undefined && E.isRight(selfTest)
  return {
    ...versions,
    drivers: machine.drivers,
    adapters: found,
    computesOn: works ? (found[0]?.adapterClass ?? 'reference') : 'reference',
    ...(works ? { selfTestMs: selfTest.right } : {}),
    ...(works && found[0] !== undefined ? { f16: halves(found[0], matrix) } : {}),
    ...(matrix !== undefined && { matrix }),
    problems: [
      ...(E.isLeft(adapters) ? [missingAdapter(adapters.left, machine)] : []),
      ...(selfTest !== undefined && E.isLeft(selfTest) ? [selfTest.left] : []),
      ...hiddenNvidia(machine, found),
    ],
  }
}

const halves = ({ adapterClass, features, matrix: unit }: AdapterDescription, verdict?: MatrixVerdict) =>
  halfSupport({
    adapterClass,
    hasF16: features.includes('shader-f16'),
    ...(unit !== undefined && verdict?.isUsable === true && { matrix: unit }),
  }) ?? 'none'

const showHalves = ({ f16, matrix, adapters }: DoctorReport): readonly string[] => {
  const unit = adapters[0]?.matrix
  const words = {
    matrix: `on matrix units of ${unit?.m}×${unit?.n}×${unit?.k} (self-test passed)`,
    native: 'in WGSL’s f16',
    rounding: 'by rounding only: the values of f16, but slower than f32',
    none: 'no: the adapter lacks the feature shader-f16',
  }
  return f16 === undefined
    ? []
    : [
        `train --precision f16: ${words[f16]}`,
        ...(matrix?.isUsable === false ? [`matrix units are left unused: ${matrix.why}`] : []),
      ]
}

/** The report as a person reads it. */
export const showReport = (report: DoctorReport): string =>
  [
    `${report.platform}, Node ${report.node}, webgpu ${report.webgpu} (Dawn)`,
    ...(report.drivers.length === 0 ? ['drivers: none found'] : ['drivers:', ...report.drivers.map(indent)]),
    ...report.adapters.flatMap((adapter, i) => [
      '',
      `adapter ${i + 1}${i === 0 ? ' (in use)' : ''}: ${adapter.description || adapter.device}`,
      ...showAdapter(adapter).map(indent),
    ]),
    '',
    report.selfTestMs === undefined
      ? 'computes on: the reference interpreter (needs no driver, but is slow)'
      : `computes on: ${report.computesOn === 'gpu' ? 'the GPU' : 'the processor, through a software adapter'} (self-test passed in ${report.selfTestMs.toFixed(0)} ms)`,
    ...showHalves(report),
    ...report.problems.flatMap((one) => ['', showProblem(one)]),
  ].join('\n')

const indent = (line: string): string => `  ${line}`

/** What kernels gain by each feature. */
const USES: readonly (readonly [feature: string, use: string])[] = [
  ['subgroups', 'lanes exchange values without memory: the fast matmul on software adapters'],
  ['shader-f16', 'half-precision storage'],
  ['timestamp-query', 'profiles per kernel'],
  ['chromium-experimental-subgroup-matrix', 'matrix units (tensor cores)'],
]

const showAdapter = ({ vendor, architecture, adapterClass, features, limits }: AdapterDescription): string[] => [
  `vendor: ${vendor}${architecture === '' ? '' : `, architecture: ${architecture}`}`,
  `class: ${adapterClass}`,
  'features:',
  ...USES.map(([name, use]) => `  ${features.includes(name) ? 'yes' : 'no '} ${name}: ${use}`),
  'limits:',
  ...Object.entries(limits).map(([name, value]) => `  ${name}: ${isBytes(name) ? showBytes(value) : value}`),
]

/** Workgroup sizes are counts, all other sizes are bytes. */
const isBytes = (limit: string): boolean => /Size/.test(limit) && !/WorkgroupSize/.test(limit)

const missingAdapter = ({ what, why }: Problem, machine: Machine): Problem => {
  const plan = driverPlan(machine)
  const commands = plan.kind === 'advise' ? plan.commands : (plan.attempts[0] ?? []).map(showCommand)
  const say = plan.kind === 'advise' ? plan.say : `${plan.say}: \`node scripts/setup.mjs\` does it, or by hand`
  return problem(what, {
    ...(why === undefined ? {} : { why }),
    fix: [say, ...commands.map((c) => `$ ${c}`)].join('\n    '),
  })
}

/** A GPU that Vulkan does not see would silently leave everything to the processor. */
const hiddenNvidia = (machine: Machine, adapters: readonly AdapterDescription[]): readonly Problem[] =>
  machine.hasNvidia && adapters.every(({ adapterClass }) => adapterClass === 'software')
    ? [
        problem('there is an NVIDIA GPU, but Vulkan does not see it', {
          why: 'its kernel driver is loaded, its Vulkan driver is not: in containers that part is left out by default',
          fix: 'start the container with NVIDIA_DRIVER_CAPABILITIES=all, or install the driver’s libnvidia-gl package; if nvidia_icd.json lies in an unusual place, set VK_DRIVER_FILES to its path',
        }),
      ]
    : []

const DOUBLE: Kernel = {
  name: 'self-test',
  bindings: 1,
  workgroups: [1, 1, 1],
  wgsl: `
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3u) { x[id.x] = 2 * x[id.x]; }`,
}

/** Opens the adapter and computes something checkable on it: milliseconds, compiling included. */
const selfTest = async (): Promise<E.Either<Problem, number>> => {
  const start = performance.now()
  const device = await openDevice()()
  if (E.isLeft(device)) return device
  try {
    const doubled = await double(
      device.right,
      Float32Array.from({ length: 8 }, (_, i) => i - 3.5),
    )
    if (E.isLeft(doubled)) return doubled
    return doubled.right.every((value, i) => value === 2 * i - 7)
      ? E.right(performance.now() - start)
      : E.left(problem(`the adapter computes wrong numbers: ${[...doubled.right].join(', ')}`, { fix: UPDATE }))
  } catch (cause) {
    return E.left(problem('the adapter does not compute', { why: String(cause), fix: UPDATE }))
  } finally {
    device.right.dispose()
  }
}

const UPDATE = 'update the graphics driver'

const double = async (device: Device, x: Float32Array): Promise<E.Either<Problem, Float32Array>> => {
  const buffer = await allocate(device, x.byteLength, 'the self-test')()
  if (E.isLeft(buffer)) return buffer
  const range = { buffer: buffer.right, offset: 0, bytes: x.byteLength }
  write(device, buffer.right, x)
  await dispatch(device, DOUBLE, [range])
  const [bytes = new ArrayBuffer(0)] = await readBack(device, [range])
  return E.right(new Float32Array(bytes))
}
