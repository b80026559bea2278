/**
 * No false alarms: right programs (`typetests/right-programs.test-d.ts`) compile, run, and what comes out has the shape
 * and the element type that the compiler says, as an editor shows it.
 */
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { compilerOptions } from '../../src/cli/typecheck.js'
import type { Tensor } from '../../src/index.js'
import * as programs from '../../typetests/right-programs.test-d.js'

const path = fileURLToPath(new URL('../../typetests/right-programs.test-d.ts', import.meta.url))
const program = ts.createProgram([path], compilerOptions())
const checker = program.getTypeChecker()
const source = program.getSourceFile(path)!

/** What the functions of the file return, as the compiler prints it. */
const returned = new Map(
  checker.getExportsOfModule(checker.getSymbolAtLocation(source)!).map((symbol) => {
    const [signature] = checker.getTypeOfSymbol(symbol).getCallSignatures()
    return [symbol.name, checker.typeToString(signature!.getReturnType())]
  }),
)
const shown = ({ shape, dtype }: Tensor): string =>
  `Tensor<[${shape.map((dim) => JSON.stringify(dim)).join(', ')}], "${dtype}">`

describe('a right program', () => {
  it('is not refused', () => {
    const messages = program
      .getSemanticDiagnostics(source)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n').split('\n')[0])
    expect(messages).toEqual([])
  })

  it.each(Object.entries(programs))('%s gives what the compiler says', (name, run) => {
    expect(returned.get(name)?.replaceAll('t.Tensor', 'Tensor')).toBe(shown(run()))
  })

  it('comes in at least fifty kinds', () => {
    expect(Object.keys(programs).length).toBeGreaterThanOrEqual(50)
  })
})
