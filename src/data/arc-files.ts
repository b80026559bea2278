/**
 * ARC tasks from their published layouts: a folder of task files `{train: [{input, output}…], test: […]}`, or the combined
 * files `…challenges.json` with `…solutions.json` beside them. A bad file is a problem that names the file and the grid.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { type Problem, problem } from '../problem.js'
import { type ArcExample, type ArcGrid, arcLargestSide } from './arc.js'

export interface ArcTask {
  readonly name: string
  /** Demonstrations. */
  readonly train: readonly ArcExample[]
  readonly test: readonly ArcExample[]
}

/** All tasks of a folder (and its folders), or of one combined file; by name. */
export const readArcTasks = (path: string): E.Either<Problem, readonly ArcTask[]> => {
  if (!existsSync(path))
    return E.left(
      problem('there is no such file or folder', {
        where: path,
        fix: 'give a folder of task files, or a …challenges.json with its …solutions.json beside it',
      }),
    )
  const tasks = statSync(path).isDirectory() ? fromFolder(path) : fromCombined(path)
  if (E.isLeft(tasks)) return tasks
  return tasks.right.length === 0 ? E.left(problem('there is no ARC task', { where: path })) : tasks
}

const fromFolder = (folder: string): E.Either<Problem, readonly ArcTask[]> => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .sort()
  const tasks: ArcTask[] = []
  for (const name of files) {
    const file = join(folder, name)
    const json = readJson(file)
    if (E.isLeft(json)) return json
    const task = checkTask(basename(name, '.json'), json.right, file)
    if (E.isLeft(task)) return task
    tasks.push(task.right)
  }
  return E.right(tasks)
}

const fromCombined = (file: string): E.Either<Problem, readonly ArcTask[]> => {
  const solutionsFile = join(dirname(file), basename(file).replace('challenges', 'solutions'))
  if (solutionsFile === file || !existsSync(solutionsFile))
    return E.left(
      problem('the solutions of the tasks are missing', {
        where: solutionsFile === file ? file : solutionsFile,
        fix: 'name a …challenges.json that has its …solutions.json beside it',
      }),
    )
  const [challenges, solutions] = [readJson(file), readJson(solutionsFile)]
  if (E.isLeft(challenges)) return challenges
  if (E.isLeft(solutions)) return solutions
  for (const [where, { right }] of [
    [file, challenges],
    [solutionsFile, solutions],
  ] as const)
    if (typeof right !== 'object' || right === null) return E.left(problem('these are no tasks by name', { where }))
  const tasks: ArcTask[] = []
  for (const [name, value] of Object.entries(challenges.right as Readonly<Record<string, unknown>>)) {
    const outputs = (solutions.right as Readonly<Record<string, unknown>>)[name]
    const test = (value as { readonly test?: unknown } | null)?.test
    if (!Array.isArray(outputs) || !Array.isArray(test) || outputs.length !== test.length)
      return E.left(problem(`the solutions of ${name} are not as many as its tests`, { where: solutionsFile }))
    const whole = { ...(value as object), test: test.map((t, i) => ({ ...t, output: outputs[i] })) }
    const task = checkTask(name, whole, `${file}: ${name}`)
    if (E.isLeft(task)) return task
    tasks.push(task.right)
  }
  return E.right(tasks)
}

const readJson = (file: string): E.Either<Problem, unknown> => {
  try {
    return parseJson(readFileSync(file, 'utf8'), file)
  } catch (cause) {
    return E.left(problem('the file cannot be read', { where: file, why: String(cause) }))
  }
}

const parseJson = (text: string, where: string): E.Either<Problem, unknown> =>
  E.tryCatch(
    () => JSON.parse(text.replace(/^\ufeff/, '')) as unknown,
    (cause) => problem('this is no JSON', { where, why: (cause as Error).message }),
  )

