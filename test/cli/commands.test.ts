/** The commands as a user runs them: spawned, on a tiny model and the reference interpreter. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const main = resolve('src/cli/main.ts')
const tsx = resolve('node_modules/tsx/dist/loader.mjs')

let folder = ''
const at = (...path: readonly string[]) => join(folder, ...path)

/** Not `spawnSync`: that would keep the test runner from answering. */
const thetagrad = (args: readonly string[], input = '') =>
  new Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }>((resolve) => {
    const child = spawn(process.execPath, ['--import', tsx, main, ...args], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1' },
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (text) => {
      stdout += text
    })
    child.stderr.on('data', (text) => {
      stderr += text
    })
    child.stdin.end(input)
    child.on('close', (status) => resolve({ status, stdout, stderr }))
  })
const json = async (args: readonly string[], input = '') => {
  const { status, stdout, stderr } = await thetagrad([...args, '--json'], input)
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as Record<string, unknown>
}

const config = `import { hrm } from 'thetagrad'
export default {
  model: hrm({
    vocabulary: 6, sequence: 16, hidden: 8, heads: 2, expansion: 1, layers: { high: 1, low: 1 },
    puzzleEmbedding: 8, cycles: 1, steps: 1, maxSegments: 2,
  }),
  training: { batch: 4, steps: 3, logEvery: 1, warmup: 0, lr: 1e-3 },
}
`
const puzzle = '1...3.2..1...4.2'

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'thetagrad-cli-'))
  writeFileSync(at('model.ts'), config)
  await json([
    'data',
    'sudoku',
    '--generate',
    '4',
    '--train-grids',
    '8',
    '--test-grids',
    '3',
    '--puzzles-per-grid',
    '2',
    '--out',
    'data',
  ])
  await json(['train', '--config', 'model.ts', '--data', 'data', '--out', 'run', '--backend', 'reference'])
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('train, eval and solve', () => {
  test('leave the run folder of the contract', async () => {
    expect(readdirSync(at('run')).sort()).toEqual(['checkpoints', 'config.json', 'metrics.jsonl'])
    expect(readdirSync(at('run', 'checkpoints', 'step-3')).sort()).toEqual([
      'model.safetensors',
      'optimizer.safetensors',
      'state.json',
    ])
    expect(readFileSync(at('run', 'metrics.jsonl'), 'utf8').trim().split('\n')).toHaveLength(3)
  })

  test('eval answers one JSON value with accuracies by segment', async () => {
    const result = await json(['eval', 'run', '--limit', '6', '--segments', '3', '--backend', 'reference'])
    expect(result).toMatchObject({ examples: 6, segments: 3 })
    const bySegment = result.bySegment as readonly { exact: number; token: number }[]
    expect(bySegment).toHaveLength(3)
    expect(result.exact).toBe(bySegment[2]!.exact)
    expect(result.token).toBe(bySegment[2]!.token)
  })

  test('solve takes a puzzle as an argument or drawn on stdin, and traces', async () => {
    const result = await json(['solve', 'run', puzzle, '--trace', '--backend', 'reference'])
    expect(result).toMatchObject({ puzzle: puzzle.replaceAll('.', '0'), segments: 2 })
    expect(result.trace).toHaveLength(2)
    const drawn = `${'┌─────┬─────┐\n│ 1 · │ · · │'.replaceAll('·', '.')}\n3.|2.\n----\n.1|..\n.4|.2\n`
    expect((await json(['solve', 'run', '-', '--backend', 'reference'], drawn)).answer).toBe(result.answer)
  })

  test('--resume with more steps goes on in the same files', async () => {
    const report = await json(['train', '--out', 'run', '--resume', '--steps', '5', '--backend', 'reference'])
    expect(report).toMatchObject({ step: 5, interrupted: false })
    const steps = readFileSync(at('run', 'metrics.jsonl'), 'utf8').trim().split('\n')
    expect(steps.map((line) => JSON.parse(line).step)).toEqual([1, 2, 3, 4, 5])
  })
})

