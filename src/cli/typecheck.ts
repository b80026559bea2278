/**
 * Runs the TypeScript compiler over an architecture and says what is wrong with it in sentences. The compiler shows a
 * shape error as the type `ShapeError<"sentence">`; here the sentence is taken out of it. The file sees this package's
 * own types under the name `thetagrad`, wherever it lies.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { type Problem, problem } from '../problem.js'

/** The modules of this package that a file may import, by their names; beside this file, as source or as built of it. */
const modules = { thetagrad: 'index', 'thetagrad/training': 'training' } as const
const beside = (endings: readonly string[]): Record<string, string> => {
  const fileOf = (module: string): string => {
    const found = endings.map((e) => fileURLToPath(new URL(`../${module}${e}`, import.meta.url))).find(existsSync)
    if (found === undefined) throw new Error(`no ${module} with ${endings.join(' or ')} beside ${import.meta.url}`)
    return found
  }
  return Object.fromEntries(Object.entries(modules).map(([name, module]) => [name, fileOf(module)]))
}
export const packageModules = () => beside(['.js', '.ts'])

export const compilerOptions = (): ts.CompilerOptions => ({
  strict: true,
  noUncheckedIndexedAccess: true,
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts'],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  allowImportingTsExtensions: true,
  noEmit: true,
  skipLibCheck: true,
  // Long types would be cut in the middle of a sentence.
  noErrorTruncation: true,
  paths: Object.fromEntries(Object.entries(beside(['.d.ts', '.ts'])).map(([name, path]) => [name, [path]])),
})

/** The sentence of a shape error, when the message carries one; of several, the first. */
export const shapeSentence = (message: string): string | undefined => {
  const quoted = /ShapeError<("(?:[^"\\]|\\.)*")/.exec(message)?.[1]
  return quoted === undefined ? undefined : (JSON.parse(quoted) as string)
}

interface Finding {
  readonly sentence: string
  readonly isShape: boolean
  readonly file: string | undefined
  readonly start: number
  readonly end: number
  readonly position: string | undefined
}

const finding = (diagnostic: ts.Diagnostic): Finding => {
  const { file, start = 0, length = 0 } = diagnostic
  const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')
  const sentence = shapeSentence(message)
  const at = file?.getLineAndCharacterOfPosition(start)
  return {
    sentence: sentence ?? `${message.split('\n')[0]} (TS${diagnostic.code})`,
    isShape: sentence !== undefined,
    file: file?.fileName,
    start,
    end: start + length,
    position: file && at && `${file.fileName}:${at.line + 1}:${at.character + 1}`,
  }
}

/** One mistake is often reported for a call and again for a call around it: the innermost says it best. */
const isRepeatedInside = (outer: Finding, all: readonly Finding[]): boolean =>
  all.some(
    (inner) =>
      inner !== outer &&
      inner.isShape &&
      outer.isShape &&
      inner.sentence === outer.sentence &&
      inner.file === outer.file &&
      inner.start >= outer.start &&
      inner.end <= outer.end &&
      inner.end - inner.start < outer.end - outer.start,
  )

/** What the compiler has against the file and what it imports (not against libraries); nothing when it is right. */
export const typeErrors = (path: string): readonly Problem[] => {
  const program = ts.createProgram([path], compilerOptions())
  const own = new URL('../../', import.meta.url)
  const foreign = (file: ts.SourceFile) =>
    file.fileName !== path &&
    (file.isDeclarationFile || program.isSourceFileFromExternalLibrary(file) || isInside(file.fileName, own))
  const files = program.getSourceFiles().filter((file) => !foreign(file))
  const findings = [
    ...program.getOptionsDiagnostics(),
    ...files.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
  ].map(finding)
  return findings
    .filter((f) => !isRepeatedInside(f, findings))
    .map((f) =>
      problem(f.sentence, {
        ...(f.position !== undefined && { where: f.position }),
        ...(f.isShape && { fix: 'make the shapes agree; hover over the parts in an editor to see theirs' }),
      }),
    )
}

const isInside = (path: string, folder: URL): boolean => {
  const root = fileURLToPath(folder)
  return ['src/', 'dist/'].some((part) => path.startsWith(`${root}${part}`))
}
