/**
 * Random bits by counting: a number is a function of a key and a counter, so there is no state to keep, and the same number
 * comes out on the host, in the interpreter and on any device. Integer arithmetic of 32 bits, the same in both languages.
 */

const START = 0x2545f491

/** One more word into a digest of 32 bits: the finaliser of MurmurHash3. */
const stir = (h: number, word: number): number => {
  let x = Math.imul(h ^ word, 0x9e3779b1)
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return x ^ (x >>> 16)
}

/** Mixes words into 32 bits, as a signed number. */
export const mixBits = (words: Iterable<number>): number => {
  let h = START
  for (const word of words) h = stir(h, word)
  return h
}

/** Uniform in (−1, 1): an odd multiple of 2⁻²⁴, so that f32 holds it exactly. */
export const uniformAt = (key: number, counter: number): number =>
  (2 * (stir(stir(START, key), counter) >>> 8) + 1 - 2 ** 24) / 2 ** 24

/** The same in WGSL, on `i32` (width 1) or `vec4i` (width 4). */
export const uniformText = (width: 1 | 4): string => {
  const [f, i, u] = width === 1 ? ['f32', 'i32', 'u32'] : ['vec4f', 'vec4i', 'vec4u']
  const hex = (word: number) => `${u}(0x${word.toString(16)}u)`
  return [
    `fn tg_stir_${width}(h: ${u}, word: ${u}) -> ${u} {`,
    `  var x = (h ^ word) * ${hex(0x9e3779b1)};`,
    `  x = (x ^ (x >> ${u}(16u))) * ${hex(0x85ebca6b)};`,
    `  x = (x ^ (x >> ${u}(13u))) * ${hex(0xc2b2ae35)};`,
    `  return x ^ (x >> ${u}(16u));`,
    '}',
    `fn tg_uniform_${width}(key: ${i}, counter: ${i}) -> ${f} {`,
    `  let bits = tg_stir_${width}(tg_stir_${width}(${hex(START)}, bitcast<${u}>(key)), bitcast<${u}>(counter)) >> ${u}(8u);`,
    `  return ${f}(${i}(bits + bits) - ${i}(16777215i)) * ${f}(0x1p-24f);`,
    '}',
  ].join('\n')
}
