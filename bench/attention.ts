/**
 * Attention on this machine's adapter, forward and backward, at the sizes HRM trains with. The cases of a shape are
 * interleaved round by round, so that a busy host hurts them alike; medians and bests of several rounds.
 *
 *   npx tsx bench/attention.ts [--json]
 *
 * A rate counts the useful operations: 4·B·H·T²·d forward, 10·B·H·T²·d backward (five products of T×T×d), although the
 * backward kernels compute two of these five twice.
 */
import * as E from 'fp-ts/lib/Either.js'
import { attentionBackward, attentionForward, attentionStatistics } from '../kernels/attention/index.js'
import type { Kernel } from '../kernels/kernel.js'
import { allocate, commandBuffer, commandOf, type Device, finished, openDevice, write } from '../src/device/index.js'
import { showProblem } from '../src/problem.js'

const ROUNDS = 9
/** Work of a timed submission, so that its fixed cost does not count. */
const OPERATIONS = 2e9

/** [B, T, H, d] */
const shapes: readonly (readonly [number, number, number, number])[] = [
  [64, 17, 2, 32],
  [32, 82, 4, 32],
  [32, 82, 4, 64],
  [8, 82, 8, 64],
]

const filled = async (device: Device, elements: number, scale: number): Promise<GPUBuffer> => {
  const made = await allocate(device, elements * 4, 'operand')()
  if (E.isLeft(made)) throw new Error(showProblem(made.left))
  write(
    device,
    made.right,
    Float32Array.from({ length: elements }, (_, i) => scale * Math.sin(i * 12.9898)),
  )
  return made.right
}

/** Seconds of running the kernels one after another once, the mean of `repeats`. */
const prepare = async (
  device: Device,
  kernels: readonly Kernel[],
  buffers: readonly GPUBuffer[],
  repeats: number,
): Promise<() => Promise<number>> => {
  const ranges = buffers.map((b) => ({ buffer: b, offset: 0, bytes: b.size }))
  const commands = await Promise.all(kernels.map((kernel) => commandOf(device, kernel, ranges)))
  return async () => {
    const work = commandBuffer(device, commands, repeats)
    const start = performance.now()
    device.gpu.queue.submit([work])
    await finished(device)
    return (performance.now() - start) / 1000 / repeats
  }
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!

const main = async (): Promise<void> => {
  const opened = await openDevice()()
  if (E.isLeft(opened)) throw new Error(showProblem(opened.left))
  const device = opened.right
  const json = process.argv.includes('--json')
  const results: object[] = []
  for (const [batch, sequence, heads, headDim] of shapes) {
    const spec = { batch, sequence, heads, headDim }
    const rows = batch * sequence * heads
    const product = 2 * rows * sequence * headDim
    const qkv = await filled(device, rows * 3 * headDim, 1)
    const out = await filled(device, rows * headDim, 1)
    const [lse, delta] = [await filled(device, rows, 0.1), await filled(device, rows, 0.1)]
    const dQkv = await filled(device, rows * 3 * headDim, 1)
    const cases: readonly (readonly [string, readonly Kernel[], readonly GPUBuffer[], number])[] = [
      ['forward', [attentionForward(spec, device.target)], [qkv, out], 2 * product],
      ['statistics', [attentionStatistics(spec, device.target)], [qkv, lse], product],
      ['backward', attentionBackward(spec, device.target), [qkv, out, lse, delta, dQkv], 5 * product],
    ]
    const candidates = await Promise.all(
      cases.map(async ([pass, kernels, buffers, operations]) => ({
        pass,
        operations,
        run: await prepare(device, kernels, buffers, Math.max(1, Math.ceil(OPERATIONS / operations))),
        times: [] as number[],
      })),
    )
    for (const { run } of candidates) await run()
    for (let round = 0; round < ROUNDS; round++) for (const { run, times } of candidates) times.push(await run())
    for (const { pass, operations, times } of candidates) {
      const [middle, best] = [median(times), Math.min(...times)]
      const result = {
        pass,
        shape: [batch, sequence, heads, headDim],
        milliseconds: Number((1e3 * middle).toFixed(3)),
        gflops: Number((operations / middle / 1e9).toFixed(1)),
        best: Number((operations / best / 1e9).toFixed(1)),
      }
      results.push(result)
      if (!json)
        console.log(
          `[${result.shape}] ${pass.padEnd(10)} ${result.milliseconds} ms, median ${result.gflops} best ${result.best} GFLOP/s`,
        )
    }
    for (const b of [qkv, out, lse, delta, dQkv]) b.destroy()
  }
  if (json)
    console.log(
      JSON.stringify(
        {
          command: 'npx tsx bench/attention.ts --json',
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
