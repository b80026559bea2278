/**
 * Which state every call of a segment changes, read off the segment's graph. A segment lists its calls by level, each with
 * the state it made; the states at the end of the segment say what the last call of each is, and earlier calls of a level
 * change what later ones do. Must not know what a state means: HRM's two, TRM's, or a hundred layers' one.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Segment, State } from '../hrm/index.js'
import type { Tensor } from '../ir/index.js'
import { type Problem, problem } from '../problem.js'

export interface StateChange {
  /** As the model calls it: `L`, `H`… */
  readonly level: string
  /** The state's name: `z_L`, `z_H`… */
  readonly state: string
  /** [B, T, D], both. */
  readonly before: Tensor
  readonly after: Tensor
}

/** Without its `stopGradient`s, which change no value. */
const bare = (t: Tensor): Tensor => (t.op.kind === 'stopGradient' ? bare(t.inputs[0] as Tensor) : t)

/** The calls in order; a problem where a level changes now this state, now that, so that the graph does not tell. */
export const stateChanges = (start: State, { state, calls }: Segment): E.Either<Problem, readonly StateChange[]> => {
  const names = ownersOf(
    Object.fromEntries(Object.entries(state).map(([name, t]) => [name, bare(t)])),
    calls.map((call) => ({ level: call.level, made: bare(call.state) })),
  )
  if (E.isLeft(names)) return names
  const latest: Record<string, Tensor> = { ...start }
  return E.right(
    calls.map((call, i) => {
      const name = names.right[i]!
      const before = latest[name]!
      latest[name] = call.state
      return { level: call.level, state: name, before, after: call.state }
    }),
  )
}

/** From the last call back to the first: what a call made is the newest value of its state, or of one not yet traced. */
const ownersOf = (
  end: State,
  calls: readonly { readonly level: string; readonly made: Tensor }[],
): E.Either<Problem, readonly string[]> => {
  const newest = new Map<string, Tensor | undefined>(Object.entries(end))
  const byLevel = new Map<string, Set<string>>()
  const owners: string[] = []
  for (const { level, made } of [...calls].reverse()) {
    const known = [...newest].find(([, t]) => t === made)?.[0]
    const open = [...newest].filter(([, t]) => t === undefined).map(([name]) => name)
    const usual = open.filter((name) => byLevel.get(level)?.has(name))
    const owner = known ?? (open.length === 1 ? open[0] : usual.length === 1 ? usual[0] : undefined)
    if (owner === undefined)
      return E.left(
        problem(`which state a call of the level ${level} changes cannot be told`, {
          why: 'calls of this level change different states',
          fix: "give the calls of each state a level of their own: call('L', …), call('H', …)",
        }),
      )
    // The value before this call: made by a call not yet seen, or the start.
    newest.set(owner, undefined)
    byLevel.set(level, (byLevel.get(level) ?? new Set()).add(owner))
    owners.unshift(owner)
  }
  return E.right(owners)
}
