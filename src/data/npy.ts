/** NumPy's `.npy` files, version 1.0, C order: what the published dataset folders are made of. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import * as E from 'fp-ts/lib/Either.js'
import { readRange } from '../large-file.js'
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

/** The header exactly as NumPy writes it, padded with spaces to a multiple of 64. */
export const npyHeader = (descriptor: Descriptor, shape: readonly number[]): Buffer => {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const dictionary = `{'descr': '${descriptor}', 'fortran_order': False, 'shape': ${tuple}, }`
  const length = Math.ceil((MAGIC.length + 2 + dictionary.length + 1) / 64) * 64 - MAGIC.length - 2
  const size = Buffer.alloc(2)
  size.writeUInt16LE(length)
  return Buffer.concat([MAGIC, size, Buffer.from(`${dictionary.padEnd(length - 1)}\n`, 'latin1')])
}

export const encodeNpy = ({ shape, data }: Npy): Buffer =>
  Buffer.concat([npyHeader(descriptorOf(data), shape), Buffer.from(data.buffer, data.byteOffset, data.byteLength)])

interface Header {
  readonly shape: readonly number[]
  readonly descriptor: Descriptor
  /** Where the data begins, and its bytes. */
  readonly start: number
  readonly length: number
}

/** What the first bytes of a file of `size` bytes announce. */
const headerOf = (bytes: Buffer, size: number, file: string): E.Either<Problem, Header> => {
  const refuse = (what: string, why: string) =>
    E.left(problem(what, { where: file, why, fix: 'build the dataset again (`thetagrad data sudoku|maze|arc`)' }))
  if (!bytes.subarray(0, 6).equals(MAGIC.subarray(0, 6)))
    return refuse('this is no .npy file', 'it does not start with \\x93NUMPY')
  if (bytes.length >= 8 && (bytes[6] !== 1 || bytes[7] !== 0))
    return refuse(`the .npy file is of version ${bytes[6]}.${bytes[7]}`, 'supported is 1.0, which np.save writes')
  const start = bytes.length < 10 ? Number.POSITIVE_INFINITY : 10 + bytes.readUInt16LE(8)
  if (bytes.length < start) return refuse('the .npy file is cut off', 'its header is incomplete')
  const header = bytes.subarray(10, start).toString('latin1')
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
  if (shape.some((d) => !Number.isSafeInteger(d) || d < 0))
    return refuse('the .npy header is not understood', header.trim())
  const length = shape.reduce((a, b) => a * b, 1) * types[descriptor as Descriptor].bytes
  if (size - start !== length)
    return refuse(
      size - start < length ? 'the .npy file is cut off' : 'the .npy file is too long',
      `its header announces ${length} bytes of data, it has ${size - start}`,
    )
  return E.right({ shape, descriptor: descriptor as Descriptor, start, length })
}

export const decodeNpy = (bytes: Buffer, file: string): E.Either<Problem, Npy> => {
  const header = headerOf(bytes, bytes.length, file)
  if (E.isLeft(header)) return header
  const { shape, descriptor, start, length } = header.right
  const from = bytes.byteOffset + start
  return E.right({ shape, data: types[descriptor].make(bytes.buffer.slice(from, from + length) as ArrayBuffer) })
}

/** Headers are 128 bytes as a rule, and 65 545 at most. */
const LONGEST_HEADER = 1 << 17

/** A file as an array, into the memory it stays in. Rejects where the file cannot be read. */
export const readNpy = async (file: string): Promise<E.Either<Problem, Npy>> => {
  const opened = openNpy(file)
  if (E.isLeft(opened)) return opened
  const { shape, data, close } = opened.right
  try {
    return E.right({ shape, data: data.subarray(0, data.length) })
  } finally {
    close()
  }
}

/** The values of a file, read when they are asked for. */
export interface StoredValues {
  readonly descriptor: Descriptor
  readonly length: number
  /** The values from `start` to before `end`. */
  readonly subarray: (start: number, end: number) => NpyData
}

/**
 * A file that stays open, its values on the disk: batches of a dataset of many gigabytes are gathered so. Reads are
 * synchronous, a few microseconds each, that a batch stays a pure function of its number. Throws where it cannot be read.
 */
export const openNpy = (
  file: string,
): E.Either<
  Problem,
  { readonly shape: readonly number[]; readonly data: StoredValues; readonly close: () => void }
> => {
  const handle = openSync(file, 'r')
  const close = () => closeSync(handle)
  try {
    const { size } = fstatSync(handle)
    const first = Buffer.alloc(Math.min(size, LONGEST_HEADER))
    readSync(handle, first, 0, first.length, 0)
    const header = headerOf(first, size, file)
    if (E.isLeft(header)) {
      close()
      return header
    }
    const { shape, descriptor, start, length } = header.right
    const each = types[descriptor].bytes
    const subarray = (from: number, to: number): NpyData => {
      const { buffer } = readRange(handle, file, start + from * each, (to - from) * each)
      return types[descriptor].make(buffer)
    }
    return E.right({ shape, data: { descriptor, length: length / each, subarray }, close })
  } catch (cause) {
    close()
    throw cause
  }
}
