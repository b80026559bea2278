/**
 * The native compiler (TypeScript 7), which many editors run, refuses the wrong programs of `typetests/fixtures` with the
 * sentences that TypeScript 5.9 says (`diagnostics.test.ts`), and has nothing against the library itself. It has no API in
 * process: it runs once over all fixtures as one project, and its output is read.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { compile, versionOf } from '../../bench/types/compilers.js'
import { compilerOptions, shapeSentence } from '../../src/cli/typecheck.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = join(root, 'typetests', 'fixtures')
const fixtures = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((name) => {
    const expected = /^\/\/ expect: (.*)$/m.exec(readFileSync(join(folder, name), 'utf8'))?.[1]
    if (expected === undefined) throw new Error(`${name} does not say what it expects`)
    return { name, expected }
  })

/** The options of `thetagrad check` as a configuration file spells them, but with long types cut as an editor cuts them. */
const editorOptions = () => {
  const options = compilerOptions()
  return {
    ...options,
    noErrorTruncation: false,
    target: ts.ScriptTarget[options.target!],
    module: ts.ModuleKind[options.module!],
    moduleResolution: ts.ModuleResolutionKind[options.moduleResolution!],
    lib: options.lib!.map((file) => /^lib\.(.*)\.d\.ts$/.exec(file)![1]),
    // The library is seen here in its sources, which use what Node offers.
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
  }
}

interface Finding {
  readonly file: string
  readonly message: string
}
/** The first line of every error; lines that are indented explain the one before. */
const findings = (output: string): readonly Finding[] =>
  [...output.matchAll(/^(?:(\S.*?)\(\d+,\d+\): )?error TS\d+: (.*)$/gm)].map(([, file = '', message = '']) => ({
    file,
    message,
  }))

const checkFixtures = (): readonly Finding[] => {
  const temporary = mkdtempSync(join(tmpdir(), 'thetagrad-native-'))
  try {
    const project = join(temporary, 'tsconfig.json')
    const files = fixtures.map(({ name }) => join(folder, name))
    writeFileSync(project, JSON.stringify({ compilerOptions: editorOptions(), files }))
    // From within the folder, so that files are named as `fixtures` names them.
    return findings(compile('native', ['--pretty', 'false', '-p', project], folder))
  } finally {
    rmSync(temporary, { recursive: true })
  }
}

describe('the native compiler', () => {
  const found = checkFixtures()

  it('is TypeScript 7, beside the 5.9 that the library stands on', () => {
    expect([versionOf('native'), versionOf('5.9')]).toEqual([expect.stringMatching(/^7\./), ts.version])
  })

  it.each(fixtures)('refuses $name with its sentence, in the first line an editor shows', ({ name, expected }) => {
    const messages = found.filter(({ file }) => file === name).map(({ message }) => message)
    expect(new Set(messages.map((line) => shapeSentence(line) ?? line))).toEqual(new Set([expected]))
  })

  it('finds no other mistake in them', () => {
    const names = new Set(fixtures.map(({ name }) => name))
    expect(found.filter(({ file }) => !names.has(file))).toEqual([])
  })

  it('has nothing against the library, its kernels and its examples', () => {
    const all = findings(compile('native', ['--noEmit', '--pretty', 'false', '-p', 'tsconfig.json'], root))
    expect(all.filter(({ file }) => !/^(test|bench|scripts)\//.test(file))).toEqual([])
  })
})
