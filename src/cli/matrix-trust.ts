/**
 * Whether the matrix units of an adapter are trusted: tried out once in a process of its own, since a driver may crash on
 * them, hang or miscalculate; the verdict is kept for this adapter, driver, version and text of the kernels.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Target } from '../../kernels/kernel.js'
import { type AdapterDescription, attentionCases, matrixCases } from '../device/index.js'
import { adapterKey, readCache, writeCache } from './adapter-cache.js'
import { portable } from './portable.js'
import { log } from './result.js'

export interface MatrixVerdict {
  readonly isUsable: boolean
  /** Why not. */
  readonly why?: string
}

/** How the process ended, and what it wrote. */
export interface Ended {
  readonly stdout: string
  /** The signal that ended it, or its exit code where that was not 0. */
  readonly failure?: string
  /** Nothing was found out about the units: it was not started, or killed from outside. */
  readonly isUntried?: boolean
}

const SECONDS = 120

const tryOut = (): Promise<Ended> =>
  new Promise((resolve) => {
    const here = fileURLToPath(import.meta.url)
    const child = fileURLToPath(new URL(`./matrix-child${extname(here)}`, import.meta.url))
    const limits = { timeout: SECONDS * 1000, killSignal: 'SIGKILL' } as const
    execFile(process.execPath, [...process.execArgv, child], limits, (error, stdout) => {
      if (error === null) resolve({ stdout })
      else if (error.killed === true) resolve({ stdout, failure: `did not end within ${SECONDS} s` })
      else if (typeof error.code === 'string')
        resolve({ stdout, failure: `did not start: ${error.code}`, isUntried: true })
      else if (error.signal === 'SIGKILL') resolve({ stdout, failure: 'was killed', isUntried: true })
      else resolve({ stdout, failure: error.signal ? `was ended by ${error.signal}` : `ended with ${error.code}` })
    })
  })

/** What the way it ended says; `isKept`: it will be the same the next time. */
export const verdictOf = ({
  stdout,
  failure,
  isUntried = false,
}: Ended): MatrixVerdict & { readonly isKept: boolean } => {
  if (failure !== undefined) return { isUsable: false, why: `the self-test ${failure}`, isKept: !isUntried }
  try {
    const { right, why, isUntried: isUnopened } = JSON.parse(stdout) as Readonly<Record<string, unknown>>
    return typeof right === 'number' && right > 0
      ? { isUsable: true, isKept: true }
      : { isUsable: false, why: String(why ?? 'the self-test tried nothing'), isKept: isUnopened !== true }
  } catch {
    return { isUsable: false, why: 'the self-test said nothing', isKept: true }
  }
}

/** Another text of a kernel is another question. */
const verdictKey = (adapter: AdapterDescription) => {
  const matrix = adapter.matrix!
  const target: Target = {
    ...portable,
    hasF16: true,
    matrix,
    maxWorkgroupMemoryBytes: 2 ** 20,
    maxWorkgroupInvocations: 1024,
  }
  const texts = createHash('sha256')
  const kernels = [
    ...matrixCases(target).flatMap((of) => of.kernels),
    ...attentionCases(target).flatMap(({ tried: { forward, statistics, backward } }) => [
      forward,
      statistics,
      ...backward,
    ]),
  ]
  for (const { wgsl } of kernels) texts.update(wgsl)
  return { ...adapterKey(adapter), matrix, texts: texts.digest('hex') }
}

/** The verdict on an adapter that offers matrix units; tries them out where it was not kept. */
export const matrixVerdict = async (
  adapter: AdapterDescription,
  attempt: () => Promise<Ended> = tryOut,
): Promise<MatrixVerdict> => {
  const key = verdictKey(adapter)
  const { isUsable, why } = readCache('matrix', key)
  if (typeof isUsable === 'boolean') return { isUsable, ...(typeof why === 'string' && { why }) }
  const { isKept, ...verdict } = verdictOf(await attempt())
  if (isKept) writeCache('matrix', key, verdict)
  return verdict
}

/** For `openDevice`: says so where they are not used. */
export const trustedMatrix = async (adapter: AdapterDescription): Promise<boolean> => {
  const { isUsable, why } = await matrixVerdict(adapter)
  if (!isUsable) log(`matrix units are left unused: ${why}`)
  return isUsable
}
