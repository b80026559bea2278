/** Several sets of weights of one model: checkpoints that a run keeps, or those of other runs. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidArgumentError } from 'commander'
import * as E from 'fp-ts/lib/Either.js'
import type { Reasoner } from '../hrm/index.js'
import type { Backend } from '../ir/index.js'
import { type Problem, problem } from '../problem.js'
import {
  checkpointAt,
  checkpointNamed,
  checkpointSteps,
  hasAverage,
  type NamedValues,
  readModelAt,
  restoreParameters,
  type Weights,
} from '../train/index.js'
import type { Chosen, TrainedModel } from './run-folder.js'

export type Ensemble =
  /** All checkpoints of the run, from the newest. */
  | { readonly kind: 'all' }
  /** The newest. */
  | { readonly kind: 'newest'; readonly count: number }
  /** Checkpoints of the run, or paths of others. */
  | { readonly kind: 'named'; readonly names: readonly string[] }

/** `all`, a number, or names with commas. */
export const ensembleOf = (text: string): Ensemble => {
  if (text === 'all') return { kind: 'all' }
  if (/^[1-9]\d*$/.test(text)) return { kind: 'newest', count: Number(text) }
  const names = text.split(',').map((name) => name.trim())
  if (/^\d*$/.test(text) || names.includes(''))
    throw new InvalidArgumentError('It must be all, a number ≥ 1, or names with commas.')
  return { kind: 'named', names }
}

/** One set of weights. */
export interface Member {
  /** The folder or file. */
  readonly name: string
  /** As they were trained, or their moving average. */
  readonly weights: Weights
  /** Puts it on a device. Read when it is wanted: a run's checkpoints together may be larger than memory. */
  readonly writeTo: (backend: Backend) => E.Either<Problem, void>
}

/** How each member's weights get onto the device, by its number. */
export const loadersOf = (members: readonly Member[], backend: Backend): readonly (() => E.Either<Problem, void>)[] =>
  members.map(
    ({ writeTo }) =>
      () =>
        writeTo(backend),
  )

/**
 * The members in the order of the candidates: first the checkpoint that was opened, or the first that is named. Each is read
 * once beforehand: that one cannot be read is not found out after hours.
 */
export const membersOf = (
  run: string,
  { model, checkpoint, weights, writeTo }: TrainedModel,
  ensemble: Ensemble | undefined,
  chosen: Chosen,
): E.Either<Problem, readonly Member[]> => {
  const opened: Member = { name: checkpoint, weights, writeTo: (backend) => E.right(writeTo(backend)) }
  if (ensemble === undefined) return E.right([opened])
  const paths = ensemble.kind === 'named' ? named(run, ensemble.names, chosen) : kept(run, checkpoint, ensemble)
  if (E.isLeft(paths)) return paths
  const others = E.traverseArray((path: string) => member(model, path, chosen))(paths.right)
  if (E.isLeft(others)) return others
  return E.right(ensemble.kind === 'named' ? others.right : [opened, ...others.right])
}

/** Where the named ones lie: in the run, or at a path of their own. */
const named = (run: string, names: readonly string[], chosen: Chosen): E.Either<Problem, readonly string[]> =>
  chosen.checkpoint !== undefined
    ? E.left(
        problem('--checkpoints names them all', { fix: 'leave out --checkpoint; the first named is the plain pass' }),
      )
    : E.traverseArray((name: string) =>
        !/^(latest|best|step-\d+)$/.test(name) && existsSync(name) ? E.right(name) : checkpointNamed(run, name),
      )(names)

/** Those of the run beside the opened one, from the newest. */
const kept = (
  run: string,
  opened: string,
  ensemble: Exclude<Ensemble, { readonly kind: 'named' }>,
): E.Either<Problem, readonly string[]> => {
  const others = checkpointSteps(run)
    .map((step) => join(run, 'checkpoints', `step-${step}`))
    .filter((path) => path !== opened)
    .reverse()
  if (ensemble.kind === 'all') return E.right(others)
  return ensemble.count - 1 <= others.length
    ? E.right(others.slice(0, ensemble.count - 1))
    : E.left(
        problem(`${ensemble.count} checkpoints were asked for, the run keeps ${others.length + 1}`, {
          where: join(run, 'checkpoints'),
          fix: 'use --checkpoints all, or train with a larger --keep',
        }),
      )
}

const member = (model: Reasoner, path: string, { weights }: Chosen): E.Either<Problem, Member> => {
  const found = checkpointAt(path)
  if (E.isLeft(found)) return found
  const read = (): E.Either<Problem, NamedValues> => {
    const stored = readModelAt(found.right, weights)
    return E.isLeft(stored) ? stored : restoreParameters(model, stored.right, path)
  }
  const writeTo = (backend: Backend): E.Either<Problem, void> => {
    const parameters = read()
    if (E.isLeft(parameters)) return parameters
    for (const [name, data] of Object.entries(parameters.right)) backend.write(name, data)
    return E.right(undefined)
  }
  return E.map((): Member => ({ name: path, weights: weights ?? (hasAverage(found.right) ? 'ema' : 'live'), writeTo }))(
    read(),
  )
}
