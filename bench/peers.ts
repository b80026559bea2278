/**
 * This library beside others, on this machine and the same adapter: matmuls, and HRM's training and evaluation steps.
 *
 *   npm run bench                       installs the peers (bench/peers) and compares
 *   npm run bench -- [--quick] [--json] [--only TEXT]… [--players NAME,…] [--rounds N]
 *
 *   --quick        few rounds of few cases: minutes
 *   --json         one JSON value on stdout, for bench/results (npm run --silent bench)
 *   --only TEXT    cases whose name contains it, e.g. --only matmul --only "train a"
 *   --players      of thetagrad, tfjs, jax-webgpu, jax-wasm, torch; and only when named: thetagrad-f16, and on a GPU of CUDA
 *                  torch-f32, torch-tf32, torch-bf16
 *
 * Every player is a process of its own (bench/players/protocol.ts) with the same inputs. What it computes is compared with
 * what we compute before anything is timed; one that computes something else, or fails, is told so and not timed. Then the
 * players take turns, round by round, each for about as long, so that a busy host hurts them alike: ratios are medians over
 * rounds of peer / own within the round. Where everything computes on the processor (a software adapter, wasm, torch), the
 * ratio of processor time is told as well, which hardly moves when other work shares the host.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { agreement } from './players/agreement.js'
import { type Case, cases, writeInputs } from './players/cases.js'
import { type Handle, summon } from './players/handle.js'

/** Seconds a player is timed for in a round, about. */
const TURN = { quick: 0.6, full: 1.5 }
const ROUNDS = { quick: 3, full: 7 }
const QUICK = ['matmul nn 512', 'matmul nt 512', 'matmul tn 512', 'matmul nt 656×1536', 'train a', 'evaluate a']

const tsx = (file: string, ...rest: string[]) => [process.execPath, '--import', 'tsx', here(file), ...rest]
const here = (path: string) => new URL(path, import.meta.url).pathname

