/** `.npy` files against bytes that NumPy 2.4.6 wrote, and what is said of broken ones. */
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { decodeNpy, encodeNpy, type Npy } from '../../src/data/npy.js'
import { showProblem } from '../../src/problem.js'

/** What `np.save` wrote: magic, version, 0x76 header bytes, the dictionary padded with spaces, a line end, the data. */
const numpyBytes = (dictionary: string, data: string): Buffer =>
  Buffer.concat([
    Buffer.from('934e554d505901007600', 'hex'),
    Buffer.from(`${dictionary}${' '.repeat(117 - dictionary.length)}\n`),
    Buffer.from(data, 'hex'),
  ])

const samples: readonly { readonly name: string; readonly npy: Npy; readonly bytes: Buffer }[] = [
  {
    name: 'np.arange(3, dtype=np.int32)',
    npy: { shape: [3], data: Int32Array.of(0, 1, 2) },
    bytes: numpyBytes("{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }", '000000000100000002000000'),
  },
  {
    name: 'np.array([[1, 2], [3, 255]], np.uint8)',
    npy: { shape: [2, 2], data: Uint8Array.of(1, 2, 3, 255) },
    bytes: numpyBytes("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }", '010203ff'),
  },
  {
    name: 'np.array([-5, 2**40])',
    npy: { shape: [2], data: BigInt64Array.of(-5n, 2n ** 40n) },
    bytes: numpyBytes("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", 'fbffffffffffffff0000000000010000'),
  },
  {
    name: 'np.array([[1.5], [-2]], np.float32)',
    npy: { shape: [2, 1], data: Float32Array.of(1.5, -2) },
    bytes: numpyBytes("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", '0000c03f000000c0'),
  },
  {
    name: 'np.int32(7)',
    npy: { shape: [], data: Int32Array.of(7) },
    bytes: numpyBytes("{'descr': '<i4', 'fortran_order': False, 'shape': (), }", '07000000'),
  },
  {
    name: 'np.zeros((0, 81), np.uint8)',
    npy: { shape: [0, 81], data: new Uint8Array() },
    bytes: numpyBytes("{'descr': '|u1', 'fortran_order': False, 'shape': (0, 81), }", ''),
  },
]

describe('.npy files', () => {
  for (const { name, npy, bytes } of samples)
    it(`are written byte for byte like ${name}, and read back`, () => {
      expect(encodeNpy(npy).toString('hex')).toBe(bytes.toString('hex'))
      expect(decodeNpy(bytes, 'a.npy')).toEqual(E.right(npy))
    })

  it('come back as they went, whatever the numbers and the shape', () => {
    const data = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.int32Array({ maxLength: 40 }),
      fc.bigInt64Array({ maxLength: 40 }),
      fc.float32Array({ maxLength: 40, noNaN: true }),
    )
    fc.assert(
      fc.property(data, fc.boolean(), (values, asColumn) => {
        const npy: Npy = { shape: asColumn ? [values.length, 1] : [values.length], data: values as Npy['data'] }
        const bytes = encodeNpy(npy)
        expect((bytes.length - values.byteLength) % 64).toBe(0)
        expect(decodeNpy(bytes, 'a.npy')).toEqual(E.right(npy))
      }),
    )
  })

  const whole = samples[0]!.bytes
  const refusal = (bytes: Buffer) => {
    const decoded = decodeNpy(bytes, 'data/all__inputs.npy')
    return E.isLeft(decoded) ? showProblem(decoded.left) : decoded.right
  }
  const changed = (from: string, to: string) => Buffer.from(whole.toString('latin1').replace(from, to), 'latin1')
  it.each([
    ['cut in the data', whole.subarray(0, -1), /all__inputs\.npy: .*cut off\n.*announces 12 bytes of data, it has 11/],
    ['too long', Buffer.concat([whole, Buffer.of(0)]), /too long\n.*announces 12 bytes of data, it has 13/],
    ['cut in the header', whole.subarray(0, 60), /cut off\n.*header is incomplete/],
    ['cut in the magic', whole.subarray(0, 4), /no \.npy file/],
    ['another kind of file', Buffer.from('source,question'), /no \.npy file/],
    ['of complex numbers', changed('<i4', '<c8'), /type <c8\n.*supported are \|u1, <i4/],
    ['in Fortran order', changed('False', 'True '), /Fortran order/],
    ['of another version', changed('NUMPY\x01', 'NUMPY\x02'), /version 2\.0/],
    ['with a header that is none', changed('shape', 'shave'), /header is not understood/],
  ])('that are %s are refused, naming the file', (_, bytes, message) => {
    expect(refusal(bytes)).toMatch(message)
    expect(refusal(bytes)).toContain('all__inputs.npy')
  })
})
