/**
 * The process in which matrix units are tried out: `matrix-trust.ts` starts it and looks how it ends. One line of JSON on
 * stdout, `{"right": kernels}` or `{"why": "…"}`, with `"isUntried": true` where no device was to be had; a driver may end it
 * without one.
 */
import * as E from 'fp-ts/lib/Either.js'
import { checkMatrix, openDevice } from '../device/index.js'

const device = await openDevice({ matrix: async () => true })()
const checked = E.isLeft(device) ? device : await checkMatrix(device.right)
const problem = E.isRight(device) ? device.right.failure() : undefined
const why = problem ?? (E.isLeft(checked) ? checked.left : undefined)
const said =
  why === undefined
    ? { right: E.isRight(checked) ? checked.right : 0 }
    : { why: `${why.what}${why.why === undefined ? '' : `: ${why.why}`}`, isUntried: E.isLeft(device) }
process.stdout.write(`${JSON.stringify(said)}\n`, () => process.exit(0))
