/**
 * Every rule is stated twice, as a type and as a function. This puts random cases to both: the compiler computes the types
 * of a generated program, and what it prints must be what the functions return, shapes and sentences alike.
 */
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import ts from 'typescript'
import { expect } from 'vitest'

export interface Case {
  /** A type expression over what `src/shape` exports. */
  readonly type: string
  /** What the function gives, as the compiler prints it. */
  readonly value: string
}

export const tuple = (shape: readonly (number | string)[]): string =>
  `[${shape.map((d) => JSON.stringify(d)).join(', ')}]`
/** A shape or a refusal as a type. */
export const shown = (result: readonly (number | string)[] | { readonly sentence: string }): string =>
  'sentence' in result ? `ShapeError<${JSON.stringify(result.sentence)}>` : tuple(result)
/** A text as a type of one value. */
export const quoted = (text: string): string => JSON.stringify(text)

/** The libraries and `src/shape`, parsed once for all programs. */
const parsed = new Map<string, ts.SourceFile>()

/** Type names that cases use and the library does not export. */
const ofTheLanguage = ['Record', 'Readonly']

/** The types as the compiler prints them, in one program. Whether a tuple is readonly is left out. */
const printed = (types: readonly string[]): readonly string[] => {
  const imports = fileURLToPath(new URL('../../src/shape/index.ts', import.meta.url))
  const name = fileURLToPath(new URL('./generated.ts', import.meta.url))
  const named = types.flatMap((t) => t.replaceAll(/"[^"]*"|'[^']*'/g, '').match(/\b[A-Z]\w*/g) ?? [])
  const names = [...new Set(named)].filter((n) => !ofTheLanguage.includes(n))
  const text = [
    `import type { ${names.join(', ')} } from ${JSON.stringify(imports)}`,
    // Through a conditional, so that the result is printed and not the alias it was asked by.
    'type Now<T> = T extends infer U ? U : never',
    ...types.map((t, i) => `export declare const v${i}: Now<${t}>`),
  ].join('\n')
  const options: ts.CompilerOptions = {
    strict: true,
    skipLibCheck: true,
    noErrorTruncation: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    allowImportingTsExtensions: true,
    noEmit: true,
    types: [],
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile } = host
  host.getSourceFile = (file, ...rest) => {
    if (file === name) return ts.createSourceFile(file, text, ts.ScriptTarget.ES2023)
    const known = parsed.get(file) ?? getSourceFile(file, ...rest)
    if (known !== undefined) parsed.set(file, known)
    return known
  }
  const program = ts.createProgram([name], options, host)
  const checker = program.getTypeChecker()
  const file = program.getSourceFile(name)!
  expect(program.getSemanticDiagnostics(file).map((d) => ts.flattenDiagnosticMessageText(d.messageText, '\n'))).toEqual(
    [],
  )
  return file.statements
    .filter(ts.isVariableStatement)
    .map((s) =>
      checker
        .typeToString(
          checker.getTypeAtLocation(s.declarationList.declarations[0]!.name),
          undefined,
          ts.TypeFormatFlags.NoTruncation,
        )
        .replaceAll('readonly ', ''),
    )
}

/** The compiler prints for every case what the function gives. */
export const agreeOn = (cases: readonly Case[]): void => {
  const types = printed(cases.map(({ type }) => type))
  cases.forEach(({ type, value }, i) => {
    expect(types[i], type).toBe(value)
  })
}
export const agree = (arbitrary: fc.Arbitrary<Case>, runs = 60): void =>
  agreeOn(fc.sample(arbitrary, { numRuns: runs, seed: 20_250_621 }))
