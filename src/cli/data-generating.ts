/** Generating puzzles that are all different while somebody waits: a line every second, and Ctrl-C is heard. */
import * as E from 'fp-ts/lib/Either.js'
import { turn } from '../turn.js'
import { everySecond, type Log } from './data-writing.js'

/** Why there are not as many as are wanted: no try gave one, or no other one. */
export interface TooFew {
  readonly found: number
  readonly none: boolean
}

/** In a row that are known already before there are said to be no more. */
const PATIENCE = 1000

/** So many that differ by a key, of a list without end; `undefined` in it ends it. */
export const generateDistinct = async <A>(
  wanted: number,
  make: (index: number) => A | undefined,
  key: (item: A) => string,
  log: Log,
): Promise<E.Either<TooFew, readonly A[]>> => {
  const items = new Map<string, A>()
  const progress = everySecond(log)
  let known = 0
  for (let index = 0; items.size < wanted; index++) {
    const item = make(index)
    if (item === undefined || known > PATIENCE) return E.left({ found: items.size, none: item === undefined })
    const its = key(item)
    known = items.has(its) ? known + 1 : 0
    items.set(its, item)
    progress(items.size, wanted)
    if (index % 16 === 0) await turn()
  }
  return E.right([...items.values()])
}
