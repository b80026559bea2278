/** What commands and builders answered, for tests: what is right, or what was refused, in the words of the terminal. */
import * as E from 'fp-ts/lib/Either.js'
import type { Outcome } from '../../src/cli/result.js'
import { showProblem } from '../../src/problem.js'

/** What is right; throws what is left. */
export const right = <A>(result: E.Either<unknown, A>): A => {
  if (E.isLeft(result)) throw new Error(JSON.stringify(result.left))
  return result.right
}

// biome-ignore lint/suspicious/noExplicitAny: the JSON of a command, whose fields the tests name
export type Json = any

export const answerOf = async (command: Promise<Outcome>) =>
  right(await command) as { readonly text: string; readonly json: Json }

export const refusal = async (command: Promise<Outcome>): Promise<string> => {
  const outcome = await command
  return E.isLeft(outcome) ? outcome.left.map(showProblem).join('\n') : 'no problem'
}
