/**
 * The way a state takes through its space, for a few examples, one at a time: whole states leave the device, because which
 * plane to look at follows from all of them. Must not know how a way is drawn.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { HostArray } from '../ir/index.js'
import type { Problem } from '../problem.js'
import { attemptKeys, streamedBatch } from '../train/index.js'
import type { Trajectory } from './analysis.js'
import { principalPlane } from './pca.js'
import { interrupted, type Task } from './task.js'
import { statesSegment } from './trace.js'

/** Of every state of the first `shown` examples. */
export const trajectories = async (
  task: Pick<Task, 'backend' | 'model' | 'batches' | 'count' | 'segments' | 'shown' | 'signal'>,
): Promise<E.Either<Problem, readonly Trajectory[]>> => {
  const shown = Math.min(task.shown, task.count)
  if (shown === 0) return E.right([])
  const { graph, calls, states } = statesSegment(task.model)
  const executable = await task.backend.load(graph, { batch: 1 })
  const found: Trajectory[] = []
  let example = 0
  for (const data of task.batches(1)) {
    if (example === shown) break
    const ways = new Map<string, { readonly step: number; readonly z: HostArray }[]>(states.map((name) => [name, []]))
    for (let s = 0; s < task.segments; s++) {
      if (task.signal?.aborted) return E.left(interrupted)
      const streams = { ...streamedBatch(data), ...attemptKeys(data) }
      await executable.run({ ...streams, fresh: Int32Array.of(s === 0 ? 1 : 0) })
      const starts = s === 0 ? states.map((name) => `start.${name}`) : []
      const z = await executable.read([...starts, ...calls.map((_, i) => `call.${i}`)])
      if (s === 0) for (const name of states) ways.get(name)!.push({ step: 0, z: z[`start.${name}`]! })
      calls.forEach(({ state }, i) => {
        ways.get(state)!.push({ step: s * calls.length + i + 1, z: z[`call.${i}`]! })
      })
    }
    for (const [state, points] of ways) {
      const { coordinates, explained } = principalPlane(points.map(({ z }) => z))
      const at = coordinates.map(([x, y], i) => ({ step: points[i]!.step, x, y }))
      found.push({ example, state, explained, points: at })
    }
    example++
  }
  return E.right(found)
}