interface Contestant {
  readonly name: string
  readonly command: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

/** The first Python that knows torch: Debian's own need not be the one in front. */
const python = [process.env.PYTHON ?? 'python3', '/usr/bin/python3'].find(
  (program) => spawnSync(program, ['-c', 'import torch']).status === 0,
)

const own: Contestant = { name: 'thetagrad', command: tsx('players/own.ts') }
const peers: readonly Contestant[] = [
  { name: 'tfjs', command: tsx('peers/tfjs.ts') },
  { name: 'jax-webgpu', command: tsx('peers/jax.ts', 'webgpu') },
  { name: 'jax-wasm', command: tsx('peers/jax.ts', 'wasm') },
  // With both libraries' threads at two, Debian's build runs twenty times slower than with one of OpenBLAS's.
  {
    name: 'torch',
    command: [python ?? 'python3', here('peers/torch_player.py')],
    environment: { OPENBLAS_NUM_THREADS: '1' },
  },
]
/** Only when they are named. */
const others: readonly Contestant[] = [
  { name: 'thetagrad-f16', command: tsx('players/own.ts', 'f16') },
  ...['f32', 'tf32', 'bf16'].map((mode) => ({
    name: `torch-${mode}`,
    command: [python ?? 'python3', here('peers/torch_player.py'), 'cuda', mode],
  })),
]

const flag = (name: string) => process.argv.includes(name)
const valuesOf = (name: string) => process.argv.flatMap((word, i) => (word === name ? [process.argv[i + 1] ?? ''] : []))
const isQuick = flag('--quick')
const rounds = Number(valuesOf('--rounds')[0] ?? (isQuick ? ROUNDS.quick : ROUNDS.full))
const turn = isQuick ? TURN.quick : TURN.full

const quartiles = (values: readonly number[]) => [0.25, 0.75].map((q) => rounded(quantile(values, q)))
const quantile = (values: readonly number[], q: number) =>
  [...values].sort((a, b) => a - b)[Math.round((values.length - 1) * q)]!
const rounded = (x: number) => Number(x.toPrecision(3))

interface Entry {
  readonly player: Handle
  /** Of the first run, compilation included. */
  readonly firstSeconds: number
  readonly repeats: number
  /** A run, by round: of wall-clock, and of this player's time on any core. */
  readonly seconds: number[]
  readonly processor: number[]
}

/** A player of the case, its outcome compared; undefined, and why on stderr, when it cannot take part. */
const enter = async (player: Handle, { name, task }: Case, folder: string): Promise<Entry | undefined> => {
  try {
    const { seconds: firstSeconds } = await player.ask({ do: 'prepare', folder, task })
    const differs = player.name === own.name ? undefined : agreement(folder, own.name, player.name)
    if (differs !== undefined) throw new Error(`computes something else: ${differs}`)
    // Twice: the first may still compile.
    await player.ask({ do: 'run', repeats: 1 })
    const { seconds: once } = await player.ask({ do: 'run', repeats: 1 })
    return { player, firstSeconds, repeats: Math.max(1, Math.round(turn / once)), seconds: [], processor: [] }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    console.error(
      `${name}: ${player.name} does not take part: ${why
        .split('\n')
        .slice(0, flag('--verbose') ? 40 : 2)
        .join(' ')}`,
    )
    return undefined
  }
}

const shown = (seconds: number) =>
  seconds < 1 ? `${(seconds * 1e3).toPrecision(3)} ms` : `${seconds.toPrecision(3)} s`

const compare = async (of: Case, players: readonly Handle[], folder: string) => {
  writeInputs(of, folder)
  const entries: Entry[] = []
  for (const player of players) {
    const entry = await enter(player, of, folder)
    if (entry === undefined && player.name === own.name) return undefined
    if (entry !== undefined) entries.push(entry)
  }
  for (let round = 0; round < rounds; round++)
    for (const { player, repeats, seconds, processor } of entries) {
      const took = await player.ask({ do: 'run', repeats })
      seconds.push(took.seconds / repeats)
      processor.push(took.processor / repeats)
    }
  const [ours] = entries
  const results = entries.map((entry) => {
    const { player, firstSeconds, seconds, processor } = entry
    const ratios = (of: 'seconds' | 'processor') => entry[of].map((s, round) => s / ours![of][round]!)
    return {
      player: player.name,
      seconds: rounded(quantile(seconds, 0.5)),
      best: rounded(quantile(seconds, 0)),
      quartiles: quartiles(seconds),
      processorSeconds: rounded(quantile(processor, 0.5)),
      firstSeconds: rounded(firstSeconds),
      ...(of.task.kind === 'matmul' && {
        gflops: rounded((2 * of.task.m * of.task.n * of.task.k) / quantile(seconds, 0.5) / 1e9),
      }),
      ...(player.name !== own.name && {
        timesOurs: rounded(quantile(ratios('seconds'), 0.5)),
        ratioQuartiles: quartiles(ratios('seconds')),
        timesOurProcessor: rounded(quantile(ratios('processor'), 0.5)),
      }),
    }
  })
  console.error(`${of.name} (${of.about})`)
  for (const r of results)
    console.error(
      `  ${r.player.padEnd(11)} ${shown(r.seconds).padStart(8)} (${r.quartiles.map(shown).join('–')})` +
        `${'gflops' in r ? `, ${r.gflops} GFLOP/s` : ''}` +
        `${r.ratioQuartiles !== undefined ? `, ${r.timesOurs}× our time (${r.ratioQuartiles.join('–')}), ${r.timesOurProcessor}× our processor time` : ''}`,
    )
  return { case: of.name, about: of.about, players: results }
}

const isChosen = ({ name }: Case): boolean => {
  const only = valuesOf('--only')
  const wanted = only.length > 0 ? only : isQuick ? QUICK : undefined
  return wanted === undefined ? !/ (tiny|published)$/.test(name) : wanted.some((text) => name.includes(text))
}

const taking = (): readonly Contestant[] => {
  const named = valuesOf('--players')[0]?.split(',')
  const present = peers.filter(({ name }) =>
    name === 'torch' ? python !== undefined : existsSync(here('peers/node_modules')),
  )
  for (const { name } of peers)
    if (!present.some((peer) => peer.name === name))
      console.error(
        name === 'torch'
          ? 'torch is not installed (Debian: apt-get install python3-torch): left out'
          : `${name} is not installed (npm install --prefix bench/peers): left out`,
      )
  const all = [own, ...peers, ...others].map(({ name }) => name)
  const unknown = named?.find((name) => !all.includes(name))
  if (unknown !== undefined) throw new Error(`--players: there is no ${unknown}; there are ${all.join(', ')}`)
  const chosen = present.filter(({ name }) => named?.includes(name) ?? true)
  return [own, ...chosen, ...others.filter(({ name }) => named?.includes(name))]
}

const main = async (): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'thetagrad-bench-'))
  const contestants = taking()
  const opened: Record<string, unknown> = {}
  const start = async (): Promise<readonly Handle[]> => {
    const handles: Handle[] = []
    for (const { name, command, environment = {} } of contestants) {
      const handle = summon(name, command, environment)
      try {
        opened[name] = await handle.ask({ do: 'open' })
        handles.push(handle)
      } catch (error) {
        console.error(`${name} does not open: ${error instanceof Error ? error.message : error}`)
        handle.close()
      }
    }
    return handles
  }
  const close = (handles: readonly Handle[]) => {
    for (const handle of handles) handle.close()
  }
  const load = [loadavg()[0]!]
  const results: unknown[] = []
  const chosen = cases.filter(isChosen)
  const matmuls = chosen.filter(({ task }) => task.kind === 'matmul')
  // Matmuls share their processes; a step gets fresh ones, so that the memory of one case does not weigh on the next.
  for (const group of [matmuls, ...chosen.filter((c) => !matmuls.includes(c)).map((c) => [c])]) {
    if (group.length === 0) continue
    const handles = await start()
    for (const of of group) {
      const result = await compare(of, handles, join(folder, String(results.length)))
      if (result !== undefined) results.push(result)
    }
    close(handles)
  }
  load.push(loadavg()[0]!)
  rmSync(folder, { recursive: true })
  if (flag('--json'))
    console.log(
      JSON.stringify(
        {
          command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
          date: new Date().toISOString(),
          processor: cpus()[0]?.model,
          cores: cpus().length,
          /** One-minute averages at the start and the end; the players are part of the latter. */
          loadAverage: load.map(rounded),
          rounds,
          players: opened,
          results,
        },
        null,
        1,
      ),
    )
  process.exit(0)
}
await main()
