/**
 * The examples, and the guide that quotes them (`docs/variants.md`): they type-check, trace and learn; the guide shows the
 * files as they are, and what it says in comments is what the compiler shows.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import ts from 'typescript'
import { afterAll, describe, expect, it } from 'vitest'
import { checkFile } from '../src/cli/check.js'
import { compilerOptions, shapeSentence } from '../src/cli/typecheck.js'
import {
  demoSettings,
  type Geometry,
  generateSudoku,
  geometryOfSide,
  sudokuSplit,
  trainingBatches,
} from '../src/data/index.js'
import { defaultSettings, readMetrics, train } from '../src/train/index.js'
import { backendsForTests } from './support/backends.js'

const folder = mkdtempSync(join(tmpdir(), 'examples-'))
afterAll(() => rmSync(folder, { recursive: true }))

const examples = readdirSync('examples').filter((name) => name.endsWith('.ts'))
const guide = readFileSync('docs/variants.md', 'utf8')
const programs = [...guide.matchAll(/```ts\n(.*?)```/gs)].map(([, text]) => text!)

const modelOf = async (name: string) => {
  const report = await checkFile(join('examples', name))()
  if (E.isLeft(report)) throw new Error(JSON.stringify(report.left))
  return report.right.models[0]!.model
}

const right = <A>(result: E.Either<unknown, A>): A => {
  if (E.isLeft(result)) throw new Error(JSON.stringify(result.left))
  return result.right
}
const geometry: Geometry = geometryOfSide(4)!
const sudoku = sudokuSplit(geometry, right(generateSudoku({ ...demoSettings(geometry, 1), trainGrids: 20 })).train)

describe('the examples', () => {
  it.each(examples)('%s stands in the guide as it is', (name) => {
    expect(programs).toContain(readFileSync(join('examples', name), 'utf8'))
  })

  it.each(examples)('%s type-checks, traces and learns', async (name) => {
    const model = await modelOf(name)
    const backend = await backendsForTests().at(-1)!.open()
    if (backend === undefined) return console.warn(`SKIPPED: no device; ${name} is NOT trained`)
    const run = join(folder, name)
    mkdirSync(run)
    const settings = { ...defaultSettings, batch: 16, steps: 30, lr: 3e-3, puzzleLr: 3e-3, warmup: 5, logEvery: 5 }
    right(
      await train({
        backend,
        model,
        settings,
        batches: (taken) => trainingBatches(sudoku, settings.batch, 0, taken),
        run,
        resume: false,
      })(),
    )
    const losses = readMetrics(run).map(({ lm_loss }) => Number(lm_loss))
    expect(losses.every(Number.isFinite)).toBe(true)
    expect(losses.at(-1)!).toBeLessThan(0.9 * losses[0]!)
  })
})

describe('the guide', () => {
  const options = { ...compilerOptions(), noErrorTruncation: false }
  const written = programs.map((text, i) => {
    const path = resolve(folder, `program-${i}.ts`)
    const imports = text.includes('import') ? '' : "import { linear, seq, silu } from 'thetagrad'\n"
    writeFileSync(path, `${imports}${text}`)
    return { path, text }
  })
  const program = ts.createProgram(
    written.map(({ path }) => path),
    options,
  )
  const messages = (path: string) =>
    program
      .getSemanticDiagnostics(program.getSourceFile(path))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n').split('\n')[0]!)

  it('has programs that compile, but for the wrong one, which is refused with the sentence under it', () => {
    const wrong = written.filter(({ text }) => text.includes('~~~'))
    expect(wrong.length).toBe(1)
    for (const { path, text } of written) {
      const sentences = [...text.matchAll(/^\/\/ *~+ (.*)$/gm)].map(([, sentence]) => sentence)
      expect(messages(path).map((line) => shapeSentence(line) ?? line)).toEqual(sentences)
    }
  })

  it('says in comments what the compiler knows of computed sizes', () => {
    const { path, text } = written.find(({ text: t }) => t.includes('roundUpDims'))!
    const checker = program.getTypeChecker()
    const shown = program
      .getSourceFile(path)!
      .statements.filter(ts.isVariableStatement)
      .filter((s) => s.modifiers !== undefined)
      .map((s) => checker.typeToString(checker.getTypeAtLocation(s.declarationList.declarations[0]!.name)))
    expect(shown).toEqual([...text.matchAll(/^export .* \/\/ (.*)$/gm)].map(([, comment]) => comment))
  })
})
