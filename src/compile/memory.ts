/** Static memory: values that never live at the same time share bytes. */

export interface Lifetime {
  readonly bytes: number
  /** First and last step that touches it. */
  readonly first: number
  readonly last: number
}

/** Buffer offsets are multiples of this; WebGPU's portable binding alignment. */
export const ALIGNMENT = 256
export const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT

/** An offset for every value such that two that live at once do not overlap; the largest are placed first. */
export const planMemory = (
  values: readonly Lifetime[],
): { readonly offsets: readonly number[]; readonly bytes: number } => {
  const offsets: number[] = new Array(values.length).fill(0)
  const placed: number[] = []
  const bySize = values.map((_, i) => i).sort((a, b) => values[b]!.bytes - values[a]!.bytes || a - b)
  let bytes = 0
  for (const i of bySize) {
    const value = values[i]!
    const neighbours = placed
      .filter((p) => values[p]!.first <= value.last && value.first <= values[p]!.last)
      .sort((a, b) => offsets[a]! - offsets[b]!)
    let offset = 0
    for (const n of neighbours) {
      if (offset + align(value.bytes) <= offsets[n]!) break
      offset = Math.max(offset, offsets[n]! + align(values[n]!.bytes))
    }
    offsets[i] = offset
    placed.push(i)
    bytes = Math.max(bytes, offset + align(value.bytes))
  }
  return { offsets, bytes }
}
