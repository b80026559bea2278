/** The options of `thetagrad train`: every training setting by `--set key=value`, the common ones by a flag of their own. */
import { type Command, InvalidArgumentError } from 'commander'
import * as E from 'fp-ts/lib/Either.js'
import { variantNames } from '../hrm/index.js'
import {
  defaultSettings,
  parseSetting,
  presets,
  type SettingName,
  settingNames,
  settingRange,
  settingRules,
} from '../train/index.js'
import type { BackendChoice } from './backend.js'
import { backendOption, count, dashed, given, natural } from './options.js'
import type { SizeChanges } from './preset-sizes.js'
import type { TrainOptions } from './train.js'

type Changes = TrainOptions['changes']

/** Settings with a flag: `evalEvery` is `--eval-every`. */
const flags: readonly (readonly [SettingName, placeholder: string])[] = [
  ['steps', 'n'],
  ['seed', 'n'],
  ['batch', 'n'],
  ['accumulate', 'n'],
  ['precision', 'f16|f32'],
  ['lr', 'rate'],
  ['ema', 'rate'],
  ['logEvery', 'n'],
  ['checkpointEvery', 'n'],
  ['keep', 'n'],
  ['evalEvery', 'n'],
  ['evalLimit', 'n'],
  ['patience', 'n'],
  ['stopAt', 'share'],
]

/** What may change when a run is resumed: how long, how closely watched, in how much memory; the recipe stays. */
const free: readonly SettingName[] = [
  'steps',
  'accumulate',
  'checkpointEvery',
  'keep',
  'best',
  'evalEvery',
  'evalLimit',
  'evalSplit',
  'patience',
  'stopAt',
]

const settingOf = (text: string) => {
  const parsed = parseSetting(text)
  if (E.isRight(parsed)) return parsed.right
  const { what, fix } = parsed.left
  throw new InvalidArgumentError(`${what}: ${fix}.`)
}

/** What `--set` said so far. */
export interface Told {
  readonly changes: Changes
  readonly sizes: SizeChanges
}

/** Reads one more `--set key=value`. */
export const collected = (text: string, before: Told = { changes: {}, sizes: {} }): Told => {
  const size = /^model\.([^=]+)=(.*)$/.exec(text)
  if (size !== null) return { ...before, sizes: { ...before.sizes, [size[1]!]: size[2]! } }
  const [name, value] = settingOf(text)
  return { ...before, changes: { ...before.changes, [name]: value } }
}

/** Of `--profile` without a number. */
const PROFILED_STEPS = 20

interface TrainFlags {
  readonly preset?: string
  readonly model?: string
  readonly config?: string
  readonly data?: string
  readonly evalData?: string
  readonly out?: string
  readonly augment?: number
  readonly profile?: number | true
  readonly resume?: boolean
  readonly tune?: boolean
  readonly backend: BackendChoice
  readonly set?: Told
  // And a value for every setting with a flag.
}

export const withTrainFlags = (command: Command): Command => {
  command
    .option('--preset <name>', 'a recipe from the table below')
    .option('--model <name>', 'with --preset: another model than HRM, from the table below')
    .option('--config <file>', 'a TypeScript file: export default { model: Reasoner, training: { … } }')
    .option('--data <path>', 'a dataset folder, or a CSV file of Sudokus')
    .option('--eval-data <path>', 'what evaluations during training use (default: the test split of --data)')
    .option('--out <folder>', 'the run folder')
    .option('--augment <n>', 'with a CSV file: disguises of every puzzle', natural)
  for (const [name, placeholder] of flags)
    command.option(
      `--${dashed(name)} <${placeholder}>`,
      settingRules[name].about,
      (text) => settingOf(`${name}=${text}`)[1],
    )
  return command
    .option('--set <key=value>', 'any setting below; may be repeated', collected)
    .option('--profile [n]', 'train nothing: time n steps kernel by kernel (default: 20)', count)
    .option('--tune', 'measure first which kernels are fastest here, for shapes not measured yet')
    .option('--resume', 'go on from the newest checkpoint of the run folder')
    .addOption(backendOption())
    .addHelpText('after', `\n${presetsTable()}\n\n${modelsTable()}\n\n${settingsTable()}`)
}

