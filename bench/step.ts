/**
 * HRM's training step on this machine's adapter, at four sizes (`bench/step/cases.ts`): seconds a step, examples a second,
 * and where the time goes, kernel by kernel (`bench/step/profile.ts`).
 *
 *   npx tsx bench/step.ts [a b c d] [--batch N] [--precision f16] [--profile N] [--against DIR] [--json]
 *
 *   --profile N     the N dearest kernels of each case
 *   --against DIR   also another checkout of this repository: its programs run on the same device, step by step in turn
 *   --batch N       of every case, instead of its own
 *   --precision f16 on matrix units where the adapter offers any (not self-tested here), unless --no-matrix
 *   --kernels       only the time of the kernels, no whole steps
 *   --cold          only seconds from nothing to the end of the first step; set MESA_SHADER_CACHE_DIR to an empty folder
 *
 * Rates count the operations of the graph (`graphFlops`). Wall time is what a user waits for; `processorSeconds` (of this
 * process, all cores) hardly moves when other work shares a host whose processor computes.
 */
import { loadavg } from 'node:os'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as E from 'fp-ts/lib/Either.js'
import * as ours from '../src/compile/index.js'
import { type Device, finished, openDevice, webgpuBackend } from '../src/device/index.js'
import { bindDims, graphFlops, type Profiler } from '../src/ir/index.js'
import { showProblem } from '../src/problem.js'
import * as training from '../src/train/index.js'
import { type Case, cases, residentsOf, streamsOf, settings as usual } from './step/cases.js'
import { type KernelTime, profile, profileSteps, type Share, shareOf } from './step/profile.js'

