/** What a recurrence asks of its steps: what is injected has the state's shape, and every state keeps its own. */
import { type Shape, type ShapeError, showShape } from '../dim.js'
import { agree, type Difference, difference, type Refusal, refuse, type SameShape, type Show } from '../rule.js'

/** Input injection by addition. */
export type Injection<State, Injected> = State extends Shape
  ? Injected extends Shape
    ? SameShape<Injected, State> extends true
      ? State
      : ShapeError<`input injection cannot add ${Show<Injected>} to the state ${Show<State>}: ${Difference<Injected, State>}`>
    : never
  : State

export const injectionRule = (state: Shape, injected: Shape): Shape | Refusal =>
  agree(state, injected)
    ? state
    : refuse(
        `input injection cannot add ${showShape(injected)} to the state ${showShape(state)}: ${difference(injected, state)}`,
      )

/** The carry out of a step has the shapes of the carry in: the name of a state, its shape after and before. */
export type KeptState<Name extends string, After, Before> = After extends Shape
  ? Before extends Shape
    ? SameShape<After, Before> extends true
      ? After
      : ShapeError<`the step turns the state ${Name} into ${Show<After>}; it must stay ${Show<Before>}: ${Difference<After, Before>}`>
    : never
  : After

export const keptState = (name: string, after: Shape, before: Shape): Shape | Refusal =>
  agree(after, before)
    ? after
    : refuse(
        `the step turns the state ${name} into ${showShape(after)}; it must stay ${showShape(before)}: ${difference(after, before)}`,
      )
