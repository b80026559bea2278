/** The options of test-time policies, for `eval` and `solve`: what is asked becomes a `Policy`, or a refusal. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import * as E from 'fp-ts/lib/Either.js'
import type { Copies } from '../data/index.js'
import type { Reasoner } from '../hrm/index.js'
import { type Problem, problem } from '../problem.js'
import {
  candidateCount,
  checkPolicy,
  noisedByDefault,
  onePass,
  type Policy,
  type Selection,
  type Start,
  selections,
} from '../train/index.js'
import { type Ensemble, ensembleOf } from './ensemble.js'
import { count, natural } from './options.js'

export interface PolicyFlags {
  readonly copies?: number
  readonly checkpoints?: Ensemble
  readonly rollouts?: number
  /** Standard deviation. */
  readonly noise?: number
  /** Names of states. */
  readonly noiseOn?: readonly string[]
  readonly randomStart?: Exclude<Start, 'own'>
  readonly select?: Selection
  readonly seed?: number
}

const deviation = (text: string): number => {
  const n = Number(text)
  if (text.trim() === '' || !Number.isFinite(n) || n < 0) throw new InvalidArgumentError('It must be a number ≥ 0.')
  return n
}
const names = (text: string): readonly string[] => text.split(',').map((name) => name.trim())

/** Adds the options; `copies` says what they are of. */
export const withPolicyFlags = (command: Command, copies: string): Command =>
  [
    new Option('--copies <n>', copies).argParser(count),
    new Option(
      '--checkpoints <which>',
      'several sets of weights: all that the run keeps, the newest n, or names and other run folders, with commas',
    ).argParser(ensembleOf),
    new Option('--rollouts <n>', 'runs that differ by chance; the first is the plain one').argParser(count),
    new Option('--noise <deviation>', 'of rollouts: normal noise on the state before each segment').argParser(
      deviation,
    ),
    new Option(
      '--noise-on <states>',
      'which states get it, with commas (default: z_H, or all where there is none)',
    ).argParser(names),
    new Option(
      '--random-start [of]',
      'of rollouts: random initial states, one vector at all positions or each position its own',
    )
      .choices(['vector', 'positions'])
      .preset('vector'),
    new Option(
      '--select <rule>',
      'whose answer counts: the most given one, the surest, the most settled, or the first to halt (default: vote)',
    ).choices(selections),
    new Option('--seed <n>', 'all copies and rollouts follow from it (default: 0)').argParser(natural),
  ].reduce((whole, option) => whole.addOption(option.helpGroup('More computation at test time:')), command)

/** The first of the flags that stands there without what it is for. */
const strayFlag = ({ noiseOn, noise, select, seed, copies = 1, rollouts = 1 }: PolicyFlags, candidates: number) => {
  if (noiseOn !== undefined && noise === undefined) return ['--noise-on needs noise', 'add --noise 0.3']
  if (select !== undefined && candidates === 1)
    return ['--select has nothing to choose from', 'add --copies, --rollouts or --checkpoints']
  if (seed !== undefined && copies === 1 && rollouts === 1)
    return ['--seed has nothing to draw', 'add --copies or --rollouts']
  return undefined
}

/** The policy that is asked for; `checkpoints` is how many sets of weights the ensemble came to. Of one candidate: a plain pass. */
export const policyOf = (
  model: Reasoner,
  flags: PolicyFlags,
  segments: number,
  checkpoints: number,
): E.Either<Problem, Policy> => {
  const { copies = 1, rollouts = 1, noise, noiseOn, randomStart, select = 'vote', seed = 0 } = flags
  const policy: Policy = {
    ...onePass(segments),
    copies,
    checkpoints,
    rollouts: {
      count: rollouts,
      start: randomStart ?? 'own',
      ...(noise !== undefined && { noise: { deviation: noise, states: noiseOn ?? noisedByDefault(model) } }),
    },
    select,
    seed,
  }
  const checked = checkPolicy(model, policy)
  if (E.isLeft(checked)) return checked
  const stray = strayFlag(flags, candidateCount(policy))
  return stray === undefined ? checked : E.left(problem(stray[0]!, { fix: stray[1]! }))
}

/** Whether there are as many copies as a policy asks for. */
export const enoughCopies = ({ copies }: Policy, { most, about }: Copies): E.Either<Problem, void> =>
  copies <= most
    ? E.right(undefined)
    : E.left(
        problem(`there are ${most} copies of a puzzle, ${copies} were asked for`, {
          why: `they are ${about}`,
          fix: `add --copies ${most}`,
        }),
      )
