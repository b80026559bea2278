/**
 * Matmul on this machine's adapter: HRM's shapes and 512³ in the three layouts, each variant interleaved with a fixed
 * baseline (the `plain` family: one 4-vector of columns and 8 rows an invocation), medians of several rounds.
 *
 *   npx tsx bench/matmul.ts [--all] [--json]        --all measures every variant, not only the default
 */
import * as E from 'fp-ts/lib/Either.js'
import { type MatmulSpec, type MatmulVariant, matmul, matmulVariants, selectMatmul } from '../kernels/matmul/index.js'
import { allocate, bind, type Device, encode, finished, openDevice, pipelineOf } from '../src/device/index.js'
import { showProblem } from '../src/problem.js'

const ROUNDS = 7
const shapes: readonly (readonly [MatmulSpec['layout'], number, number, number])[] = [
  ['nn', 512, 512, 512],
  ['nt', 512, 512, 512],
  ['tn', 512, 512, 512],
  ['nt', 656, 1536, 512],
  ['nt', 656, 512, 1536],
  ['nn', 656, 512, 3072],
  ['tn', 3072, 512, 656],
  ['nt', 2624, 768, 256],
  ['nt', 1088, 512, 64],
  ['tn', 512, 64, 1088],
]

const buffer = async (device: Device, elements: number): Promise<GPUBuffer> => {
  const made = await allocate(device, elements * 4, 'operand')()
  if (E.isLeft(made)) throw new Error(showProblem(made.left))
  return made.right
}

/** Seconds of one run, the mean of enough runs to fill some milliseconds. */
const prepare = async (device: Device, spec: MatmulSpec, variant: MatmulVariant) => {
  const kernel = matmul(spec, device.target, variant)
  const sizes = [spec.m * spec.k, spec.k * spec.n, spec.m * spec.n]
  const buffers = await Promise.all(sizes.map((n) => buffer(device, n)))
  const pipeline = await pipelineOf(device, kernel)
  const group = bind(
    device,
    pipeline,
    buffers.map((b) => ({ buffer: b, offset: 0, bytes: b.size })),
  )
  const repeats = Math.max(1, Math.ceil(1e9 / (2 * spec.m * spec.n * spec.k)))
  const run = async (): Promise<number> => {
    const encoder = device.gpu.createCommandEncoder()
    const pass = encoder.beginComputePass()
    for (let i = 0; i < repeats; i++) encode(pass, pipeline, group, kernel.workgroups)
    pass.end()
    const start = performance.now()
    device.gpu.queue.submit([encoder.finish()])
    await finished(device)
    return (performance.now() - start) / 1000 / repeats
  }
  await run()
  return { run, release: () => buffers.forEach((b) => void b.destroy()) }
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!
const nameOf = (v: MatmulVariant) =>
  v.family === 'subgroup'
    ? `subgroup ${v.rows}×${v.depth}`
    : v.family === 'plain'
      ? `plain ${v.rows}`
      : `tiled ${v.across * v.rows}×${v.across * 4}`

const main = async (): Promise<void> => {
  const opened = await openDevice()()
  if (E.isLeft(opened)) throw new Error(showProblem(opened.left))
  const device = opened.right
  const results: object[] = []
  for (const [layout, m, n, k] of shapes) {
    const spec: MatmulSpec = { layout, batch: 1, m, n, k }
    const baseline: MatmulVariant = { family: 'plain', rows: 8 }
    const chosen = selectMatmul(spec, device.target)
    const all = process.argv.includes('--all') ? matmulVariants(device.target) : [chosen, baseline]
    const candidates = await Promise.all(
      all.map(async (variant) => ({ variant, ...(await prepare(device, spec, variant)), times: [] as number[] })),
    )
    for (let round = 0; round < ROUNDS; round++) for (const c of candidates) c.times.push(await c.run())
    const rate = (seconds: number) => (2 * m * n * k) / seconds / 1e9
    const base = median(candidates.at(-1)!.times)
    for (const { variant, times, release } of candidates) {
      const result = {
        layout,
        shape: [m, n, k],
        variant: nameOf(variant),
        default: nameOf(variant) === nameOf(chosen),
        gflops: Number(rate(median(times)).toFixed(1)),
        best: Number(rate(Math.min(...times)).toFixed(1)),
        toBaseline: Number((base / median(times)).toFixed(2)),
      }
      results.push(result)
      if (!process.argv.includes('--json'))
        console.log(
          `${layout} ${m}×${n}×${k} ${result.variant.padEnd(14)} median ${result.gflops} best ${result.best} GFLOP/s, ${result.toBaseline}× plain${result.default ? '  ← default' : ''}`,
        )
      release()
    }
  }
  if (process.argv.includes('--json'))
    console.log(
      JSON.stringify(
        {
          command: 'npx tsx bench/matmul.ts --json',
          date: new Date().toISOString(),
          adapter: device.description.device,
          driver: device.description.description,
          results,
        },
        null,
        1,
      ),
    )
  process.exit(0)
}
await main()
