/** `thetagrad check` without its printing: what it says of right and of wrong files. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { afterAll, describe, expect, it } from 'vitest'
import { checkCheckpoint, checkFile } from '../../src/cli/check.js'
import { reportJson, showReport, showStage } from '../../src/cli/check-report.js'
import { parameterShapes } from '../../src/nn/index.js'
import { encodeSafetensors } from '../../src/train/index.js'

const folder = mkdtempSync(join(tmpdir(), 'check-'))
afterAll(() => rmSync(folder, { recursive: true }))

const written = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const problemsOf = async (path: string) => {
  const result = await checkFile(path)()
  return E.isLeft(result) ? result.left : []
}

describe('check', () => {
  it('finds nothing wrong with the example, and counts its parts', async () => {
    const result = await checkFile('examples/tiny-hrm.ts')()
    if (E.isLeft(result)) throw new Error(JSON.stringify(result.left))
    const text = showReport(result.right)
    expect(text).toContain('tiny-hrm (default): shapes fit')
    expect(text).toContain('[batch, 17, 64] × [batch, 17, 64]')
    const [model] = (reportJson(result.right) as { models: { parts: { part: string; parameters: number }[] }[] }).models
    // By hand: 4 projections of attention 64×64, SwiGLU 2·256×64 and 64×256.
    expect(model!.parts.find(({ part }) => part === 'L_level')!.parameters).toBe(4 * 64 * 64 + 3 * 256 * 64)
    expect(showStage(result.right, 'graph')).toContain('output logits')
    expect(showStage(result.right, 'schedule')).toContain('matmul.nt')
    expect(showStage(result.right, 'wgsl')).toContain('@compute')
  })

  it('shows the stages of a model, in a file that trains as well', async () => {
    const path = written(
      'staged.ts',
      [
        "import { cgar } from 'thetagrad'",
        "import { completeSettings } from 'thetagrad/training'",
        "export const settings = completeSettings({ steps: 10 }, 'here')",
        'export default cgar({ vocabulary: 6, sequence: 16, hidden: 32, heads: 2, layers: 1, puzzleTokens: 1, cycles: 1, steps: 3 })',
      ].join('\n'),
    )
    const result = await checkFile(path)()
    if (E.isLeft(result)) throw new Error(JSON.stringify(result.left))
    expect(showReport(result.right)).toContain(
      'Until 30 % of the training: L H.\nUntil 60 % of the training: L L H.\nAt most 16 segments',
    )
    const [model] = (reportJson(result.right) as { models: { calls: string; stages: unknown }[] }).models
    expect(model).toMatchObject({
      calls: 'L L L H',
      stages: [
        { until: 0.3, calls: 'L H' },
        { until: 0.6, calls: 'L L H' },
      ],
    })
  })

  it('works on a file anywhere, and names file, line and column of a mistake', async () => {
    const path = written(
      'mine.ts',
      "import { hrm } from 'thetagrad'\n\nexport default hrm({ vocabulary: 11, sequence: 81, hidden: 512, heads: 7 })\n",
    )
    expect((await problemsOf(path)).map(({ what, where }) => [what, where])).toEqual([
      ['attention: hidden 512 does not split into 7 heads: the remainder is 1', `${path}:3:65`],
    ])
  })

  it('reports mistakes that are no matter of shapes as the compiler words them', async () => {
    const path = written('typo.ts', "import { hrn } from 'thetagrad'\nexport default hrn\n")
    const [first] = await problemsOf(path)
    expect(first!.what).toMatch(/has no exported member.*'hrn'.*\(TS\d+\)/)
    expect(first!.where).toBe(`${path}:1:10`)
  })

  it('finds at run time what the compiler could not know, with the same sentence', async () => {
    const path = written(
      'late.ts',
      "import { hrm } from 'thetagrad'\nconst heads: number = 7\nexport default hrm({ vocabulary: 11, sequence: 81, hidden: 512, heads })\n",
    )
    const [first] = await problemsOf(path)
    expect(first!.what).toBe('attention: hidden 512 does not split into 7 heads: the remainder is 1')
    expect(first!.where).toContain('late.ts')
  })

  it('traces every step: a state that changes by a size known only then is refused with the sentence', async () => {
    const path = written(
      'late-state.ts',
      readFileSync('examples/tiny-hrm.ts', 'utf8')
        .replace('  stack,\n', '  slice,\n  stack,\n')
        .replace('const vocabulary', 'const kept: number = 16\nconst vocabulary')
        .replace('z_L: L_level(z.z_L, add(z.z_H, x))', 'z_L: slice(L_level(z.z_L, add(z.z_H, x)), 1, 0, kept)'),
    )
    expect((await problemsOf(path)).map(({ what }) => what)).toEqual([
      'the step turns the state z_L into [batch, 16, 64]; it must stay [batch, 17, 64]: dimension 1 is 16, expected 17',
    ])
  })

  it('compares the parameters with a checkpoint, tensor by tensor', async () => {
    const report = await checkFile('examples/tiny-hrm.ts')()
    if (E.isLeft(report)) throw new Error(JSON.stringify(report.left))
    const shapes = parameterShapes(report.right.models[0]!.model.parameters) as Record<string, number[]>
    const stored = (of: Readonly<Record<string, number[]>>): string => {
      const tensors = Object.entries(of).map(
        ([name, shape]) => [name, { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) }] as const,
      )
      const path = join(folder, 'model.safetensors')
      writeFileSync(path, encodeSafetensors(Object.fromEntries(tensors)))
      return path
    }
    expect(checkCheckpoint(report.right, stored(shapes))._tag).toBe('Right')
    const { 'q_head.bias': _, ...others } = shapes
    const against = checkCheckpoint(report.right, stored({ ...others, 'lm_head.weight': [7, 64], 'lm_head.bias': [6] }))
    expect(E.isLeft(against) && against.left.map(({ what }) => what)).toEqual([
      "the checkpoint's lm_head.weight is [7, 64], expected [6, 64]",
      'the checkpoint has no q_head.bias, expected [2]',
      'the checkpoint has lm_head.bias, which the model has not',
    ])
  })

  it('says so when there is no file, or no model in it', async () => {
    expect((await problemsOf(join(folder, 'none.ts')))[0]!.what).toContain('there is no file')
    expect((await problemsOf(written('empty.ts', 'export const x = 1\n')))[0]!.what).toContain('exports no model')
  })
})