describe('bad input ends with exit 1, a sentence and a cure, and leaves nothing behind', () => {
  const refused = async (args: readonly string[], ...says: readonly (string | RegExp)[]) => {
    const { status, stderr } = await thetagrad(args)
    for (const text of says) expect(stderr).toMatch(text)
    expect(status).toBe(1)
    expect(existsSync(at('none'))).toBe(false)
  }
  const training = ['train', '--data', 'data', '--out', 'none', '--backend', 'reference']

  test('an unknown preset', async () =>
    await refused(
      [...training, '--preset', 'sudoku-huge'],
      'no preset "sudoku-huge"',
      'sudoku-extreme, maze-hard, arc-agi, sudoku-4x4, maze-6x6, arc-rules-6x6, arc-6x6',
    ))
  test('a missing dataset folder', async () =>
    await refused(['train', '--preset', 'sudoku-4x4', '--data', 'nowhere', '--out', 'none'], 'nowhere', 'fix: '))
  test('a missing config file', async () =>
    await refused([...training, '--config', 'nowhere.ts'], 'there is no file', 'nowhere.ts'))
  test('a dataset of another size than the model', async () =>
    await refused([...training, '--preset', 'sudoku-extreme'], 'the examples have 16 tokens, the model takes 81'))
  test('a training setting out of range', async () => {
    writeFileSync(at('bad.ts'), config.replace('batch: 4', 'batch: -4'))
    await refused([...training, '--config', 'bad.ts'], 'batch is -4', 'whole number ≥ 1')
  })
  test('a run folder that exists, without --resume', async () =>
    await refused(
      ['train', '--config', 'model.ts', '--data', 'data', '--out', 'run', '--backend', 'reference'],
      'holds a run already',
      '--resume',
    ))
  test('resuming a run that is not there', async () =>
    await refused(['train', '--out', 'none', '--resume'], 'no such run folder'))
  test('evaluating a folder that is no run', async () => await refused(['eval', 'data'], 'no config.json'))
  test('a CSV file that is not there', async () =>
    await refused(['eval', 'run', '--data', 'nowhere.csv', '--backend', 'reference'], 'nowhere.csv', 'no such file'))
  test('a puzzle with a wrong character, and one of the wrong size', async () => {
    await refused(['solve', 'run', '1...3.2..x...4.2', '--backend', 'reference'], "'x'")
    await refused(['solve', 'run', '.'.repeat(81), '--backend', 'reference'], '81 cells, the model takes 16')
  })
  test('a truncated checkpoint, naming the file and its bytes', async () => {
    await thetagrad([
      'train',
      '--config',
      'model.ts',
      '--data',
      'data',
      '--out',
      'cut',
      '--steps',
      '1',
      '--backend',
      'reference',
    ])
    const file = at('cut', 'checkpoints', 'step-1', 'model.safetensors')
    truncateSync(file, 1000)
    for (const args of [
      ['eval', 'cut'],
      ['solve', 'cut', puzzle],
      ['train', '--out', 'cut', '--resume'],
    ])
      await refused([...args, '--backend', 'reference'], /model\.safetensors/, '1000 bytes')
  })
  test('with --json the problems are the one JSON value', async () => {
    const { status, stdout } = await thetagrad(['eval', 'nowhere', '--json'])
    expect(status).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ problems: [{ what: 'there is no such run folder' }] })
  })
})

describe('bad usage ends with exit 2', () => {
  test.each([
    [[]],
    [['fly']],
    [['train', '--out', 'none']],
    [['train', '--preset', 'sudoku-4x4', '--out', 'none']],
    [['train', '--preset', 'a', '--config', 'b', '--data', 'data', '--out', 'none']],
    [['train', '--out', 'run', '--resume', '--seed', '3']],
    [['train', '--preset', 'sudoku-4x4', '--data', 'data', '--out', 'none', '--steps', 'many']],
    [['eval']],
    [['eval', 'run', '--split', 'middle']],
    [['solve', 'run']],
  ])('%j', async (args) => {
    expect((await thetagrad(args)).status).toBe(2)
    expect(existsSync(at('none'))).toBe(false)
  })
})

describe('help', () => {
  test.each([['doctor'], ['check'], ['data', 'sudoku'], ['train'], ['tune'], ['eval'], ['solve'], ['demo']])(
    '%s %s shows its options and examples, and exits 0',
    async (...command) => {
      const { status, stdout } = await thetagrad([...command.filter((word) => typeof word === 'string'), '--help'])
      expect(status).toBe(0)
      expect(stdout).toContain('--json')
      expect(stdout).toContain('Examples:')
    },
  )
})
