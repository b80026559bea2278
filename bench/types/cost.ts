/**
 * What a program costs the type checker, in counts that do not depend on the machine: type instantiations and types, as
 * TypeScript 5.9 counts them while it checks that one file, against the library's sources.
 *
 * The baseline is a file that only says `import 'thetagrad'`. It costs no instantiation at all, since the checker looks
 * at a declaration when it is first used: so a program is charged with the declarations of what it imports too. How much
 * that is, `baselineOf` tells: a program that imports the same names, mentions each once and composes nothing.
 */
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { compilerOptions } from '../../src/cli/typecheck.js'

const options = compilerOptions()
/** A program that exists only here; beside the architectures, so that both see the same packages. */
const UNSAVED = fileURLToPath(new URL('architectures/unsaved.ts', import.meta.url))

/** Parsed once: parsing is no part of the cost, and the library is the same in every program. */
const parsed = new Map<string, ts.SourceFile | undefined>()
const disk = ts.createCompilerHost(options)
const hostOf = (text: string): ts.CompilerHost => ({
  ...disk,
  fileExists: (path) => path === UNSAVED || disk.fileExists(path),
  readFile: (path) => (path === UNSAVED ? text : disk.readFile(path)),
  getSourceFile: (path, languageVersion) => {
    if (path === UNSAVED) return ts.createSourceFile(path, text, languageVersion, true)
    if (!parsed.has(path)) parsed.set(path, disk.getSourceFile(path, languageVersion))
    return parsed.get(path)
  },
})

export interface Cost {
  readonly instantiations: number
  readonly types: number
  /** Of checking the whole program with a compiler that is warm, as an editor's is; machine-dependent. */
  readonly milliseconds: number
}

const checked = (text: string): Cost => {
  const program = ts.createProgram([UNSAVED], options, hostOf(text))
  const file = program.getSourceFile(UNSAVED)
  const start = performance.now()
  const [error] = program.getSemanticDiagnostics(file)
  const milliseconds = performance.now() - start
  if (error !== undefined) throw new Error(`${ts.flattenDiagnosticMessageText(error.messageText, '\n')}, in\n${text}`)
  return { instantiations: program.getInstantiationCount(), types: program.getTypeCount(), milliseconds }
}

/** The imports of a program, and each imported value mentioned once. */
export const baselineOf = (text: string): string => {
  const imports = ts
    .createSourceFile(UNSAVED, text, ts.ScriptTarget.ES2023, true)
    .statements.filter((statement) => ts.isImportDeclaration(statement))
  const names = imports.flatMap(({ importClause }) => {
    const bindings = importClause?.namedBindings
    return bindings === undefined || !ts.isNamedImports(bindings) || importClause?.isTypeOnly
      ? []
      : bindings.elements.filter((element) => !element.isTypeOnly).map(({ name }) => `void ${name.text}`)
  })
  return [...imports.map((statement) => statement.getText()), ...names].join('\n')
}

const empty = checked("import 'thetagrad'")

/** What the program costs beyond a file that only imports the library. */
export const costOf = (text: string): Cost => {
  const whole = checked(text)
  return {
    instantiations: whole.instantiations - empty.instantiations,
    types: whole.types - empty.types,
    milliseconds: whole.milliseconds,
  }
}

const linears = (from: number, n: number): readonly string[] =>
  Array.from({ length: n }, (_, i) => `linear(${from + i}, ${from + i + 1})`)
const program = (value: string): string => {
  const names = new Set([...value.matchAll(/([a-z]\w*)\(/gi)].map(([, name]) => name))
  return `import { ${[...names].join(', ')} } from 'thetagrad'\nexport default ${value}\n`
}

export interface Family {
  readonly name: string
  /** A program of n layers. */
  readonly of: (n: number) => string
}

/** A transformer block written out; all of one width, as in a model. */
const BLOCK = `seq(
  named('self_attn', postNorm(residual(attention({ hidden: 64, heads: 4 })))),
  named('mlp', postNorm(residual(swiglu({ hidden: 64, expansion: 4 }))))
)`

/** The widths of linears are distinct, so that no layer's type is found in the checker's caches. */
export const families: readonly Family[] = [
  // seq(linear(8, 9), linear(9, 10), …)
  { name: 'seq', of: (n) => program(`seq(${linears(8, n).join(', ')})`) },
  {
    // seq(seq(linear(8, 9), …, linear(11, 12)), seq(…), …)
    name: 'seq of seqs of 4',
    of: (n) => {
      const inner = Array.from({ length: Math.ceil(n / 4) }, (_, i) => linears(8 + 4 * i, Math.min(4, n - 4 * i)))
      return program(`seq(${inner.map((layers) => `seq(${layers.join(', ')})`).join(', ')})`)
    },
  },
  {
    // seq(linear(8, 9), seq(linear(9, 10), seq(…)))
    name: 'nested seq',
    of: (n) =>
      program(linears(8, n).reduceRight((inner, layer) => `seq(${layer}${inner === '' ? '' : `, ${inner}`})`, '')),
  },
  // residual(postNorm(residual(postNorm(…))))
  {
    name: 'nested residual',
    of: (n) => program(`${'residual(postNorm('.repeat(n)}linear(8, 8)${'))'.repeat(n)}`),
  },
  { name: 'seq of blocks', of: (n) => program(`seq(${Array.from({ length: n }, () => BLOCK).join(', ')})`) },
  {
    // down to the parameters of the last layer
    name: 'stack',
    of: (n) => program(`stack(${n}, seq(linear(8, 16), linear(16, 8))).parameters.layers[${n - 1}]`),
  },
]

/** Instantiations of the family's programs of so many layers. */
export const instantiationsOf = ({ of }: Family, layers: readonly number[]): readonly number[] =>
  layers.map((n) => costOf(of(n)).instantiations)