const presetsTable = (): string => {
  const width = Math.max(...presets.map(({ name }) => name.length))
  return [
    'Presets, with what makes their data:',
    ...presets.flatMap(({ name, about, data }) => [
      `  ${name.padEnd(width)}  ${about}`,
      `  ${' '.repeat(width)}  $ thetagrad data ${data} --out DIR`,
    ]),
  ].join('\n')
}

const modelsTable = (): string => {
  const width = Math.max(...variantNames.map(({ name }) => name.length))
  return [
    'Models, each at the width of the preset:',
    ...variantNames.map((v) => `  ${v.name.padEnd(width)}  ${v.about}`),
  ].join('\n')
}

const settingsTable = (): string => {
  const width = Math.max(...settingNames.map((name) => name.length))
  const rows = settingNames.map((name) => {
    const given = defaultSettings[name]
    const absent = given === undefined ? 'none' : `${given}`
    return `  ${name.padEnd(width)}  ${settingRules[name].about}: ${settingRange(name)} (default: ${absent})`
  })
  const sizes =
    'Sizes of a model by their names in the config.json of a run, e.g. --set model.hidden=256 --set model.layers.high=2.'
  return ['Settings, in a config file under `training`, or --set key=value:', ...rows, '', sizes].join('\n')
}

/** The flags as what is to be done; ends the process with exit 2 where they do not go together. */
export const trainOptionsOf = (command: Command, told: TrainFlags): TrainOptions => {
  const {
    preset,
    model,
    config,
    data,
    evalData,
    out,
    augment,
    profile,
    resume = false,
    tune = false,
    backend,
    set,
  } = told
  const values = told as unknown as Readonly<Record<string, unknown>>
  const changes = {
    ...Object.fromEntries(flags.flatMap(([name]) => (name in values ? [[name, values[name]]] : []))),
    ...set?.changes,
  } as Changes
  const usage = (message: string) => command.error(`error: ${message}`, { exitCode: 2, code: 'thetagrad.usage' })
  if (preset !== undefined && config !== undefined) usage('--preset and --config exclude each other')
  if (model !== undefined && config !== undefined) usage('--model and --config exclude each other')
  if (out === undefined && (resume || profile === undefined)) usage('give --out FOLDER')
  if (profile !== undefined && tune) usage('--profile trains nothing: run `thetagrad tune` first, and leave out --tune')
  if (profile !== undefined && backend === 'reference') usage('--profile needs an adapter')
  if (!resume && preset === undefined && config === undefined)
    usage('give --preset NAME or --config FILE.ts, or --resume')
  if (!resume && data === undefined) usage('give --data DIR')
  const sizes = set?.sizes
  const size = Object.keys(sizes ?? {})[0]
  if (config !== undefined && size !== undefined)
    usage(`--set model.${size} changes a preset: change a model of your own in its file`)
  const recipe = given({ preset, model, config, augment, ...(size !== undefined && { [`model.${size}`]: size }) })
  const fixed = recipe ?? Object.keys(changes).find((name) => !free.includes(name as SettingName))
  if (resume && fixed !== undefined)
    usage(`--resume keeps the run's recipe: leave out ${fixed}; what may change is ${free.join(', ')}`)
  return {
    out: out ?? '',
    resume,
    tune,
    backend,
    changes,
    ...(sizes !== undefined && { sizes }),
    ...(preset !== undefined && { preset }),
    ...(model !== undefined && { variant: model }),
    ...(config !== undefined && { config }),
    ...(data !== undefined && { data }),
    ...(evalData !== undefined && { evalData }),
    ...(augment !== undefined && { augment }),
    ...(profile !== undefined && { profile: profile === true ? PROFILED_STEPS : profile }),
  }
}
