/**
 * Wrong programs (`typetests/fixtures`, each with its sentence in the first line) through the real compiler and through
 * evaluation: both must say the same sentence, and an editor, which cuts long messages, must still show all of it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { compilerOptions, shapeSentence, typeErrors } from '../../src/cli/typecheck.js'
import { costs, type Reasoner } from '../../src/hrm/index.js'

const folder = fileURLToPath(new URL('../../typetests/fixtures/', import.meta.url))
const fixtures = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => {
    const path = `${folder}${file}`
    const expected = /^\/\/ expect: (.*)$/m.exec(readFileSync(path, 'utf8'))?.[1]
    if (expected === undefined) throw new Error(`${file} does not say what it expects`)
    return { name: file, path, expected }
  })

/** What an editor shows: the default options, so that long types are cut. */
const editor = ts.createProgram(
  fixtures.map(({ path }) => path),
  { ...compilerOptions(), noErrorTruncation: false },
)

const evaluate = async (path: string): Promise<string> => {
  try {
    const { default: value } = (await import(path)) as { default: unknown }
    if (typeof value === 'object' && value !== null && 'segment' in value) costs(value as Reasoner)
    return 'nothing was refused'
  } catch (error) {
    return (error as Error).name === 'ShapeError' ? (error as Error).message : String(error)
  }
}

describe('a wrong program', () => {
  it('comes in at least twenty kinds', () => {
    expect(fixtures.length).toBeGreaterThanOrEqual(20)
  })

  it.each(fixtures)('$name is refused by the compiler with its sentence, in the first line an editor shows', (f) => {
    const messages = editor
      .getSemanticDiagnostics(editor.getSourceFile(f.path))
      .map((d) => ts.flattenDiagnosticMessageText(d.messageText, '\n').split('\n')[0] ?? '')
    expect(new Set(messages.map((line) => shapeSentence(line) ?? line))).toEqual(new Set([f.expected]))
  })

  it.each(fixtures)('$name is refused with the same sentence when it is evaluated', async ({ path, expected }) => {
    expect(await evaluate(path)).toBe(expected)
  })

  it('is reported once, with file, line and column', () => {
    const { path, expected } = fixtures.find(({ name }) => name === 'swiglu-after-attention.ts')!
    expect(typeErrors(path).map(({ what, where }) => [what, where])).toEqual([[expected, `${path}:6:3`]])
  })
})
