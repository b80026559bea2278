/**
 * Reading a binding as an image. On lavapipe a load from a buffer is made lane by lane, each with a test of its bounds and
 * a jump; a load from a storage texture is one load of 16 bytes a lane, a third of the time (docs/speed.md). So kernels for
 * software adapters name bindings that they read again and again (`Kernel.images`): the device copies each into a texture,
 * which costs next to nothing, and binds it after all others.
 *
 * An image shows a matrix in strips of some 4-vectors of every line, one strip below the other:
 *
 *      the binding, line by line              its image
 *      ┌────┬────┬────┐
 *      │ s0 │ s1 │ s2 │ lines                 s0's rows, then s1's, then s2's: one for each line
 *      └────┴────┴────┘
 *
 * Whoever goes along lines wants one strip. Whoever goes down them wants narrow strips: there memory comes in its order, and
 * in few pages; in the binding every line is far from the last, often by a power of two, so that all of them compete for
 * the same places of the caches.
 */

export interface ImageSpec {
  /** Number of the binding. */
  readonly binding: number
  readonly lines: number
  /** Numbers of a line: a multiple of `LINE_NUMBERS`. */
  readonly line: number
  /** 4-vectors of a strip, which divide a line. */
  readonly strip: number
}

/** Textures are copied from lines of a multiple of 256 bytes, says WebGPU. */
export const LINE_NUMBERS = 64

/** A narrow strip: what eight lanes load at once. */
export const STRIP = 8

/** 4-vectors more, a cache line, that a row of a wide strip has, or rows a power of two apart would compete for its places. */
export const PADDING = 4

/** Rows of a texture, or 4-vectors of a row, by WebGPU's default limit; what has more of them goes on in another layer. */
export const LAYER_ROWS = 8192

/** Layers of a texture, by the same. */
const MOST_LAYERS = 256

export const layersOf = ({ lines, line, strip }: ImageSpec): number =>
  Math.ceil((lines * line) / (4 * strip) / LAYER_ROWS)

/** The type of the texture: of layers only where it takes some, since finding the layer takes time. */
export const isLayered = (spec: ImageSpec): boolean => layersOf(spec) > 1

/** Whether WebGPU copies and holds it. */
export const canBeImage = (spec: ImageSpec): boolean =>
  spec.line % LINE_NUMBERS === 0 && spec.strip + PADDING <= LAYER_ROWS && layersOf(spec) <= MOST_LAYERS

/**
 * Declares the image at `binding` and `fn load_{name}(x: u32, row: u32) -> vec4f`: of the 4-vector t of a line, x is
 * t % strip, and row t / strip · lines + line.
 */
export const declareImage = (binding: number, name: string, spec: ImageSpec): string => {
  const [dimension, place] = isLayered(spec)
    ? ['2d_array', `vec2u(x, row % ${LAYER_ROWS}u), row / ${LAYER_ROWS}u`]
    : ['2d', 'vec2u(x, row)']
  return [
    `@group(0) @binding(${binding}) var image_${name}: texture_storage_${dimension}<rgba32float, read>;`,
    `fn load_${name}(x: u32, row: u32) -> vec4f { return textureLoad(image_${name}, ${place}); }`,
  ].join('\n')
}
