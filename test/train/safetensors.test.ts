import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from '../../src/train/index.js'
import { readTensors } from '../support/oracle.js'
import { sharedPath } from '../support/oracle-ops.js'

const tensor = fc
  .tuple(fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }), fc.constantFrom('f32', 'i32', 'u32'))
  .chain(([shape, kind]): fc.Arbitrary<StoredTensor> => {
    const size = shape.reduce((a, b) => a * b, 1)
    const exactly = { minLength: size, maxLength: size }
    return (
      kind === 'f32'
        ? fc.float32Array({ ...exactly, noNaN: true })
        : kind === 'i32'
          ? fc.int32Array(exactly)
          : fc.uint32Array(exactly)
    ).map((data) => ({ shape, data: data as StoredTensor['data'] }))
  })
const tensors = fc.dictionary(
  fc.string({ minLength: 1 }).filter((name) => name !== '__metadata__' && name !== '__proto__'),
  tensor,
  { maxKeys: 4 },
)

const problemOf = (file: Uint8Array) => {
  const read = decodeSafetensors(file, 'model.safetensors')
  if (E.isRight(read)) throw new Error('a damaged file was accepted')
  return read.left
}

describe('safetensors', () => {
  test('what is written is read back', () => {
    fc.assert(
      fc.property(tensors, (stored) => {
        const read = decodeSafetensors(encodeSafetensors(stored, { format: 'pt' }), 'file')
        expect(E.isRight(read) && read.right.tensors).toEqual({ ...stored })
      }),
    )
  })

  test('every cut is noticed, naming the file and its bytes', () => {
    const file = encodeSafetensors({
      a: { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
      b: { shape: [2], data: Int32Array.of(7, 8) },
    })
    for (let bytes = 0; bytes < file.length; bytes++) {
      const problem = problemOf(file.subarray(0, bytes))
      expect(problem.where).toBe('model.safetensors')
      expect(problem.why).toContain(`${bytes} bytes`)
    }
  })

  test('a shape that does not fit its bytes, an unknown type and a header that is no JSON are refused', () => {
    const withHeader = (header: string) => {
      const json = new TextEncoder().encode(header)
      const file = new Uint8Array(8 + json.length + 8)
      new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true)
      file.set(json, 8)
      return file
    }
    expect(problemOf(withHeader('{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}')).what).toBe('a has 8 bytes')
    expect(problemOf(withHeader('{"a":{"dtype":"F8","shape":[8],"data_offsets":[0,8]}}')).what).toContain('F8')
    expect(problemOf(withHeader('{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}')).what).toContain(
      'entry for a',
    )
    expect(problemOf(withHeader('not JSON')).what).toContain('header')
  })

  test('half floats are read as their values', () => {
    const file = encodeSafetensors({ x: { shape: [1], data: Uint32Array.of(0x3c00 | (0xc000 << 16)) } })
    const text = new TextDecoder().decode(file).replace('"U32","shape":[1]', '"F16","shape":[2]')
    const half = new Uint8Array(new TextEncoder().encode(text.slice(0, -4)).length + 4)
    half.set(new TextEncoder().encode(text.slice(0, -4)))
    half.set(file.subarray(-4), half.length - 4)
    const read = decodeSafetensors(half, 'half')
    expect(E.isRight(read) && Array.from(read.right.tensors.x!.data)).toEqual([1, -2])
  })

  const official = sharedPath('oracle', 'hrm-train-stablemax', 'weights.safetensors')
  test.skipIf(!existsSync(official))('reads the files of another writer', () => {
    const read = decodeSafetensors(readFileSync(official), official)
    const expected = readTensors(official)
    expect(E.isRight(read) && read.right.tensors).toEqual(expected)
  })
})
