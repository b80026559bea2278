/** Input injection by addition: what is added must have the state's shape. */
import { type Shape, type ShapeError, sameShape, showShape } from '../dim.js'
import { type Refusal, refuse, type SameShape, type Show } from '../rule.js'

export type Injection<State, Injected> = State extends Shape
  ? Injected extends Shape
    ? SameShape<Injected, State> extends true
      ? State
      : ShapeError<`input injection cannot add ${Show<Injected>} to the state ${Show<State>}: the shapes differ`>
    : never
  : State

export const injectionRule = (state: Shape, injected: Shape): Shape | Refusal =>
  sameShape(state, injected)
    ? state
    : refuse(`input injection cannot add ${showShape(injected)} to the state ${showShape(state)}: the shapes differ`)

/** A step must leave every state as large as it was. */
export const keptState = (name: string, state: Shape, expected: Shape): Shape | Refusal =>
  sameShape(state, expected)
    ? state
    : refuse(`the step turns the state ${name} into ${showShape(state)}; it must stay ${showShape(expected)}`)
