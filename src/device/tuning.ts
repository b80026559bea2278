/** What tuning found on an adapter: kept in a store, brought to the device, added to for the shapes of a program. */
import { type MatmulSpec, tuningKey, variantName, variantNamed } from '../../kernels/matmul/index.js'
import type { Program } from '../compile/index.js'
import type { Tuned, TuneOptions } from '../ir/index.js'
import type { AdapterDescription, Device } from './adapter.js'
import { tuneMatmul } from './tune-matmul.js'

/** Keeps what was found, an adapter's apart from another's. */
export interface TuningStore {
  /** Names of the fastest variants, by shape. */
  readonly read: (adapter: AdapterDescription) => Readonly<Record<string, string>>
  readonly write: (adapter: AdapterDescription, fastest: Readonly<Record<string, string>>) => void
}

/** Forgets with the process. */
export const noStore: TuningStore = { read: () => ({}), write: () => {} }

/** Brings what was found before to the device; a name that no variant has any more is passed over. */
export const restoreTuning = (device: Device, store: TuningStore): void => {
  for (const [shape, name] of Object.entries(store.read(device.description))) {
    const variant = variantNamed(name, device.target)
    if (variant !== undefined) device.tuning.set(shape, variant)
  }
}

/** Measures the matmuls of a program; each shape is kept as soon as it is done, so that Ctrl-C loses none. */
export const tuneProgram = async (
  device: Device,
  program: Program,
  store: TuningStore,
  { again = false, except, told }: TuneOptions,
): Promise<readonly Tuned[]> => {
  const wanted = [...shapesOf(program)].filter(
    ([shape]) => (again || !device.tuning.has(shape)) && except?.has(shape) !== true,
  )
  const found: Tuned[] = []
  for (const [shape, { spec, uses }] of wanted) {
    const { byDefault, fastest, speedup, seconds, wrong } = await tuneMatmul(device, spec)
    device.tuning.set(shape, fastest)
    // Beside what is known of shapes that this device has no use for, such as those of matrix units without f16.
    const known = store.read(device.description)
    store.write(device.description, { ...known, [shape]: variantName(fastest) })
    const tuned: Tuned = {
      shape,
      uses,
      byDefault: variantName(byDefault),
      fastest: variantName(fastest),
      speedup,
      seconds,
      wrong: wrong.map(variantName),
    }
    found.push(tuned)
    told?.(tuned, found.length, wanted.length)
  }
  return found
}

/** Shapes that are tuned do so much of a program's multiplying; the rest would take longer to measure than it can save. */
const WORTH_TUNING = 0.99

interface Shape {
  readonly spec: MatmulSpec
  readonly uses: number
}

/** The shapes that matter, by their key; first those that compute the most. */
const shapesOf = (program: Program): ReadonlyMap<string, Shape> => {
  const shapes = new Map<string, Shape>()
  for (const { matmul } of program.dispatches) {
    if (matmul === undefined) continue
    const shape = tuningKey(matmul)
    shapes.set(shape, { spec: matmul, uses: (shapes.get(shape)?.uses ?? 0) + 1 })
  }
  const work = ({ spec: { batch, m, n, k }, uses }: Shape) => uses * batch * m * n * k
  const sorted = [...shapes].sort(([, a], [, b]) => work(b) - work(a))
  let left = WORTH_TUNING * sorted.reduce((sum, [, shape]) => sum + work(shape), 0)
  return new Map(
    sorted.filter(([, shape]) => {
      const isWorth = left > 0
      left -= work(shape)
      return isWorth
    }),
  )
}
