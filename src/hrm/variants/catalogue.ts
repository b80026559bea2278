/**
 * The variants by name, for commands and config files: sizes are plain data there, a gradient rule stands by its name. Each
 * knows what sizes of its own are like an HRM's, so that a recipe for one trains the other.
 */
import { segmentGraph } from '../costs.js'
import { gradientNamed } from '../gradient-rules.js'
import type { Reasoner } from '../reasoner.js'
import { cgar } from './cgar.js'
import { eqr } from './eqr.js'
import { hrm } from './hrm.js'
import { recurrent } from './recurrent.js'
import { rins } from './rins.js'
import { seRrm } from './se-rrm.js'
import type { HrmSizes } from './sizes.js'
import { transformer } from './transformer.js'
import { trm } from './trm.js'
import { trmSingle } from './trm-single.js'
import { trmSix } from './trm-six.js'
import { universal } from './universal.js'
import { urm } from './urm.js'

/** Sizes of any variant as JSON has them; `gradient` is a name (`gradientNamed`). */
export type NamedSizes = Readonly<Record<string, unknown>>

/** HRM's sizes as recipes have them; the gradient rule stands by its name. */
export type Recipe = Omit<HrmSizes<number, number>, 'gradient'> & { readonly gradient?: string }

interface Entry {
  /** One line: what it is. */
  readonly about: string
  readonly make: (sizes: never) => Reasoner
  /** Its sizes for the puzzles and the width of that HRM. */
  readonly like: (recipe: Recipe) => NamedSizes
}

/** What all variants have in common. */
const common = ({
  layers: _,
  cycles: _n,
  steps: _t,
  maxSegments: _m,
  exploration: _e,
  gradient: _g,
  ...rest
}: Recipe) => rest
const halting = ({ maxSegments = 16, exploration = 0.1 }: Recipe) => ({ maxSegments, exploration })
const levels = ({ layers = { high: 4, low: 4 }, cycles = 2, steps = 2 }: Recipe) => ({ layers, cycles, steps })
/** As many layers as an HRM has in both its levels: as many parameters. */
const depth = (recipe: Recipe): number => levels(recipe).layers.high + levels(recipe).layers.low
/** How often a stack of that depth must run to be as deep as a segment of the HRM. */
const loops = (recipe: Recipe): number => {
  const { layers, cycles, steps } = levels(recipe)
  return Math.ceil((cycles * (steps * layers.low + layers.high)) / depth(recipe))
}

const trmLike = (recipe: Recipe): NamedSizes => ({
  ...common(recipe),
  layers: Math.ceil(levels(recipe).layers.low / 2),
  mixing: 'attention',
  cycles: 3,
  steps: 6,
  puzzleTokens: Math.ceil((recipe.puzzleEmbedding ?? 512) / (recipe.hidden ?? 512)),
  ...halting(recipe),
  gradient: 'wholeCycle',
})

const variants: Readonly<Record<string, Entry>> = {
  hrm: {
    about: 'two levels, one-step gradient',
    make: hrm,
    like: (recipe) => ({
      ...common(recipe),
      ...levels(recipe),
      ...halting(recipe),
      gradient: recipe.gradient ?? 'oneStep',
    }),
  },
  trm: {
    about: 'one set of blocks of half the depth for both levels, gradient through a cycle',
    make: trm,
    like: trmLike,
  },
  'trm-single': { about: 'TRM with one state', make: trmSingle, like: trmLike },
  cgar: {
    about: 'TRM that grows while it is trained, and learns less from later segments',
    make: cgar,
    like: (recipe) => ({ ...trmLike(recipe), lossDecay: 0.7 }),
  },
  eqr: {
    about: 'TRM from random states, with damped and noisy updates',
    make: eqr,
    like: (recipe) => {
      const { puzzleEmbedding: _e, puzzleTokens: _t, puzzles: _p, ...rest } = trmLike(recipe)
      return { ...rest, step: 0.95, noise: 0.01 }
    },
  },
  'trm-six': { about: 'TRM with six latent states, written in turn', make: trmSix, like: trmLike },
  transformer: {
    about: 'a plain transformer, one pass',
    make: transformer,
    like: (recipe) => ({ ...common(recipe), layers: depth(recipe) }),
  },
  recurrent: {
    about: 'one stack in a loop, back-propagation through all of it',
    make: recurrent,
    like: (recipe) => ({ ...common(recipe), layers: depth(recipe), loops: loops(recipe), gradient: 'full' }),
  },
  universal: {
    about: 'one stack in a loop, with segments and halting',
    make: universal,
    like: (recipe) => ({
      ...common(recipe),
      layers: depth(recipe),
      loops: loops(recipe),
      ...halting(recipe),
      gradient: 'last2',
    }),
  },
  urm: {
    about: 'a universal transformer whose SwiGLU looks one position back, truncated loops',
    make: urm,
    like: (recipe) => ({
      ...common(recipe),
      layers: levels(recipe).layers.low,
      loops: 8,
      ...halting(recipe),
      gradient: 'allBut2',
    }),
  },
  'se-rrm': {
    about: 'one state with an axis of symbols, which are treated alike: relabelled puzzles get relabelled answers',
    make: seRrm,
    like: (recipe) => {
      const { vocabulary, sequence, hidden = 256, heads = 4, expansion = 4 } = recipe
      return {
        ...{ vocabulary, sequence, specials: 2, hidden, heads, symbolHeads: 2, symbolWidth: hidden / 2, expansion },
        layers: Math.ceil(levels(recipe).layers.low / 2),
        rotary: 'grid',
        cycles: 3,
        steps: 6,
        ...halting(recipe),
        gradient: 'wholeCycle',
      }
    },
  },
  rins: {
    about: 'a stack in a loop and another on top, one segment',
    make: rins,
    like: (recipe) => ({ ...common(recipe), layers: levels(recipe).layers, loops: 7, gradient: 'last4' }),
  },
}

/** Name and description of each. */
export const variantNames: readonly { readonly name: string; readonly about: string }[] = Object.entries(variants).map(
  ([name, { about }]) => ({ name, about }),
)

export const isVariant = (name: string): boolean => Object.hasOwn(variants, name)

/** Sizes of a variant for the puzzles and the width of an HRM: as many layers, about as deep. */
export const sizesLike = (name: string, recipe: Recipe): NamedSizes => variants[name]!.like(recipe)

/** Throws an error with a sentence when the sizes do not go together, or there is no such variant or gradient rule. */
export const variantOf = (name: string, { gradient, ...sizes }: NamedSizes): Reasoner => {
  if (!isVariant(name))
    throw new Error(`there is no variant "${name}": there are ${variantNames.map((v) => v.name).join(', ')}`)
  const rule = gradient === undefined ? undefined : gradientNamed(`${gradient}`)
  if (gradient !== undefined && rule === undefined)
    throw new Error(`there is no gradient rule "${gradient}": write oneStep, wholeCycle, full, last3 or allBut2`)
  const model = variants[name]!.make({ ...sizes, ...(rule !== undefined && { gradient: rule }) } as never)
  // Some sizes are looked at only when a segment is built, such as the numbers of cycles and steps.
  segmentGraph(model)
  return model
}
