/** What commands share in reading their options: numbers that are numbers, and a wrong one is bad usage (exit 2). */
import { InvalidArgumentError, Option } from 'commander'

const numberOf =
  (name: string, fits: (n: number) => boolean) =>
  (text: string): number => {
    const n = Number(text)
    if (text.trim() === '' || !fits(n)) throw new InvalidArgumentError(`It must be ${name}.`)
    return n
  }

/** A whole number from 1 on. */
export const count = numberOf('a whole number ≥ 1', (n) => Number.isInteger(n) && n >= 1)
/** A whole number from 0 on. */
export const natural = numberOf('a whole number ≥ 0', (n) => Number.isInteger(n) && n >= 0)

/** Of training: so many seconds, or so many floating-point operations. */
export type Budget =
  | { readonly kind: 'seconds'; readonly seconds: number }
  | { readonly kind: 'flops'; readonly flops: number }

/** `90s`, `5m`, `2h`; or FLOPs: `3e15`, `3P`. */
export const budget = (text: string): Budget => {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?(?:e\d+)?)([smhGTPE]?)$/.exec(text) ?? []
  const n = Number(amount)
  if (!(n > 0)) throw new InvalidArgumentError('It must be seconds (90s, 5m, 2h) or FLOPs (3e15, 3P).')
  const seconds = { s: 1, m: 60, h: 3600 }[unit as 's']
  if (seconds !== undefined) return { kind: 'seconds', seconds: n * seconds }
  return { kind: 'flops', flops: n * ({ G: 1e9, T: 1e12, P: 1e15, E: 1e18 }[unit as 'G'] ?? 1) }
}

export const backendOption = (): Option =>
  new Option('--backend <which>', 'auto: the fastest adapter; reference: the interpreter, slow, needs no driver')
    .choices(['auto', 'reference'])
    .default('auto')

export const checkpointOption = (): Option =>
  new Option('--checkpoint <name>', 'latest, best, or step-N (default: latest)')

export const weightsOption = (): Option =>
  new Option(
    '--weights <which>',
    'as they are trained, or their moving average (default: the average, if any)',
  ).choices(['live', 'ema'])

/** Collects an option that may be given several times. */
export const several = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** The same for an option of some choices. */
export const severalOf =
  (choices: readonly string[]) =>
  (value: string, before: readonly string[] = []): readonly string[] => {
    if (!choices.includes(value)) throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}.`)
    return several(value, before)
  }

/** The first of some options that is given. */
export const given = (options: Readonly<Record<string, unknown>>): string | undefined =>
  Object.entries(options).find(([, value]) => value !== undefined)?.[0]

/** The name of an option as it is typed. */
export const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
