/**
 * What the typed shapes cost a user in compile time, in three parts:
 *
 *   cold      the library's sources with the paper's HRM of 27 M parameters written out (`bench/types/architectures`) and
 *             the variants of `examples/`, checked by a new process without incremental files, by native TypeScript 7 and
 *             by 5.9. Wall seconds, processes interleaved so that a busy host
 *             hurts both alike. The disk's cache is warm.
 *   files     instantiations, types and time of checking each of these architectures, beyond a file that
 *             only imports the library (`bench/types/cost.ts` says why that), by 5.9; of these, what the declarations of the
 *             imported names cost. Time is the median with a warm compiler.
 *   growth    instantiations against the number of layers. The last two increments span 8 and 16 layers: their ratio is 2
 *             where growth is linear, 4 where it is quadratic, 8 where it is cubic.
 *
 *   npx tsx bench/types.ts [--json]
 *   npx tsx bench/types.ts --json > bench/results/types.json      keeps the result
 */
import { readdirSync, readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type Compiler, compile, versionOf } from './types/compilers.js'
import { baselineOf, costOf, families, instantiationsOf } from './types/cost.js'

const ROUNDS = 5
const LAYERS = [1, 2, 4, 8, 16, 32] as const
/** The most seconds from cold that the project demands, on two cores. */
const TARGETS: Readonly<Record<Compiler, number>> = { native: 2, '5.9': 6 }
const COMPILERS = ['native', '5.9'] as const

const root = new URL('../', import.meta.url)
const quantile = (values: readonly number[], q: number) =>
  [...values].sort((a, b) => a - b)[Math.round((values.length - 1) * q)]!
const rounded = (value: number, digits: number) => Number(value.toFixed(digits))

const measureCold = () => {
  const project = fileURLToPath(new URL('types/tsconfig.json', import.meta.url))
  const runs: Record<Compiler, number[]> = { native: [], '5.9': [] }
  const errors: Record<Compiler, number> = { native: 0, '5.9': 0 }
  for (let round = 0; round < ROUNDS; round++)
    for (const compiler of COMPILERS) {
      const start = performance.now()
      const output = compile(compiler, ['--noEmit', '--pretty', 'false', '-p', project])
      runs[compiler].push((performance.now() - start) / 1e3)
      errors[compiler] = output.match(/error TS/g)?.length ?? 0
    }
  return COMPILERS.map((compiler) => ({
    compiler,
    version: versionOf(compiler),
    seconds: rounded(quantile(runs[compiler], 0.5), 2),
    range: [rounded(quantile(runs[compiler], 0), 2), rounded(quantile(runs[compiler], 1), 2)],
    target: TARGETS[compiler],
    errors: errors[compiler],
  }))
}

const architectures = [new URL('./types/architectures/hrm-27m.ts', import.meta.url)]
const examples = readdirSync(new URL('examples/', root))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => new URL(`examples/${name}`, root))

const measureFiles = () =>
  [...architectures, ...examples].map((file) => {
    const text = readFileSync(file, 'utf8')
    const costs = Array.from({ length: ROUNDS }, () => costOf(text))
    const { instantiations, types } = costs[0]!
    const times = costs.map(({ milliseconds }) => milliseconds)
    return {
      file: file.pathname.slice(root.pathname.length),
      instantiations,
      ofDeclarations: costOf(baselineOf(text)).instantiations,
      types,
      milliseconds: rounded(quantile(times, 0.5), 0),
      range: [rounded(quantile(times, 0), 0), rounded(quantile(times, 1), 0)],
    }
  })

const measureGrowth = () =>
  families.map((family) => {
    const instantiations = instantiationsOf(family, LAYERS)
    const [before, middle, last] = instantiations.slice(-3) as [number, number, number]
    return {
      program: family.name,
      layers: LAYERS,
      instantiations,
      perLayer: [rounded((middle - before) / 8, 1), rounded((last - middle) / 16, 1)],
      ratioOfLastIncrements: middle === before ? undefined : rounded((last - middle) / (middle - before), 2),
    }
  })

const isJson = process.argv.includes('--json')
const load = rounded(loadavg()[0]!, 1)
const cold = measureCold()
for (const { compiler, version, seconds, range, target, errors } of cold)
  console.error(
    `cold    ${compiler.padEnd(7)}(${version}) ${seconds} s (${range.join('–')}), target < ${target} s` +
      (errors > 0 ? `; but ${errors} errors in the program` : ''),
  )
const files = measureFiles()
for (const { file, instantiations, ofDeclarations, types, milliseconds, range } of files)
  console.error(
    `files   ${file.padEnd(44)} ${instantiations} instantiations (${ofDeclarations} of declarations), ${types} types, ${milliseconds} ms (${range.join('–')})`,
  )
const growth = measureGrowth()
for (const { program, instantiations, perLayer, ratioOfLastIncrements } of growth)
  console.error(
    `growth  ${program.padEnd(20)} ${instantiations.join(', ')}; a layer ${perLayer.join(', then ')}` +
      (ratioOfLastIncrements === undefined ? '' : `; last increments 1 : ${ratioOfLastIncrements}`),
  )
if (isJson)
  console.log(
    JSON.stringify(
      {
        command: ['npx tsx bench/types.ts', ...process.argv.slice(2)].join(' '),
        date: new Date().toISOString(),
        node: process.version,
        processors: cpus().length,
        processor: cpus()[0]?.model,
        loadBefore: load,
        rounds: ROUNDS,
        cold,
        files,
        growth,
      },
      null,
      1,
    ),
  )
