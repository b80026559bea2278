/** Images of bindings (`kernels/image.ts`): textures that a binding is copied into, strip by strip, before it is read. */
import { type ImageSpec, isLayered, LAYER_ROWS, layersOf, PADDING, STRIP } from '../../kernels/image.js'
import type { Program } from '../compile/index.js'
import type { Device } from './adapter.js'
import type { Range } from './buffer.js'

export interface Image {
  readonly spec: ImageSpec
  readonly from: Range
  readonly to: GPUTexture
}

const FORMAT = 'rgba32float'
const TEXEL_BYTES = 16

const dimensionOf = (spec: ImageSpec) => (isLayered(spec) ? '2d-array' : '2d')

export const imageLayout = (spec: ImageSpec): GPUStorageTextureBindingLayout => ({
  access: 'read-only',
  format: FORMAT,
  viewDimension: dimensionOf(spec),
})

/** 4-vectors of a row. */
const widthOf = ({ strip }: ImageSpec): number => (strip > STRIP ? strip + PADDING : strip)
/** Rows of a layer, and layers. */
const heightOf = (spec: ImageSpec): readonly [number, number] =>
  isLayered(spec) ? [LAYER_ROWS, layersOf(spec)] : [(spec.lines * spec.line) / (4 * spec.strip), 1]

/** Dispatches share the texture of a place of theirs, a width and a number of dimensions. */
const keyOf = (place: number, spec: ImageSpec): string => `image ${place} ${widthOf(spec)} ${dimensionOf(spec)}`

/** The image that dispatches see at this place of theirs: what was bound to a smaller texture before keeps it. */
export const imageOf = (device: Device, place: number, spec: ImageSpec, from: Range): Image => ({
  spec,
  from,
  to: textureOf(device, place, spec),
})

export const viewOf = ({ spec, to }: Image): GPUTextureView => to.createView({ dimension: dimensionOf(spec) })

const textureOf = (device: Device, place: number, spec: ImageSpec): GPUTexture => {
  const key = keyOf(place, spec)
  const known = device.images.get(key)
  const [rows, layers] = heightOf(spec)
  if (known !== undefined && known.height >= rows && known.depthOrArrayLayers >= layers) return known
  const made = device.gpu.createTexture({
    label: key,
    size: [widthOf(spec), rows, layers],
    format: FORMAT,
    usage: STORAGE_BINDING | COPY_DST,
  })
  device.images.set(key, made)
  return made
}

/** Strip by strip, each down the layers. Of a binding that is too short for the image nothing is shown. */
export const copyImage = (encoder: GPUCommandEncoder, { spec, from, to: texture }: Image): void => {
  const { buffer, offset, bytes } = from
  const { lines, line, strip } = spec
  const [bytesPerRow, stripBytes] = [4 * line, TEXEL_BYTES * strip]
  if (bytes < lines * bytesPerRow) return
  for (let s = 0; s < bytesPerRow / stripBytes; s++)
    for (let l = 0; l < lines; ) {
      const row = s * lines + l
      const count = Math.min(lines - l, LAYER_ROWS - (row % LAYER_ROWS))
      encoder.copyBufferToTexture(
        { buffer, offset: offset + s * stripBytes + l * bytesPerRow, bytesPerRow },
        { texture, origin: [0, row % LAYER_ROWS, Math.floor(row / LAYER_ROWS)] },
        [strip, count],
      )
      l += count
    }
}

/** The largest image of every place, width and number of dimensions. */
const largestImages = ({ kernels, dispatches }: Program): ReadonlyMap<string, readonly [number, ImageSpec]> => {
  const largest = new Map<string, readonly [number, ImageSpec]>()
  for (const { kernel } of dispatches)
    for (const [place, spec] of (kernels[kernel]!.images ?? []).entries()) {
      const key = keyOf(place, spec)
      const other = largest.get(key)
      if (other === undefined || bytesOf(other[1]) < bytesOf(spec)) largest.set(key, [place, spec])
    }
  return largest
}

const bytesOf = (spec: ImageSpec): number => TEXEL_BYTES * widthOf(spec) * heightOf(spec).reduce((x, y) => x * y)

/** Makes the images that a program needs, so that none is outgrown while its dispatches are made ready. */
export const reserveImages = (device: Device, program: Program): void => {
  for (const [place, spec] of largestImages(program).values()) textureOf(device, place, spec)
}

/** Bytes of the images that a program needs, by name. */
export const imageBytes = (program: Program): readonly { readonly name: string; readonly bytes: number }[] =>
  [...largestImages(program)].map(([name, [, spec]]) => ({ name, bytes: bytesOf(spec) }))

/** Bytes of the images a device has. */
export const allocatedImageBytes = ({ images }: Device): number =>
  [...images.values()].reduce((n, t) => n + TEXEL_BYTES * t.width * t.height * t.depthOrArrayLayers, 0)

// Bits of `GPUTextureUsage`.
const COPY_DST = 0x2
const STORAGE_BINDING = 0x8
