/**
 * Where a state starts: a closed set of values. A state that has a start of its own is carried from one segment to the next
 * and starts anew with every example; one that starts from the input is made in every segment. D hidden.
 */
export type StateStart =
  /** The name of a fixed vector [D], truncated normal with std 1, saved but not trained; the same at every position. */
  string | typeof fromInput

/** x̃ itself, at the start of every segment: a net without memory between segments. */
export const fromInput = { kind: 'input' } as const
