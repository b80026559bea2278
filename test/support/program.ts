/** Small programs that use the library: compiled in memory, hovered over, or run with their types erased. */
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { compilerOptions } from '../../src/cli/typecheck.js'
import * as thetagrad from '../../src/index.js'

const path = fileURLToPath(new URL('./written-in-a-test.ts', import.meta.url))

/** Compiles a program and gives the language service, as an editor has it, and its messages. */
export const edited = (text: string) => {
  const options = { ...compilerOptions(), noErrorTruncation: false }
  const { writeFile: _, ...host } = ts.createCompilerHost(options)
  const service = ts.createLanguageService({
    ...host,
    getCompilationSettings: () => options,
    getScriptFileNames: () => [path],
    getScriptVersion: () => '1',
    getScriptSnapshot: (file) => {
      const content = file === path ? text : ts.sys.readFile(file)
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content)
    },
  })
  return {
    messages: service
      .getSemanticDiagnostics(path)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n').split('\n')[0]!),
    /** What hovering at a position shows. */
    hover: (position: number): string =>
      ts.displayPartsToString(service.getQuickInfoAtPosition(path, position)?.displayParts),
  }
}

/** Runs a program without its types. What it imports from `thetagrad` is the library; `fp-ts` is there too. */
export const run = async (text: string): Promise<void> => {
  const { outputText } = ts.transpileModule(text, { compilerOptions: { module: ts.ModuleKind.CommonJS } })
  const modules: Readonly<Record<string, unknown>> = {
    thetagrad,
    'fp-ts/lib/function.js': await import('fp-ts/lib/function.js'),
  }
  new Function('exports', 'require', outputText)({}, (name: string) => modules[name])
}
