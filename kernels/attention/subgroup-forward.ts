/**
 * Attention forward by subgroups: scores of a block, online softmax (a running maximum and sum of every query, what was
 * summed before rescaled when the maximum grows), weighted sum of the values. Exponentials are taken in base 2.
 */
import { range } from '../grid.js'
import type { Kernel } from '../kernel.js'
import { output, packed, statistic } from './spec.js'
import {
  everyPair,
  everyRow,
  findEnd,
  ifOwn,
  innerProducts,
  masked,
  openBlocks,
  ownAddresses,
  type Product,
  scaleSums,
  storeSums,
  type Tile,
  tileKernel,
  weightedSums,
  zeroSums,
} from './subgroup.js'

const scoresOf = (tile: Tile): readonly Product[] => [{ sum: 's', own: packed(tile, 'q'), other: packed(tile, 'k') }]

/** `m{r}` maximum so far (the same in all lanes), `l{r}` sum so far of this lane's keys. */
const start = (tile: Tile): readonly string[] => [
  ...ownAddresses(tile, scoresOf(tile)),
  ...everyRow(tile, (r) => `var m${r} = -3e38; var l${r} = 0.0;`),
]

const keysOf = ({ keys }: Tile, text: (q: number) => string) => range(keys).map(text)

/** Scores of the block, then `p{r}_{q}` relative to the new maximum and `correction{r}` of what came before. */
const softmax = (tile: Tile): readonly string[] => {
  const scale = Math.LOG2E / Math.sqrt(tile.spec.headDim)
  return [
    ...innerProducts(tile, scoresOf(tile)),
    ...findEnd(tile),
    ...everyPair(tile, (r, q) => `s${r}_${q} = ${masked(tile, q, `s${r}_${q} * ${scale}`, '-3e38')};`),
    ...everyRow(
      tile,
      (r) => `var top${r} = ${keysOf(tile, (q) => `s${r}_${q}`).reduce((text, s) => `max(${text}, ${s})`)};`,
    ),
    ...[1, 2, 4].flatMap((step) =>
      everyRow(tile, (r) => `top${r} = max(top${r}, subgroupShuffleXor(top${r}, ${step}u));`),
    ),
    ...everyRow(
      tile,
      (r) => `top${r} = max(top${r}, m${r}); let correction${r} = exp2(m${r} - top${r}); m${r} = top${r};`,
    ),
    ...everyPair(tile, (r, q) => `let p${r}_${q} = exp2(s${r}_${q} - m${r});`),
    ...everyRow(tile, (r) => `l${r} = l${r} * correction${r} + ${keysOf(tile, (q) => `p${r}_${q}`).join(' + ')};`),
  ]
}

const addLanes = (tile: Tile): readonly string[] =>
  [1, 2, 4].flatMap((step) => everyRow(tile, (r) => `l${r} += subgroupShuffleXor(l${r}, ${step}u);`))

export const subgroupForward = (tile: Tile): Kernel => {
  const bindings = [
    ['qkv', tile.type],
    ['out', tile.type],
  ] as const
  return tileKernel(tile, 'attention', bindings, [
    ...start(tile),
    ...zeroSums(tile, 'o'),
    openBlocks(tile),
    ...softmax(tile),
    ...scaleSums(tile, 'o', (r) => `correction${r}`),
    ...weightedSums(tile, [{ into: 'o', weight: 'p', from: packed(tile, 'v') }]),
    '}',
    ...addLanes(tile),
    ...scaleSums(tile, 'o', (r) => `1.0 / l${r}`),
    ...storeSums(tile, 'o', output(tile, 'out')),
  ])
}

export const subgroupStatistics = (tile: Tile): Kernel => {
  const bindings = [
    ['qkv', tile.type],
    ['statistics', 'f32'],
  ] as const
  return tileKernel(tile, 'attentionStatistics', bindings, [
    ...start(tile),
    openBlocks(tile),
    ...softmax(tile),
    '}',
    ...addLanes(tile),
    'if (lane == 0u) {',
    ...everyRow(tile, (r) =>
      ifOwn(tile, r, `statistics[${statistic(tile, `first + ${r}u`)}] = (m${r} + log2(l${r})) * ${Math.LN2};`),
    ),
    '}',
  ])
}
