/**
 * Matmul on this machine's adapter: 512³ in the three layouts and HRM's shapes. The kernels of a shape run interleaved,
 * round by round, so that a busy host hurts them alike:
 *
 *   default   what `selectMatmul` chooses        (--all: every variant of the adapter)
 *   rows      a fixed reference: one 4-vector of columns and 8 rows an invocation, 16 invocations a workgroup (nn only)
 *   naive     a transcription of the formula: one element of C an invocation
 *
 *   npx tsx bench/matmul.ts [--all] [--f16] [--json] [512 1088 …]        numbers keep only the shapes with that m
 *
 * --f16: operands in f16, on matrix units where the adapter offers any (not self-tested here), beside the default of f32.
 *
 * Rates are GFLOP/s of wall time (median, best, quartiles) and, on software adapters, of processor time: GFLOP per second
 * that this process spent on any core. The latter hardly moves when other work shares the host.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Kernel } from '../kernels/kernel.js'
import { type MatmulSpec, matmul, matmulVariants, selectMatmul } from '../kernels/matmul/index.js'
import { allocate, commandBuffer, commandOf, type Device, finished, openDevice, write } from '../src/device/index.js'
import { showProblem } from '../src/problem.js'

const ROUNDS = 11
/** Operations of a timed submission, so that its fixed cost does not count. */
const OPERATIONS = 5e8
/** GFLOP/s at 512³ on an idle host of two cores that the project's notes report for lavapipe; half of it is the demand. */
const PUBLISHED = [43, 53] as const

const shapes: readonly (readonly [MatmulSpec['layout'], number, number, number])[] = [
  ['nn', 512, 512, 512],
  ['nt', 512, 512, 512],
  ['tn', 512, 512, 512],
  // hidden 512, 8 puzzles of 82 tokens: forward, input and weight gradients
  ['nt', 656, 1536, 512],
  ['nt', 656, 3072, 512],
  ['nt', 656, 512, 1536],
  ['nt', 656, 11, 512],
  ['nn', 656, 512, 3072],
  ['tn', 512, 512, 656],
  ['tn', 3072, 512, 656],
  // hidden 64, 64 puzzles of 17 tokens
  ['nt', 1088, 192, 64],
  ['nt', 1088, 512, 64],
  ['nn', 1088, 64, 512],
  ['nn', 1088, 64, 11],
  ['tn', 64, 64, 1088],
  ['tn', 512, 64, 1088],
]

const declarations = (type: string) =>
  ['A', 'B', 'C']
    .map(
      (name, i) => `@group(0) @binding(${i}) var<storage, read_write> ${name}: array<${name === 'A' ? 'f32' : type}>;`,
    )
    .join('\n')

const naive = ({ layout, m, n, k }: MatmulSpec): Kernel => ({
  name: 'naive',
  wgsl: `${declarations('f32')}
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ${n}u || id.y >= ${m}u) { return; }
  var sum = 0.0;
  for (var k = 0u; k < ${k}u; k++) {
    sum += A[${layout === 'tn' ? `k * ${m}u + id.y` : `id.y * ${k}u + k`}] * B[${layout === 'nt' ? `id.x * ${k}u + k` : `k * ${n}u + id.x`}];
  }
  C[id.y * ${n}u + id.x] = sum;
}`,
  bindings: 3,
  workgroups: [Math.ceil(n / 8), Math.ceil(m / 8), 1],
})

const rows = ({ m, n, k }: MatmulSpec): Kernel => {
  const each = (text: (r: number) => string) => Array.from({ length: 8 }, (_, r) => text(r)).join(' ')
  return {
    name: 'rows',
    wgsl: `${declarations('vec4f')}
@compute @workgroup_size(16) fn main(@builtin(workgroup_id) w: vec3u, @builtin(local_invocation_id) l: vec3u) {
  let column = w.x * 16u + l.x; let row = w.y * 8u; let a = row * ${k}u;
  ${each((r) => `var s${r} = vec4f();`)}
  for (var k = 0u; k < ${k}u; k++) { let b = B[k * ${n / 4}u + column]; ${each((r) => `s${r} += A[a + ${r * k}u + k] * b;`)} }
  ${each((r) => `C[(row + ${r}u) * ${n / 4}u + column] = s${r};`)}
}`,
    bindings: 3,
    workgroups: [n / 64, m / 8, 1],
  }
}

const filled = async (device: Device, elements: number): Promise<GPUBuffer> => {
  const made = await allocate(device, elements * 4, 'operand')()
  if (E.isLeft(made)) throw new Error(showProblem(made.left))
  write(
    device,
    made.right,
    Float32Array.from({ length: elements }, (_, i) => Math.sin(i)),
  )
  return made.right
}

