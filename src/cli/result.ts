/** How a command ends: a value for people and scripts, or problems. Exit 0, 1 (failed) or 2 (bad usage, by commander). */
import { CommanderError } from 'commander'
import * as E from 'fp-ts/lib/Either.js'
import { DeviceFailure } from '../device/index.js'
import { type Problem, problem, showProblem } from '../problem.js'

/** What a command answers: text for a terminal, the same as JSON. */
interface Answer {
  readonly text: string
  readonly json: unknown
}
export type Outcome = E.Either<readonly Problem[], Answer>

export const failed = (...problems: readonly Problem[]): E.Either<readonly Problem[], never> => E.left(problems)

/** One problem as a list of them. */
export const listed = <A>(result: E.Either<Problem, A>): E.Either<readonly Problem[], A> =>
  E.mapLeft((p: Problem) => [p])(result)

/** Lines for people that must not disturb a JSON answer. */
export const log = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

/** Runs a command and prints its outcome; the exit code. */
export const conclude = async (json: boolean, command: () => Promise<Outcome>): Promise<number> => {
  const outcome = await caught(command)
  if (E.isRight(outcome)) {
    const { text, json: value } = outcome.right
    await print(`${json ? JSON.stringify(value) : text}\n`)
    return 0
  }
  for (const one of outcome.left) log(showProblem(one))
  if (json) await print(`${JSON.stringify({ problems: outcome.left })}\n`)
  return 1
}

/** A device that breaks rejects with its problem; anything else that is thrown is our mistake and keeps its stack. */
const caught = async (command: () => Promise<Outcome>): Promise<Outcome> => {
  try {
    return await command()
  } catch (error) {
    // Bad usage that shows only when options are looked at together: `main.ts` ends it with exit 2.
    if (error instanceof CommanderError) throw error
    if (error instanceof DeviceFailure) return failed(error.problem)
    if (isRefusal(error))
      return failed(
        problem(`${error.path ?? 'a file'} cannot be used`, {
          why: error.message,
          fix: 'look at what is there, at its permissions, and at the room on the disk',
        }),
      )
    const { stack = String(error) } = error instanceof Error ? error : {}
    return failed(
      problem('thetagrad has a bug: something it did not expect happened', { why: stack, fix: 'please report it' }),
    )
  }
}

/** What the system refuses, wherever it happens: a full disk, a folder that may not be written, a file in its place. */
const isRefusal = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error && 'code' in error

/** Waits until a pipe has taken it all: `process.exit` would cut it off. */
const print = (text: string): Promise<void> => new Promise((resolve) => process.stdout.write(text, () => resolve()))
