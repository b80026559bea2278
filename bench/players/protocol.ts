/**
 * How `bench/peers.ts` talks to the libraries it compares: each is a process of its own (a player), asked one thing at a
 * time in lines of JSON, so that only one of them computes at any moment. An answer is a line that begins with `@`; anything
 * else a player prints is noise.
 *
 *   → {"do":"open"}                                 @{"library":…,"version":…,"adapter":…}
 *   → {"do":"prepare","folder":F}                   @{"seconds":first run, compilation included}
 *   → {"do":"run","repeats":n}                      @{"seconds":n runs, until the device is done, "processor":s}
 *   → {"do":"close"}                                (ends)
 *
 * `processor` is what the process spent on any core in that time. F holds `inputs.safetensors`; `prepare` writes what it computed to `<player>.safetensors` beside them.
 */
import { createInterface } from 'node:readline'

/** C = A·B; `layout` says which operand is stored transposed: nt [m,k]·[n,k]ᵀ, tn [k,m]ᵀ·[k,n]. */
export interface MatmulTask {
  readonly kind: 'matmul'
  readonly layout: 'nn' | 'nt' | 'tn'
  readonly m: number
  readonly n: number
  readonly k: number
}

/** One segment of an HRM: with its loss, gradient and update, or only its answer. `shared/spec/hrm.md` in numbers. */
export interface HrmTask {
  readonly kind: 'train' | 'evaluate'
  readonly batch: number
  readonly sequence: number
  readonly puzzleTokens: number
  readonly vocabulary: number
  readonly hidden: number
  readonly heads: number
  readonly layers: { readonly high: number; readonly low: number }
  readonly cycles: number
  readonly steps: number
  readonly maxSegments: number
  readonly exploration: number
  readonly beta1: number
  readonly beta2: number
  readonly lr: number
  readonly puzzleLr: number
  readonly weightDecay: number
  readonly puzzleWeightDecay: number
}

export type Task = MatmulTask | HrmTask

interface Opened {
  readonly library: string
  readonly version: string
  /** What computes. */
  readonly adapter: string
}

/** A task made ready: one run, and waiting until all runs are done. */
export interface Prepared {
  readonly run: () => Promise<void> | void
  readonly finish: () => Promise<void>
  readonly drop?: () => void
}

export interface Player {
  readonly open: () => Promise<Opened>
  /** Computes the task once, writes the outcome, and is ready to compute it again. */
  readonly prepare: (task: Task, folder: string) => Promise<Prepared>
}

export type Request =
  | { readonly do: 'open' }
  | { readonly do: 'prepare'; readonly folder: string; readonly task: Task }
  | { readonly do: 'run'; readonly repeats: number }
  | { readonly do: 'close' }

/** The player's side: answers requests until told to close. */
export const serve = async (player: Player): Promise<void> => {
  const answer = (value: unknown) => process.stdout.write(`@${JSON.stringify(value)}\n`)
  console.log = console.error
  let prepared: Prepared | undefined
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request
    const [start, used] = [performance.now(), process.cpuUsage()]
    const seconds = () => (performance.now() - start) / 1000
    const processor = () => {
      const { user, system } = process.cpuUsage(used)
      return (user + system) / 1e6
    }
    try {
      if (request.do === 'close') break
      if (request.do === 'open') answer(await player.open())
      else if (request.do === 'prepare') {
        prepared?.drop?.()
        prepared = await player.prepare(request.task, request.folder)
        answer({ seconds: seconds() })
      } else {
        for (let i = 0; i < request.repeats; i++) await prepared!.run()
        await prepared!.finish()
        answer({ seconds: seconds(), processor: processor() })
      }
    } catch (error) {
      answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  }
  process.exit(0)
}
