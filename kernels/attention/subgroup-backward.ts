/** Attention backward by subgroups: one kernel owns queries and writes dq, the other owns keys and writes dk and dv. */
import { range } from '../grid.js'
import type { Kernel } from '../kernel.js'
import { backwardBindings, clamp, output, packed, statistic } from './spec.js'
import {
  everyPair,
  everyRow,
  findEnd,
  innerProducts,
  masked,
  openBlocks,
  otherRow,
  ownAddresses,
  type Product,
  storeSums,
  type Tile,
  tileKernel,
  weightedSums,
  zeroSums,
} from './subgroup.js'

/** `lse{n}` (base 2) and `delta{n}` of a query. */
const loadStatistics = (tile: Tile, n: number, query: string): string =>
  `let at${n} = ${statistic(tile, query)}; let lse${n} = lse[at${n}] * ${Math.LOG2E}; let delta${n} = delta[at${n}];`

/** `p{r}_{q}` and `ds{r}_{q}` from the products s = q·k and g = dOut·v; `query` says which of the two is the query. */
const cotangents = (tile: Tile, query: (r: number, q: number) => number): readonly string[] => {
  const scale = 1 / Math.sqrt(tile.spec.headDim)
  return [
    ...findEnd(tile),
    ...everyPair(tile, (r, q) => {
      const n = query(r, q)
      const p = masked(tile, q, `exp2(s${r}_${q} * ${scale * Math.LOG2E} - lse${n})`, '0.0')
      return `let p${r}_${q} = ${p}; let ds${r}_${q} = p${r}_${q} * (g${r}_${q} - delta${n}) * ${scale};`
    }),
  ]
}

const queryKernel = (tile: Tile): Kernel => {
  const products: readonly Product[] = [
    { sum: 's', own: packed(tile, 'q'), other: packed(tile, 'k') },
    { sum: 'g', own: output(tile, 'dOut'), other: packed(tile, 'v') },
  ]
  return tileKernel(tile, 'attentionBackward.q', backwardBindings(tile), [
    ...ownAddresses(tile, products),
    ...everyRow(tile, (r) => loadStatistics(tile, r, clamp(tile, `first + ${r}u`))),
    ...zeroSums(tile, 'dq'),
    openBlocks(tile),
    ...innerProducts(tile, products),
    ...cotangents(tile, (r) => r),
    ...weightedSums(tile, [{ into: 'dq', weight: 'ds', from: packed(tile, 'k') }]),
    '}',
    ...storeSums(tile, 'dq', packed(tile, 'q', 'dQkv')),
  ])
}

const keyKernel = (tile: Tile): Kernel => {
  const products: readonly Product[] = [
    { sum: 's', own: packed(tile, 'k'), other: packed(tile, 'q') },
    { sum: 'g', own: packed(tile, 'v'), other: output(tile, 'dOut') },
  ]
  return tileKernel(tile, 'attentionBackward.kv', backwardBindings(tile), [
    ...ownAddresses(tile, products),
    ...zeroSums(tile, 'dk'),
    ...zeroSums(tile, 'dv'),
    openBlocks(tile),
    ...innerProducts(tile, products),
    ...range(tile.keys).map((q) => loadStatistics(tile, q, otherRow(tile, q))),
    ...cotangents(tile, (_, q) => q),
    ...weightedSums(tile, [
      { into: 'dk', weight: 'ds', from: packed(tile, 'q') },
      { into: 'dv', weight: 'p', from: output(tile, 'dOut') },
    ]),
    '}',
    ...storeSums(tile, 'dk', packed(tile, 'k', 'dQkv')),
    ...storeSums(tile, 'dv', packed(tile, 'v', 'dQkv')),
  ])
}

export const subgroupBackward = (tile: Tile): readonly Kernel[] => [queryKernel(tile), keyKernel(tile)]
