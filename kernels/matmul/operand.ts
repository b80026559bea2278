/** How the lanes of a subgroup load an operand of a matmul: from its buffer, or from an image of it. */
import { canBeImage, type ImageSpec, STRIP } from '../image.js'
import type { Target } from '../kernel.js'
import type { MatmulSpec } from './spec.js'

export interface Operand {
  /** Values that a lane's load has, neighbours in a line. */
  readonly width: 1 | 2 | 4
  /** Declarations outside of every loop, since the driver hoists nothing. */
  readonly setUp: readonly string[]
  /**
   * Declares `at`, where a lane's loads begin: at its line where lines go along k, else at its vector of a line, and `step`
   * lines further.
   */
  readonly begin: (at: string, place: string, step?: string) => string
  /** What is loaded for the steps of k from depth·`i` (an expression) + `j` on. */
  readonly load: (at: string, i: string, j: number) => string
}

/** What an operand's lines are and what the kernel takes of them at a time. */
interface Taken {
  /** Values a lane loads at once from the buffer. */
  readonly width: 1 | 2 | 4
  /** Steps of k in the loop's body. */
  readonly depth: number
  /** `const` where the sizes are in the text. */
  readonly declare: 'let' | 'const'
  readonly image: ImageSpec | undefined
}

/** Whether the operand's lines go along k. */
const isAlongK = ({ layout }: Pick<MatmulSpec, 'layout'>, name: 'A' | 'B'): boolean =>
  name === 'A' ? layout !== 'tn' : layout === 'nt'

/** Values of an image that a lane loads at once: so many steps of k where lines go along it. */
const TEXEL = 4

/** Its image, in one strip where its lines go along k; none where the tile does not take what a load has of them. */
export const imageSpec = (
  spec: MatmulSpec,
  name: 'A' | 'B',
  { hasImages }: Target,
  depth: number,
): ImageSpec | undefined => {
  const { batch, m, n, k } = spec
  const [binding, outer, isBroadcast] = name === 'A' ? [0, m, spec.broadcastA] : [1, n, spec.broadcastB]
  const alongK = isAlongK(spec, name)
  const [lines, line] = alongK ? [outer, k] : [k, outer]
  const strip = alongK ? line / TEXEL : STRIP
  const image = { binding, line, lines: isBroadcast === true ? lines : batch * lines, strip }
  return hasImages === true && depth === TEXEL && canBeImage(image) ? image : undefined
}

export const operandOf = (spec: MatmulSpec, name: 'A' | 'B', { width, depth, declare, image }: Taken): Operand => {
  const [outer, isBroadcast] =
    name === 'A' ? (['sizeM', spec.broadcastA] as const) : (['sizeN', spec.broadcastB] as const)
  const alongK = isAlongK(spec, name)
  const isOne = spec.batch === 1 || isBroadcast === true
  const start = (stride: string) => (isOne ? '0u' : `product * (${stride})`)
  if (image !== undefined && alongK)
    return {
      width: TEXEL,
      setUp: [],
      begin: (at, place) => `let ${at} = ${start(outer)} + ${place};`,
      load: (at, i) => `load_${name}(${i}, ${at})`,
    }
  if (image !== undefined)
    return {
      width: TEXEL,
      setUp: [`${declare} lines${name} = ${isOne ? 'sizeK' : `${spec.batch}u * sizeK`};`],
      begin: (at, place, step = '0u') =>
        `let ${at}x = (${place}) % ${STRIP}u; let ${at} = (${place}) / ${STRIP}u * lines${name} + ${start('sizeK')} + ${step};`,
      load: (at, i, j) => `load_${name}(${at}x, ${at} + ${i} * ${depth}u + ${j}u)`,
    }
  const line = `(${alongK ? 'sizeK' : outer} / ${width}u)`
  return {
    width,
    setUp: alongK
      ? []
      : [
          `${declare} line${name} = ${line};`,
          ...Array.from({ length: depth + 1 }, (_, j) => `${declare} line${name}${j} = ${j}u * line${name};`),
        ],
    begin: (at, place) =>
      `let ${at} = ${start(`sizeK * ${outer} / ${width}u`)} + (${place})${alongK ? ` * ${line}` : ''};`,
    load: (at, i, j) => {
      const step = alongK
        ? width > 1
          ? i
          : `${i} * ${depth}u + ${j}u`
        : `${i} * line${name}${depth} + line${name}${j}`
      return `${name}[${at} + ${step}]`
    },
  }
}