/** A task with its solutions, from JSON. */
export const checkTask = (name: string, json: unknown, where: string): E.Either<Problem, ArcTask> => {
  const parts: Record<'train' | 'test', ArcExample[]> = { train: [], test: [] }
  for (const part of ['train', 'test'] as const) {
    const examples = (json as Readonly<Record<string, unknown>> | null)?.[part]
    if (!Array.isArray(examples) || examples.length === 0)
      return E.left(
        problem(`it has no ${part} examples`, { where, fix: 'a task is {"train": […], "test": […]}, pairs in each' }),
      )
    for (const [i, example] of examples.entries()) {
      const wrong = ['input', 'output'].flatMap((side) => {
        const why = gridFault((example as Readonly<Record<string, unknown>> | null)?.[side])
        return why === undefined ? [] : [problem(`${part}[${i}].${side} ${why}`, { where })]
      })[0]
      if (wrong !== undefined) return E.left(wrong)
      const { input, output } = example as ArcExample
      parts[part].push({ input, output })
    }
  }
  return E.right({ name, ...parts })
}

/** A test input that somebody asks about, and its answer where that is known. */
export interface ArcQuestion {
  readonly input: ArcGrid
  readonly output?: ArcGrid
}

/** What is asked: the tests of a task in JSON, whose outputs may be missing, or one grid in JSON or drawn, a line a row. */
export const parseArcQuestions = (text: string, where: string): E.Either<Problem, readonly ArcQuestion[]> => {
  if (!/^\s*[[{]/.test(text)) return E.map((input: ArcGrid) => [{ input }])(drawnGrid(text, where))
  const json = parseJson(text, where)
  if (E.isLeft(json)) return json
  if (Array.isArray(json.right)) {
    const why = gridFault(json.right)
    return why === undefined
      ? E.right([{ input: json.right as ArcGrid }])
      : E.left(problem(`the grid ${why}`, { where }))
  }
  const { test } = json.right as { readonly test?: unknown }
  if (!Array.isArray(test) || test.length === 0)
    return E.left(problem('it has no test inputs', { where, fix: 'a task is {"train": […], "test": [{"input": …}]}' }))
  for (const [i, example] of test.entries())
    for (const side of ['input', 'output'] as const) {
      const grid = (example as Readonly<Record<string, unknown>> | null)?.[side]
      const why = side === 'output' && grid === undefined ? undefined : gridFault(grid)
      if (why !== undefined) return E.left(problem(`test[${i}].${side} ${why}`, { where }))
    }
  return E.right(test as readonly ArcQuestion[])
}

/** Digits, with spaces between them or not; a dot is black. */
const drawnGrid = (text: string, where: string): E.Either<Problem, ArcGrid> => {
  const rows = text
    .split(/\r?\n/)
    .map((line) => line.replace(/\s/g, ''))
    .filter((line) => line !== '')
    .map((line) => [...line].map((cell) => (/[.·]/.test(cell) ? 0 : /\d/.test(cell) ? Number(cell) : cell)))
  const why = gridFault(rows)
  return why === undefined
    ? E.right(rows as ArcGrid)
    : E.left(
        problem(`the grid ${why}`, { where, fix: 'draw it with the digits 0 to 9, a line a row, or give a task file' }),
      )
}

/** What is wrong with a grid, if anything is. */
const gridFault = (grid: unknown): string | undefined => {
  if (!Array.isArray(grid) || grid.length === 0) return 'is no grid'
  if (grid.length > arcLargestSide) return `has ${grid.length} rows; ${arcLargestSide} is the most`
  const width = Array.isArray(grid[0]) ? grid[0].length : 0
  if (width === 0) return 'is no grid'
  if (width > arcLargestSide) return `has ${width} columns; ${arcLargestSide} is the most`
  for (const [r, row] of (grid as readonly unknown[]).entries()) {
    if (!Array.isArray(row)) return `has no list for row ${r + 1}`
    if (row.length !== width) return `has ${row.length} cells in row ${r + 1}, ${width} in the first`
    const bad = row.findIndex((c) => !(Number.isInteger(c) && c >= 0 && c <= 9))
    if (bad >= 0) return `has ${JSON.stringify(row[bad])} in row ${r + 1}, cell ${bad + 1}; colours are 0 to 9`
  }
  return undefined
}

/** The longest side of any grid of a task. */
export const longestSide = ({ train, test }: ArcTask): number =>
  Math.max(
    ...[...train, ...test]
      .flatMap(({ input, output }) => [input, output])
      .flatMap((grid: ArcGrid) => [grid.length, grid[0]!.length]),
  )
