/** The types of the variants promise parameters by name and shape; what is built must have exactly these. */
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { compilerOptions } from '../../src/cli/typecheck.js'
import {
  cgar,
  countParameters,
  eqr,
  flattenParameters,
  hrm,
  type Reasoner,
  recurrent,
  rins,
  seRrm,
  transformer,
  trm,
  trmSingle,
  trmSix,
  universal,
  urm,
} from '../../src/index.js'

const variants = { cgar, eqr, hrm, recurrent, rins, seRrm, transformer, trm, trmSingle, trmSix, universal, urm }

const expressions = [
  'hrm({ vocabulary: 11, sequence: 81 })',
  "hrm({ vocabulary: 6, sequence: 16, hidden: 64, heads: 2, expansion: 3, layers: { high: 1, low: 2 }, positions: 'learned' })",
  "hrm({ vocabulary: 6, sequence: 16, hidden: 24, heads: 8, positions: 'none', puzzleEmbedding: 0 })",
  'hrm({ vocabulary: 6, sequence: 16, hidden: 32, heads: 2, puzzleEmbedding: 80, puzzles: 5 })',
  'trm({ vocabulary: 11, sequence: 81 })',
  "trm({ vocabulary: 11, sequence: 81, mixing: 'mlp', layers: 1 })",
  "trm({ vocabulary: 6, sequence: 16, hidden: 32, heads: 2, positions: 'learned', puzzleTokens: 4, puzzleEmbedding: 100 })",
  'transformer({ vocabulary: 11, sequence: 81 })',
  "transformer({ vocabulary: 6, sequence: 16, hidden: 32, heads: 2, expansion: 2, layers: 3, positions: 'learned', puzzles: 7 })",
  "recurrent({ vocabulary: 6, sequence: 16, hidden: 24, heads: 8, positions: 'none', puzzleEmbedding: 0 })",
  'universal({ vocabulary: 6, sequence: 16, hidden: 32, heads: 2, layers: 1, loops: 3, puzzleEmbedding: 80 })',
  'cgar({ vocabulary: 6, sequence: 16, hidden: 32, heads: 2, layers: 1, puzzleTokens: 1, lossDecay: 0.5 })',
  "trmSingle({ vocabulary: 11, sequence: 81, mixing: 'mlp', layers: 1 })",
  'trm({ vocabulary: 6, sequence: 16, hidden: 32, heads: 2, puzzleEmbedding: 0 })',
  'trmSix({ vocabulary: 6, sequence: 16, hidden: 32, heads: 2, puzzleTokens: 1 })',
  "eqr({ vocabulary: 11, sequence: 81, mixing: 'mlp' })",
  "eqr({ vocabulary: 6, sequence: 16, hidden: 32, heads: 2, layers: 1, positions: 'learned' })",
  'urm({ vocabulary: 6, sequence: 16, hidden: 32, heads: 2, layers: 2, expansion: 2 })',
  'seRrm({ vocabulary: 11, sequence: 81 })',
  "seRrm({ vocabulary: 6, sequence: 16, hidden: 32, heads: 2, symbolHeads: 3, symbolWidth: 12, layers: 1, expansion: 2, specials: 6, rotary: 'line' })",
  'rins({ vocabulary: 6, sequence: 16, hidden: 32, heads: 2, layers: { high: 1, low: 2 } })',
]

/** The shapes that the compiler sees, by path. */
const promised = (): readonly Readonly<Record<string, string>>[] => {
  const path = fileURLToPath(new URL('./promised.ts', import.meta.url))
  const text = [
    `import { ${Object.keys(variants).join(', ')}, parameterShapes } from 'thetagrad'`,
    ...expressions.map((e, i) => `export const v${i} = parameterShapes(${e}.parameters)`),
  ].join('\n')
  const options = compilerOptions()
  const host = ts.createCompilerHost(options)
  const { getSourceFile } = host
  host.getSourceFile = (file, ...rest) =>
    file === path ? ts.createSourceFile(file, text, ts.ScriptTarget.ES2023) : getSourceFile(file, ...rest)
  const program = ts.createProgram([path], options, host)
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(path)!
  expect(program.getSemanticDiagnostics(source).map(({ messageText }) => messageText)).toEqual([])
  return source.statements.filter(ts.isVariableStatement).map((statement) => {
    const { name } = statement.declarationList.declarations[0]!
    return Object.fromEntries(
      checker
        .getTypeAtLocation(name)
        .getProperties()
        .map((p) => [p.getName(), checker.typeToString(checker.getTypeOfSymbolAtLocation(p, name))]),
    )
  })
}

describe('the parameters of a model', () => {
  it('are those its type promises, name by name and shape by shape', () => {
    const built = expressions.map((expression) => {
      const model = new Function(...Object.keys(variants), `return ${expression}`)(
        ...Object.values(variants),
      ) as Reasoner
      return Object.fromEntries(
        flattenParameters(model.parameters).map(({ path, spec }) => [path, `[${spec.shape.join(', ')}]`]),
      )
    })
    expect(promised()).toEqual(built)
  })

  it('number as many as the papers say', () => {
    const dense = (model: Reasoner) => countParameters(model.parameters).dense
    expect(dense(hrm({ vocabulary: 11, sequence: 81 }))).toBe(27_275_266)
    expect(dense(trm({ vocabulary: 11, sequence: 81 }))).toBe(6_828_034)
    expect(dense(trm({ vocabulary: 11, sequence: 81, mixing: 'mlp' }))).toBe(5_028_866)
    // States start from vectors that are not trained: one or seven of them weigh nothing.
    expect(dense(trmSingle({ vocabulary: 11, sequence: 81, mixing: 'mlp' }))).toBe(5_028_866)
    expect(dense(trmSix({ vocabulary: 11, sequence: 81 }))).toBe(6_828_034)
    // EqR has no puzzle tokens. A block of attention does not know how many positions there are; a SwiGLU over 81 of them is
    // 256 wide, over TRM's 97 it is 512.
    expect(dense(eqr({ vocabulary: 11, sequence: 81 }))).toBe(6_828_034)
    const fewer = 2 * 3 * (97 * 512 - 81 * 256)
    expect(dense(eqr({ vocabulary: 11, sequence: 81, mixing: 'mlp' }))).toBe(5_028_866 - fewer)
  })
})
