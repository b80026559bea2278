/** NumPy's `.npy` files, version 1.0, C order: what the published dataset folders are made of. */
import * as E from 'fp-ts/lib/Either.js'
import { type Problem, problem } from '../problem.js'

type NpyData = Uint8Array | Int32Array | BigInt64Array | Float32Array
export interface Npy {
  readonly shape: readonly number[]
  readonly data: NpyData
}

const MAGIC = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0])
const types = {
  '|u1': { make: (b: ArrayBuffer) => new Uint8Array(b), bytes: 1 },
  '<i4': { make: (b: ArrayBuffer) => new Int32Array(b), bytes: 4 },
  '<i8': { make: (b: ArrayBuffer) => new BigInt64Array(b), bytes: 8 },
  '<f4': { make: (b: ArrayBuffer) => new Float32Array(b), bytes: 4 },
} as const
type Descriptor = keyof typeof types

const descriptorOf = (data: NpyData): Descriptor =>
  data instanceof Uint8Array ? '|u1' : data instanceof Int32Array ? '<i4' : data instanceof Float32Array ? '<f4' : '<i8'

/** Bytes exactly as NumPy writes them: the header is padded with spaces to a multiple of 64. */
export const encodeNpy = ({ shape, data }: Npy): Buffer => {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const dictionary = `{'descr': '${descriptorOf(data)}', 'fortran_order': False, 'shape': ${tuple}, }`
  const length = Math.ceil((MAGIC.length + 2 + dictionary.length + 1) / 64) * 64 - MAGIC.length - 2
  const header = Buffer.from(`${dictionary.padEnd(length - 1)}\n`, 'latin1')
  const size = Buffer.alloc(2)
  size.writeUInt16LE(length)
  return Buffer.concat([MAGIC, size, header, Buffer.from(data.buffer, data.byteOffset, data.byteLength)])
}

export const decodeNpy = (bytes: Buffer, file: string): E.Either<Problem, Npy> => {
  const refuse = (what: string, why: string) =>
    E.left(problem(what, { where: file, why, fix: 'build the dataset again (`thetagrad data sudoku`)' }))
  if (!bytes.subarray(0, 6).equals(MAGIC.subarray(0, 6)))
    return refuse('this is no .npy file', 'it does not start with \\x93NUMPY')
  if (bytes.length >= 8 && (bytes[6] !== 1 || bytes[7] !== 0))
    return refuse(`the .npy file is of version ${bytes[6]}.${bytes[7]}`, 'supported is 1.0, which np.save writes')
  const headerEnd = bytes.length < 10 ? Number.POSITIVE_INFINITY : 10 + bytes.readUInt16LE(8)
  if (bytes.length < headerEnd) return refuse('the .npy file is cut off', 'its header is incomplete')
  const header = bytes.subarray(10, headerEnd).toString('latin1')
  const descriptor = /'descr': '([^']*)'/.exec(header)?.[1]
  const dims = /'shape': \(([^)]*)\)/.exec(header)?.[1]
  if (descriptor === undefined || dims === undefined) return refuse('the .npy header is not understood', header.trim())
  if (!(descriptor in types))
    return refuse(`the .npy file holds values of type ${descriptor}`, `supported are ${Object.keys(types).join(', ')}`)
  if (header.includes("'fortran_order': True"))
    return refuse('the .npy file is in Fortran order', 'supported is C order')
  const shape = dims
    .split(',')
    .filter((d) => d.trim() !== '')
    .map(Number)
  const { make, bytes: width } = types[descriptor as Descriptor]
  const expected = shape.reduce((a, b) => a * b, 1) * width
  const body = bytes.subarray(headerEnd)
  if (body.length !== expected)
    return refuse(
      body.length < expected ? 'the .npy file is cut off' : 'the .npy file is too long',
      `its header announces ${expected} bytes of data, it has ${body.length}`,
    )
  return E.right({
    shape,
    data: make(body.buffer.slice(body.byteOffset, body.byteOffset + body.length) as ArrayBuffer),
  })
}
