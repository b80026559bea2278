/**
 * One dimension wrong, anywhere in the definition of HRM or TRM, and the compiler refuses it. The definitions stand in
 * `typetests/mutants`, every size written out; here a program changes one number at a time. Evaluated without the
 * compiler, every mutant is refused too, with a sentence that the compiler said.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { compilerOptions, shapeSentence } from '../../src/cli/typecheck.js'
import { costs, type Reasoner } from '../../src/hrm/index.js'
import * as thetagrad from '../../src/index.js'

const folder = fileURLToPath(new URL('../../typetests/mutants/', import.meta.url))

interface Mutant {
  readonly name: string
  readonly path: string
  readonly text: string
}

/** Rows of the puzzle embedding are filled up to whole tokens: any width that these hold is right. */
const puzzleRoom: Readonly<Record<string, number>> = { hrm: 512, trm: 16 * 512 }

/** Whether a number may become another: how often something is done, or a size that nothing else depends on. */
const isFree = (definition: string, { parent }: ts.NumericLiteral, changed: number): boolean => {
  if (ts.isCallExpression(parent)) return parent.expression.getText() === 'stack'
  if (!ts.isPropertyAssignment(parent)) return false
  const name = parent.name.getText()
  return name === 'puzzleEmbedding'
    ? changed <= puzzleRoom[definition]!
    : ['cycles', 'steps', 'maxSegments'].includes(name)
}

/** Every number of a definition, changed in every way. */
const mutantsOf = (definition: string, free: boolean): readonly Mutant[] => {
  const text = readFileSync(`${folder}${definition}.ts`, 'utf8')
  const source = ts.createSourceFile(`${definition}.ts`, text, ts.ScriptTarget.ES2023, true)
  const literals: ts.NumericLiteral[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isNumericLiteral(node)) literals.push(node)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return literals.flatMap((literal) => {
    const size = Number(literal.text)
    const { line, character } = source.getLineAndCharacterOfPosition(literal.getStart())
    return [size + 1, size - 1, 2 * size]
      .filter((changed) => isFree(definition, literal, changed) === free)
      .map((changed) => ({
        name: `${definition}.ts:${line + 1}:${character + 1} ${size} → ${changed}`,
        path: `${folder}${definition}.${line + 1}.${character + 1}.${changed}.ts`,
        text: `${text.slice(0, literal.getStart())}${changed}${text.slice(literal.getEnd())}`,
      }))
  })
}

/** What the compiler has against each: the first lines of its messages. */
const compile = (mutants: readonly Mutant[]): readonly (readonly string[])[] => {
  const options = compilerOptions()
  const host = ts.createCompilerHost(options)
  const texts = new Map(mutants.map(({ path, text }) => [path, text]))
  const { getSourceFile, fileExists } = host
  host.fileExists = (path) => texts.has(path) || fileExists(path)
  host.getSourceFile = (path, ...rest) => {
    const text = texts.get(path)
    return text === undefined ? getSourceFile(path, ...rest) : ts.createSourceFile(path, text, ts.ScriptTarget.ES2023)
  }
  const program = ts.createProgram([...texts.keys()], options, host)
  return mutants.map(({ path }) =>
    program
      .getSemanticDiagnostics(program.getSourceFile(path))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n').split('\n')[0] ?? ''),
  )
}

/** Two parts taken apart as three: TypeScript's own sentence says it as well as ours would. */
const isMissingPart = (line: string): boolean => /^Tuple type .* of length '2' has no element at index '2'/.test(line)

const RAN = 'nothing was refused'
/** Runs a definition with its types erased. */
const evaluate = ({ text }: Mutant): string => {
  const { outputText } = ts.transpileModule(text, { compilerOptions: { module: ts.ModuleKind.CommonJS } })
  const exports: { default?: Reasoner } = {}
  try {
    new Function('exports', 'require', outputText)(exports, () => thetagrad)
    costs(exports.default!)
    return RAN
  } catch (error) {
    return (error as Error).name === 'ShapeError' ? (error as Error).message : String(error)
  }
}

describe.each(['hrm', 'trm'])('the definition of %s', (definition) => {
  const mutants = mutantsOf(definition, false)
  const messages = compile(mutants)

  it('has at least thirty mutants, and every one is refused by the compiler with a sentence', () => {
    expect(mutants.length).toBeGreaterThanOrEqual(30)
    const says = (line: string) => shapeSentence(line) !== undefined || isMissingPart(line)
    const survivors = mutants.filter((_, i) => !messages[i]?.some(says))
    expect(survivors.map(({ name }) => name)).toEqual([])
    console.log(`${definition}: ${mutants.length} mutants, all refused`)
  })

  it('has no mutant that runs, or whose error at run time is not among the compiler’s', () => {
    const said = mutants.map(evaluate)
    const wrong = mutants.flatMap(({ name }, i) => {
      const lines = messages[i] ?? []
      const fits = lines.some((line) => shapeSentence(line) === said[i] || isMissingPart(line))
      return fits
        ? []
        : [`${name}: ${said[i]}; compiler: ${lines.map((line) => shapeSentence(line) ?? line).join(' | ')}`]
    })
    expect(wrong).toEqual([])
    expect(said).not.toContain(RAN)
  })

  it('is right as it stands, and whatever its free sizes are', () => {
    const free = mutantsOf(definition, true)
    const text = readFileSync(`${folder}${definition}.ts`, 'utf8')
    const right = [{ name: 'unchanged', path: `${folder}${definition}.unchanged.ts`, text }, ...free]
    expect(compile(right).flatMap((lines, i) => lines.map((line) => `${right[i]?.name}: ${line}`))).toEqual([])
  })
})
