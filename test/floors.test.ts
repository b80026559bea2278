/** The import rules of `.dependency-cruiser.cjs`, tried on a small tree that breaks each of them once. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

/** The broken rules of a tree given as texts by path, as `rule: from → to`. */
const brokenRules = (files: Readonly<Record<string, string>>): readonly string[] => {
  const folder = mkdtempSync(join(tmpdir(), 'floors-'))
  try {
    for (const [path, text] of Object.entries({ 'tsconfig.json': '{}', ...files })) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
    const cruise = resolve('node_modules/dependency-cruiser/bin/dependency-cruise.mjs')
    const words = ['--config', resolve('.dependency-cruiser.cjs'), '--output-type', 'json', 'src', 'kernels']
    const { stdout } = spawnSync(process.execPath, [cruise, ...words], { cwd: folder, encoding: 'utf8' })
    const { violations } = (JSON.parse(stdout) as { summary: { violations: readonly Violation[] } }).summary
    return violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`).sort()
  } finally {
    rmSync(folder, { recursive: true })
  }
}

interface Violation {
  readonly rule: { readonly name: string }
  readonly from: string
  readonly to: string
}

const ground = {
  'src/shape/index.ts': 'export interface Dim { readonly size: number }\nexport const one: Dim = { size: 1 }\n',
  'src/shape/inner.ts': 'export const two = 2\n',
  'src/train/index.ts': "import { one } from '../shape/index.js'\nexport const step = one\n",
  'kernels/matmul.ts': "import type { Dim } from '../src/shape/index.js'\nexport const tile: Dim = { size: 8 }\n",
}

describe('the floors', () => {
  it('let imports go down, and kernels know types', () => {
    expect(brokenRules(ground)).toEqual([])
  })

  it('refuse an import that climbs, even of a type', () => {
    expect(
      brokenRules({
        ...ground,
        'src/ir/climbs.ts': "import { step } from '../train/index.js'\nexport const x = step\n",
        'src/ir/type.ts': "import type { step } from '../train/index.js'\nexport type X = typeof step\n",
      }),
    ).toEqual([
      'floor-2-climbs: src/ir/climbs.ts → src/train/index.ts',
      'floor-2-climbs: src/ir/type.ts → src/train/index.ts',
    ])
  })

  it('refuse to enter a folder past its index, and a folder that stands on no floor', () => {
    expect(
      brokenRules({
        ...ground,
        'src/train/past.ts': "import { two } from '../shape/inner.js'\nexport const x = two\n",
        'src/attic/index.ts': "import { one } from '../shape/index.js'\nexport const x = one\n",
      }),
    ).toEqual([
      'new-folder-without-floor: src/attic/index.ts → src/shape/index.ts',
      'past-the-face: src/train/past.ts → src/shape/inner.ts',
    ])
  })

  it('refuse kernels that use values of src, and cycles', () => {
    expect(
      brokenRules({
        ...ground,
        'kernels/value.ts': "import { one } from '../src/shape/index.js'\nexport const x = one\n",
        'src/shape/ring.ts': "import { b } from './back.js'\nexport const a = () => b\n",
        'src/shape/back.ts': "import { a } from './ring.js'\nexport const b = () => a\n",
      }),
    ).toEqual([
      'kernels-know-only-types: kernels/value.ts → src/shape/index.ts',
      'no-cycles: src/shape/back.ts → src/shape/ring.ts',
    ])
  })
})
