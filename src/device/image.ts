/** Images of bindings (`kernels/image.ts`): textures that the bytes of a binding are copied into before it is read. */
import { IMAGE_PADDING, IMAGE_WIDTH, TEXEL_BYTES } from '../../kernels/image.js'
import type { Program } from '../compile/index.js'
import type { Device } from './adapter.js'
import type { Range } from './buffer.js'

export interface Image {
  readonly from: Range
  readonly to: GPUTexture
}

const FORMAT = 'rgba32float'
const ROW_BYTES = IMAGE_WIDTH * TEXEL_BYTES

export const IMAGE_LAYOUT = { access: 'read-only', format: FORMAT } as const

const rowsOf = (bytes: number): number => Math.ceil(bytes / ROW_BYTES)

/**
 * The image that dispatches see at this place of theirs. There is one a device, large enough for the largest so far: what
 * was bound to a smaller one before keeps it.
 */
export const imageOf = (device: Device, place: number, from: Range): Image => ({
  from,
  to: textureOf(device, place, rowsOf(from.bytes)),
})

const textureOf = (device: Device, place: number, rows: number): GPUTexture => {
  const known = device.images[place]
  if (known !== undefined && known.height >= rows) return known
  const made = device.gpu.createTexture({
    label: `image ${place}`,
    size: [IMAGE_WIDTH + IMAGE_PADDING, rows],
    format: FORMAT,
    usage: STORAGE_BINDING | COPY_DST,
  })
  device.images[place] = made
  return made
}

/** Makes the images that a program needs, so that none is outgrown while its dispatches are made ready. */
export const reserveImages = (device: Device, program: Program): void =>
  imageBytes(program).forEach((bytes, place) => void textureOf(device, place, rowsOf(bytes)))

/** Whole rows, then what is left. */
export const copyImage = (
  encoder: GPUCommandEncoder,
  { from: { buffer, offset, bytes }, to: texture }: Image,
): void => {
  const texels = Math.ceil(bytes / TEXEL_BYTES)
  const rows = Math.floor(texels / IMAGE_WIDTH)
  const left = texels % IMAGE_WIDTH
  if (rows > 0)
    encoder.copyBufferToTexture({ buffer, offset, bytesPerRow: ROW_BYTES }, { texture }, [IMAGE_WIDTH, rows])
  if (left > 0)
    encoder.copyBufferToTexture({ buffer, offset: offset + rows * ROW_BYTES }, { texture, origin: [0, rows] }, [
      left,
      1,
    ])
}

/** Bytes of the images a device has. */
export const allocatedImageBytes = ({ images }: Device): number =>
  images.reduce((n, { height }) => n + ROW_BYTES * height, 0)

/** Bytes of the images that a program needs, by their place. */
export const imageBytes = ({ kernels, dispatches }: Program): readonly number[] => {
  const most: number[] = []
  for (const { kernel, bindings } of dispatches)
    for (const [place, binding] of (kernels[kernel]!.images ?? []).entries())
      most[place] = Math.max(most[place] ?? 0, ROW_BYTES * rowsOf(bindings[binding]!.bytes))
  return most
}

// Bits of `GPUTextureUsage`.
const COPY_DST = 0x2
const STORAGE_BINDING = 0x8
