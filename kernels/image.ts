/**
 * Reading a binding as an image. On lavapipe a load from a buffer is made lane by lane, each with a test of its bounds and
 * a jump; a load from a storage texture is one load of 16 bytes a lane, a third of the time (docs/speed.md). So kernels for
 * software adapters name bindings that they read again and again (`Kernel.images`): the device copies each into a texture,
 * which costs next to nothing, and binds it after all others.
 */

/** 4-vectors of the binding in a row of its image: 16384 rows, which adapters have, are the 128 MiB of a binding. */
export const IMAGE_WIDTH = 512

/** Rows are so much longer, or lines of a matrix that lie powers of two apart would compete for the same few lines of a cache. */
export const IMAGE_PADDING = 4

/** Bytes of a 4-vector. */
export const TEXEL_BYTES = 16

/** Declares the image at `binding` and `fn load_{name}(i: u32) -> vec4f`, which gives the i-th 4-vector of what it shows. */
export const declareImage = (binding: number, name: string): string =>
  [
    `@group(0) @binding(${binding}) var image_${name}: texture_storage_2d<rgba32float, read>;`,
    `fn load_${name}(i: u32) -> vec4f { return textureLoad(image_${name}, vec2u(i % ${IMAGE_WIDTH}u, i / ${IMAGE_WIDTH}u)); }`,
  ].join('\n')