/** A run gives seconds of wall and of processor time a kernel. */
const prepare = async (device: Device, kernel: Kernel, buffers: readonly GPUBuffer[], operations: number) => {
  const ranges = buffers.map((buffer) => ({ buffer, offset: 0, bytes: buffer.size }))
  const command = await commandOf(device, kernel, ranges)
  const repeats = Math.max(1, Math.ceil((kernel.name === 'naive' ? OPERATIONS / 10 : OPERATIONS) / operations))
  const run = async () => {
    const work = commandBuffer(device, [command], repeats)
    const start = performance.now()
    const used = process.cpuUsage()
    device.gpu.queue.submit([work])
    await finished(device)
    const { user, system } = process.cpuUsage(used)
    return { wall: (performance.now() - start) / 1e3 / repeats, processor: (user + system) / 1e6 / repeats }
  }
  const start = performance.now()
  await run()
  return { kernel, run, firstRun: (performance.now() - start) / 1e3 }
}

const quantile = (values: readonly number[], q: number) =>
  [...values].sort((a, b) => a - b)[Math.round((values.length - 1) * q)]!

const measureShape = async (device: Device, spec: MatmulSpec, all: boolean) => {
  const { layout, m, n, k } = spec
  const operations = 2 * m * n * k
  const chosen = matmul(spec, device.target, selectMatmul(spec, device.target))
  const { precision, ...single } = spec
  const kernels = [
    ...(all ? matmulVariants(device.target, precision).map((v) => matmul(spec, device.target, v)) : [chosen]),
    ...(precision === undefined ? [] : [matmul(single, device.target)]),
    ...(layout === 'nn' && n % 64 === 0 && m % 8 === 0 ? [rows(spec)] : []),
    naive(spec),
  ]
  const buffers = await Promise.all([m * k, k * n, m * n].map((elements) => filled(device, elements)))
  const candidates: (Awaited<ReturnType<typeof prepare>> & {
    readonly wall: number[]
    readonly processor: number[]
  })[] = []
  for (const kernel of kernels)
    candidates.push({ ...(await prepare(device, kernel, buffers, operations)), wall: [], processor: [] })
  for (let round = 0; round < ROUNDS; round++)
    for (const c of candidates) {
      const { wall, processor } = await c.run()
      c.wall.push(wall)
      c.processor.push(processor)
    }
  for (const buffer of buffers) buffer.destroy()
  const rate = (seconds: number) => Number((operations / seconds / 1e9).toFixed(1))
  const of = (name: string) => candidates.find((c) => c.kernel.name === name)
  const faster = (name: string, wall: readonly number[]) => {
    const other = of(name)
    return other && Number((quantile(other.wall, 0.5) / quantile(wall, 0.5)).toFixed(2))
  }
  return candidates.map(({ kernel, wall, processor, firstRun }) => ({
    layout,
    shape: [m, n, k],
    kernel: kernel.name,
    isDefault: kernel.name === chosen.name,
    gflops: rate(quantile(wall, 0.5)),
    best: rate(quantile(wall, 0)),
    quartiles: [rate(quantile(wall, 0.75)), rate(quantile(wall, 0.25))],
    ...(device.target.adapterClass === 'software' ? { perProcessorSecond: rate(quantile(processor, 0.5)) } : {}),
    timesRows: faster('rows', wall),
    timesNaive: faster('naive', wall),
    firstRunSeconds: Number(firstRun.toFixed(2)),
  }))
}

const main = async (): Promise<void> => {
  const [isJson, isAll, isHalf] = ['--json', '--all', '--f16'].map((flag) => process.argv.includes(flag))
  const opened = await openDevice(isHalf === true ? { matrix: async () => true } : {})()
  if (E.isLeft(opened)) throw new Error(showProblem(opened.left))
  const device = opened.right
  const half = isHalf === true ? ({ precision: 'f16' } as const) : {}
  const only = process.argv.slice(2).map(Number).filter(Number.isFinite)
  const results = []
  for (const [layout, m, n, k] of shapes) {
    if (only.length > 0 && !only.includes(m)) continue
    const measured = await measureShape(device, { layout, batch: 1, m, n, k, ...half }, isAll === true)
    results.push(...measured)
    for (const r of measured)
      console.error(
        `${r.layout} ${r.shape.join('×').padEnd(13)} ${r.kernel.replace(/^matmul.*? (?=[a-z])/, '').padEnd(14)} ${r.gflops} GFLOP/s (${r.quartiles.join('–')}, best ${r.best})` +
          `${r.perProcessorSecond === undefined ? '' : `, ${r.perProcessorSecond} a processor second`}${r.timesRows === undefined ? '' : `, ${r.timesRows}× rows`}, ${r.timesNaive}× naive${r.isDefault ? '  ← default' : ''}`,
      )
  }
  if (isJson)
    console.log(
      JSON.stringify(
        {
          command: ['npx tsx bench/matmul.ts', ...process.argv.slice(2)].join(' '),
          date: new Date().toISOString(),
          adapter: device.description.device,
          driver: device.description.description,
          publishedGflopsAt512: PUBLISHED,
          rounds: ROUNDS,
          results,
        },
        null,
        1,
      ),
    )
  process.exit(0)
}
await main()
