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
import { showReport } from '../src/cli/check-report.js'
import { compilerOptions, shapeSentence } from '../src/cli/typecheck.js'
import {
  type Geometry,
  generateSudoku,
  geometryOfSide,
  sudokuSplit,
  trainingBatches,
  usualGenerator,
} from '../src/data/index.js'
import { defaultSettings, readMetrics, train } from '../src/train/index.js'
import { backendsForTests } from './support/backends.js'
import { right } from './support/outcomes.js'

const folder = mkdtempSync(join(tmpdir(), 'examples-'))
afterAll(() => rmSync(folder, { recursive: true }))

const examples = readdirSync('examples').filter((name) => name.endsWith('.ts'))
const guide = readFileSync('docs/variants.md', 'utf8')
const programs = [...guide.matchAll(/```ts\n(.*?)```/gs)].map(([, text]) => text!)

/** The example with some text replaced, checked: what it prints, or the sentences that refuse it. */
const checkedWith = async (name: string, changes: readonly (readonly [string, string])[]) => {
  const text = changes.reduce(
    (program, [from, to]) => {
      expect(program, `${name} says`).toContain(from)
      return program.replace(from, to)
    },
    readFileSync(join('examples', name), 'utf8'),
  )
  const path = join(folder, `changed-${name}`)
  writeFileSync(path, text)
  const report = await checkFile(path)()
  return E.isLeft(report)
    ? { refused: report.left.map(({ what, where }) => ({ what, where: where?.replace(path, name) })) }
    : { printed: showReport(report.right) }
}
/** As the guide quotes what a terminal shows. */
const quoted = (text: string) => text.trimEnd().replace(/^(?=.)/gm, '    ')

const modelOf = async (name: string) => {
  const report = await checkFile(join('examples', name))()
  if (E.isLeft(report)) throw new Error(JSON.stringify(report.left))
  return report.right.models[0]!.model
}

const geometry: Geometry = geometryOfSide(4)!
const sudoku = sudokuSplit(geometry, right(generateSudoku({ ...usualGenerator(geometry, 1), trainGrids: 20 })).train)

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
    const settings = { ...defaultSettings, batch: 16, steps: 20, lr: 3e-3, puzzleLr: 3e-3, warmup: 5, logEvery: 5 }
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
    writeFileSync(path, text)
    return { path, text }
  })
  const program = ts.createProgram(
    written.map(({ path }) => path),
    options,
  )
  /** Every mistake as the guide writes it: under the line, a tilde a character, then the sentence. */
  const marks = (path: string) =>
    program.getSemanticDiagnostics(program.getSourceFile(path)).map(({ file, start = 0, length = 0, messageText }) => {
      const { character } = file!.getLineAndCharacterOfPosition(start)
      const line = ts.flattenDiagnosticMessageText(messageText, '\n').split('\n')[0]!
      return `//${' '.repeat(character - 2)}${'~'.repeat(length)} ${shapeSentence(line) ?? line}`
    })

  it('has programs that compile, but for the wrong lines, which are refused where it says and as it says', () => {
    for (const { path, text } of written) expect(marks(path)).toEqual([...text.matchAll(/^\/\/ *~+ .*$/gm)].map(String))
    expect(written.flatMap(({ path }) => marks(path)).length).toBeGreaterThan(3)
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

  it('quotes what check prints', async () => {
    const { printed } = await checkedWith('one-block.ts', [])
    expect(guide).toContain(quoted(printed!))
    expect(printed).toContain('1014 KiB')
    const { printed: oneStep } = await checkedWith('one-block.ts', [
      ['  wholeCycleGradient,', '  oneStepGradient,'],
      ['gradient: wholeCycleGradient', 'gradient: oneStepGradient'],
    ])
    expect(oneStep).toContain('509 KiB')
  })

  it('changes examples as it says, and quotes what refuses them', async () => {
    const table = [
      ['one-block.ts', 'heads: 2', 'heads: 3'],
      ['one-block.ts', 'puzzleTokens: 2', 'puzzleTokens: 0'],
      ['one-block.ts', 'outputNet({ hidden, vocabulary,', 'outputNet({ hidden, vocabulary: 7,'],
      ['mixer.ts', 'puzzleEmbedding: hidden', 'puzzleEmbedding: hidden, puzzleTokens: 2'],
      ['mixer.ts', '{ ...z, z_H:', '{ z_H:'],
    ] as const
    const rows = [...guide.matchAll(/^\| `(\S+\.ts)`: .* \| `(.*)` \|$/gm)].map(([, name, sentence]) => [
      name,
      sentence,
    ])
    const refusals = []
    for (const [name, from, to] of table)
      refusals.push([name, (await checkedWith(name, [[from, to]])).refused?.[0]?.what])
    expect(refusals).toEqual(rows)
    const narrow = 'medium: stack(1, transformerBlock({ hidden: 32, heads: 2 }))'
    const { refused } = await checkedWith('three-levels.ts', [['medium: level', narrow]])
    expect(guide).toContain(quoted(`${refused![0]!.where}: ${refused![0]!.what}`))
  })

  it('has a recurrence that calls the blocks of tiny-hrm.ts in the order it says', async () => {
    const own = programs.find((text) => text.includes('const growing'))!
    const { printed } = await checkedWith('tiny-hrm.ts', [
      ['const vocabulary', `${own.replace(/^import .*$/m, '').replace('export ', '')}\nconst vocabulary`],
      [
        '  inputNet,\n',
        '  inputNet,\n  inTurn,\n  iterate,\n  lastWithGradient,\n  type Recurrence,\n  type Tensor,\n',
      ],
      ['hierarchicalConvergence({ cycles: 2, steps: 2, gradient: oneStepGradient })', 'growing'],
    ])
    const order = 'L H L L H L L L L H'
    expect(printed).toContain(`\n${order}, with`)
    expect(guide).toContain(`\`${order}\``)
  })
})
