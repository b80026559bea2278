/**
 * `thetagrad check FILE.ts`, without its printing: compile the file, load it, trace the models it exports (no device),
 * and count. What is wrong is a list of problems, each with file, line and column.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { createJiti } from 'jiti'
import { compile } from '../compile/index.js'
import { memoryPlan } from '../device/index.js'
import { type Costs, costs, type Reasoner } from '../hrm/index.js'
import type { Backend } from '../ir/index.js'
import { checkpointMismatches } from '../nn/index.js'
import { type Problem, problem } from '../problem.js'
import { memoryByBatch, readModelAt, storedShapes } from '../train/index.js'
import { portable } from './portable.js'
import { packageModules, typeErrors } from './typecheck.js'

export interface CheckedModel {
  /** The export it was found under. */
  readonly exported: string
  readonly model: Reasoner
  readonly costs: Costs
  /** Bytes of a training step. */
  readonly training: ReturnType<typeof memoryByBatch>
}
export interface CheckReport {
  readonly file: string
  readonly models: readonly CheckedModel[]
}

export const checkFile =
  (path: string): TaskEither<readonly Problem[], CheckReport> =>
  async () => {
    const file = resolve(path)
    if (!existsSync(file))
      return E.left([problem(`there is no file ${path}`, { fix: 'give the path of a TypeScript file' })])
    const mistakes = typeErrors(file)
    if (mistakes.length > 0) return E.left(mistakes)
    const loaded = await loadFile(path)
    if (E.isLeft(loaded)) return loaded
    try {
      const models = loaded.right.models.map((found) => ({
        ...found,
        costs: costs(found.model),
        training: memoryByBatch({ plan: planForAny }, found.model),
      }))
      return E.right({ file, models })
    } catch (error) {
      return E.left([loadProblem(file, error)])
    }
  }

/** Memory on a device of which nothing is known. */
const planForAny: Backend['plan'] = (graph, dims) =>
  memoryPlan(compile(graph, dims, portable), {
    maxBufferBytes: Number.POSITIVE_INFINITY,
    maxBindingBytes: Number.POSITIVE_INFINITY,
  })

/** Whether a checkpoint (file, folder, or run) holds the parameters of the one model of a report: a problem a tensor. */
export const checkCheckpoint = ({ models, file }: CheckReport, path: string): E.Either<readonly Problem[], string> => {
  const [only, another] = models
  if (only === undefined || another !== undefined)
    return E.left([
      problem(`${models.length} models to compare with one checkpoint`, {
        where: file,
        why: models.map(({ exported }) => exported).join(', '),
        fix: 'let the file export one of them',
      }),
    ])
  const stored = readModelAt(path)
  if (E.isLeft(stored)) return E.left([stored.left])
  const wrong = checkpointMismatches(only.model.parameters, storedShapes(stored.right))
  return wrong.length === 0
    ? E.right(`all ${Object.keys(stored.right).length} tensors of ${path} fit`)
    : E.left(wrong.map((what) => problem(what, { where: path })))
}

/** What a file exports, and the models among it; there is at least one. */
export interface LoadedFile {
  readonly exports: Readonly<Record<string, unknown>>
  readonly models: readonly Pick<CheckedModel, 'exported' | 'model'>[]
}

/** Evaluates a file without compiling it first: for one that has been checked already. */
export const loadFile = async (path: string): Promise<E.Either<readonly Problem[], LoadedFile>> => {
  const file = resolve(path)
  if (!existsSync(file))
    return E.left([problem(`there is no file ${path}`, { fix: 'give the path of a TypeScript file' })])
  try {
    const exports = await load(file)
    const models = reasonersOf(exports).map(([exported, model]) => ({ exported, model }))
    return models.length === 0 ? E.left([nothingExported(path)]) : E.right({ exports, models })
  } catch (error) {
    return E.left([loadProblem(file, error)])
  }
}

const nothingExported = (path: string): Problem =>
  problem(`${path} exports no model`, {
    fix: "end it with `export default reasoner({ … })`, or `hrm({ … })`, both from 'thetagrad'",
  })

/** Evaluates the file's module, with this package under its name. */
const load = async (file: string): Promise<Readonly<Record<string, unknown>>> =>
  createJiti(import.meta.url, { alias: packageModules(), fsCache: false, moduleCache: false }).import(file)

const loadProblem = (file: string, error: unknown): Problem => {
  const { name, message, stack = '' } = error instanceof Error ? error : new Error(String(error))
  const line = stack.split('\n').find((frame) => frame.includes(file))
  const where = /(\d+):(\d+)\)?$/.exec(line ?? '')
  return problem(name === 'ShapeError' ? message : `the file cannot be evaluated: ${message}`, {
    where: where === null ? file : `${file}:${where[1]}:${where[2]}`,
  })
}

const isReasoner = (value: unknown): value is Reasoner =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Reasoner).segment === 'function' &&
  Array.isArray((value as Reasoner).parts)

/** The models among the exports, or one level inside them (`{ model: … }`); the default export first. */
const reasonersOf = (exports: Readonly<Record<string, unknown>>): readonly (readonly [string, Reasoner])[] => {
  const found = new Map<Reasoner, string>()
  const names = Object.keys(exports).sort((a, b) => Number(b === 'default') - Number(a === 'default'))
  const note = (name: string, value: unknown) => {
    if (isReasoner(value) && !found.has(value)) found.set(value, name)
  }
  for (const name of names) {
    const value = exports[name]
    note(name, value)
    if (typeof value === 'object' && value !== null && !isReasoner(value))
      for (const [key, inner] of Object.entries(value)) note(`${name}.${key}`, inner)
  }
  return [...found].map(([model, name]) => [name, model] as const)
}