const flag = (name: string) => process.argv.includes(name)
const option = (name: string): string | undefined =>
  flag(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined

/** A version of the library that makes programs: this one, or another checkout. */
interface Maker {
  readonly name: string
  readonly program: (of: Case, device: Device) => ours.Program
}

const settings: training.StepSettings = {
  ...usual,
  ...(option('--precision') === 'f16' && { precision: 'f16' }),
}

const here: Maker = {
  name: 'here',
  program: ({ model, batch }, { target }) => ours.compile(training.trainingStep(model, settings), { batch }, target),
}

const elsewhere = async (folder: string): Promise<Maker> => {
  const from = (path: string) => import(pathToFileURL(resolve(folder, path)).href)
  const [compiler, steps, other] = await Promise.all([
    from('src/compile/index.ts'),
    from('src/train/index.ts'),
    from('bench/step/cases.ts').catch(() => undefined),
  ])
  return {
    name: folder,
    program: ({ model, batch, name }, { target }) => {
      const same = other?.cases.find((c: Case) => c.name === name)?.model ?? model
      return compiler.compile(steps.trainingStep(same, settings), { batch }, target)
    },
  }
}

const quantile = (values: readonly number[], q: number) =>
  [...values].sort((a, b) => a - b)[Math.round((values.length - 1) * q)]!
const rounded = (x: number, digits = 3) => Number(x.toPrecision(digits))

/** Rounds of a case: enough for half a minute of work, at least 5. */
const ROUNDS = { a: 25, b: 7, c: 7, d: 5 } as const

interface Candidate {
  readonly maker: string
  readonly program: ours.Program
  readonly profiler?: Profiler
  readonly step: (t: number) => Promise<{ readonly wall: number; readonly processor: number }>
  readonly firstStep: number
  readonly wall: number[]
  readonly processor: number[]
}

const prepare = async (device: Device, of: Case, maker: Maker): Promise<Candidate> => {
  const start = performance.now()
  const program = maker.program(of, device)
  const backend = webgpuBackend(device, () => program)
  for (const [name, data] of Object.entries(residentsOf(of, settings))) backend.write(name, data)
  const executable = await backend.load({ outputs: {}, updates: [] }, {})
  const step = async (t: number) => {
    const streams = streamsOf(of, t)
    const [began, used] = [performance.now(), process.cpuUsage()]
    await executable.run(streams)
    await finished(device)
    const { user, system } = process.cpuUsage(used)
    return { wall: (performance.now() - began) / 1e3, processor: (user + system) / 1e6 }
  }
  if (!flag('--kernels')) await step(1)
  const { profiler } = backend
  return {
    maker: maker.name,
    program,
    ...(profiler && { profiler }),
    step,
    firstStep: (performance.now() - start) / 1e3,
    wall: [],
    processor: [],
  }
}

const sharesOf = (times: readonly KernelTime[]) => {
  const total = times.reduce((n, t) => n + t.milliseconds, 0)
  const of = (share: Share) =>
    rounded(times.filter((t) => shareOf(t.kernel) === share).reduce((n, t) => n + t.milliseconds, 0) / total, 2)
  return { matmul: of('matmul'), attention: of('attention'), rest: of('rest') }
}

const measure = async (device: Device, of: Case, makers: readonly Maker[]) => {
  const candidates: Candidate[] = []
  for (const maker of makers) candidates.push(await prepare(device, of, maker))
  const rounds = ROUNDS[of.name as keyof typeof ROUNDS]
  if (!flag('--cold') && !flag('--kernels'))
    for (let round = 0; round < rounds; round++)
      for (const c of candidates) {
        const { wall, processor } = await c.step(round + 2)
        c.wall.push(wall)
        c.processor.push(processor)
      }
  const flops = graphFlops(bindDims(training.trainingStep(of.model, settings), { batch: of.batch }))
  const results = []
  for (const { maker, program, profiler, step, firstStep, wall, processor } of candidates) {
    const first = { case: of.name, about: of.about, maker, firstStep: rounded(firstStep) }
    const counts = { dispatches: program.dispatches.length, kernels: program.kernels.length }
    if (flag('--cold')) {
      results.push({ ...first, ...counts })
      console.error(`${of.name} first step ${first.firstStep} s, ${counts.kernels} kernels`)
      continue
    }
    const times =
      device.target.adapterClass === 'gpu' && profiler !== undefined
        ? await profileSteps(profiler, () => step(rounds + 2))
        : await profile(device, program, { ...residentsOf(of, settings), ...streamsOf(of, 1) })
    const all = times.reduce((n, k) => n + k.milliseconds, 0) / 1e3
    const seconds = flag('--kernels') ? all : quantile(wall, 0.5)
    const result = {
      ...first,
      ...counts,
      kernelSeconds: rounded(all),
      seconds: rounded(seconds),
      ...(wall.length > 0 && {
        range: [rounded(quantile(wall, 0)), rounded(quantile(wall, 1))],
        processorSeconds: rounded(quantile(processor, 0.5)),
      }),
      examplesPerSecond: rounded(of.batch / seconds),
      gflops: rounded(flops / seconds / 1e9),
      shares: sharesOf(times),
    }
    results.push({
      ...result,
      dearest: times.slice(0, 12).map((k) => ({ ...k, milliseconds: rounded(k.milliseconds) })),
    })
    console.error(
      `${of.name} (${of.about}) ${maker}: ${result.seconds} s (${result.range?.join('–')}), ${result.processorSeconds} processor s, kernels ${result.kernelSeconds} s, ${result.gflops} GFLOP/s, ` +
        `${result.dispatches} dispatches of ${result.kernels} kernels, ${Object.entries(result.shares)
          .map(([k, v]) => `${k} ${Math.round(v * 100)} %`)
          .join(', ')}`,
    )
    for (const { kernel, dispatches, milliseconds } of times.slice(0, Number(option('--profile') ?? 0)))
      console.error(`    ${milliseconds.toFixed(2).padStart(9)} ms  ${String(dispatches).padStart(3)} × ${kernel}`)
  }
  return results
}

const main = async (): Promise<void> => {
  const opened = await openDevice({ profile: true, matrix: async () => !flag('--no-matrix') })()
  if (E.isLeft(opened)) throw new Error(showProblem(opened.left))
  const device = opened.right
  const against = option('--against')
  const makers = [here, ...(against === undefined ? [] : [await elsewhere(against)])]
  const batch = option('--batch')
  if (batch !== undefined && !(Number.isInteger(Number(batch)) && Number(batch) > 0))
    throw new Error(`--batch takes a number of examples, not ${batch}`)
  const chosen = cases
    .filter(({ name }) => process.argv.slice(2).includes(name))
    .map((of) => (batch === undefined ? of : { ...of, batch: Number(batch), about: `${of.about}, but batch ${batch}` }))
  const load = loadavg().map((x) => rounded(x))
  const results = []
  for (const of of chosen.length > 0 ? chosen : cases) results.push(...(await measure(device, of, makers)))
  if (flag('--json'))
    console.log(
      JSON.stringify(
        {
          command: ['npx tsx bench/step.ts', ...process.argv.slice(2)].join(' '),
          date: new Date().toISOString(),
          adapter: device.description.device,
          driver: device.description.description,
          loadBefore: load,
          loadAfter: loadavg().map((x) => rounded(x)),
          results,
        },
        null,
        1,
      ),
    )
  process.exit(0)
}
await main()
