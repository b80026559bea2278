/** Grids of workgroups, of any size, as the text of a kernel finds its place in them. */
import type { Kernel, Target } from './kernel.js'

export interface Grid {
  readonly workgroups: Kernel['workgroups']
  /** Declares the place in every axis, by its name. */
  readonly wgsl: string
}

/**
 * Three axes by name with their lengths, along x, y and z; where one is longer than the adapter dispatches, all places are
 * numbered in that order and folded into x, y, z.
 */
export const gridOf = (
  target: Target,
  ...[[a, columns], [b, rows], [c, layers]]: readonly [Axis, Axis, Axis]
): Grid => {
  const most = target.maxWorkgroupsPerDimension
  if (Math.max(columns, rows, layers) <= most)
    return {
      workgroups: [columns, rows, layers],
      wgsl: `let ${a} = workgroup.x; let ${b} = workgroup.y; let ${c} = workgroup.z;`,
    }
  const all = columns * rows * layers
  const x = Math.min(all, most)
  const y = Math.min(Math.ceil(all / x), most)
  const z = Math.ceil(all / (x * y))
  if (z > most) throw new Error(`${all} workgroups are more than a grid of ${most} a dimension holds`)
  return {
    workgroups: [x, y, z],
    wgsl: [
      `let place = workgroup.x + ${x}u * (workgroup.y + ${y}u * workgroup.z);`,
      `if (place >= ${all}u) { return; }`,
      `let ${a} = place % ${columns}u; let ${b} = place / ${columns}u % ${rows}u; let ${c} = place / ${columns * rows}u;`,
    ].join('\n'),
  }
}

type Axis = readonly [name: string, length: number]

export const range = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i)
