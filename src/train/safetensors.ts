/**
 * The safetensors format: 8 bytes little-endian header length, a JSON header `{name: {dtype, shape, data_offsets}}`, then
 * the data. Read and written: F32, I32, U32; half floats (F16, BF16) are read as f32, I64 as i32, BOOL and U8 as u32.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { HostArray } from '../ir/index.js'
import { type Problem, problem } from '../problem.js'

export interface StoredTensor {
  readonly shape: readonly number[]
  readonly data: HostArray
}
export type StoredTensors = Readonly<Record<string, StoredTensor>>

export const storedShapes = (tensors: StoredTensors): Readonly<Record<string, readonly number[]>> =>
  Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, shape]))

export interface Safetensors {
  readonly tensors: StoredTensors
  /** `__metadata__` */
  readonly metadata: Readonly<Record<string, string>>
}

const dtypeOf = (data: HostArray): string =>
  data instanceof Float32Array ? 'F32' : data instanceof Int32Array ? 'I32' : 'U32'

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** Bytes of a file. Names in the order given; the header is padded so that the data is aligned to 8 bytes. */
export const encodeSafetensors = (
  tensors: StoredTensors,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array => {
  const header: Record<string, unknown> = Object.keys(metadata).length === 0 ? {} : { __metadata__: metadata }
  let offset = 0
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    if (product(shape) !== data.length) throw new Error(`${name}: ${data.length} values do not fill [${shape}]`)
    header[name] = { dtype: dtypeOf(data), shape, data_offsets: [offset, offset + data.byteLength] }
    offset += data.byteLength
  }
  const json = new TextEncoder().encode(JSON.stringify(header))
  const headerBytes = Math.ceil(json.length / 8) * 8
  const file = new Uint8Array(8 + headerBytes + offset)
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true)
  file.fill(0x20, 8, 8 + headerBytes)
  file.set(json, 8)
  let at = 8 + headerBytes
  for (const { data } of Object.values(tensors)) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at)
    at += data.byteLength
  }
  return file
}

interface HeaderEntry {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}

const corrupt = (where: string, what: string, why: string): Problem =>
  problem(what, {
    where,
    why,
    fix: 'the file is damaged or was cut off: copy it again, or use an older checkpoint of the run',
  })

/** Reads a file's bytes; `where` names the file in problems. */
export const decodeSafetensors = (file: Uint8Array, where: string): E.Either<Problem, Safetensors> => {
  const bad = (what: string, why: string) => E.left(corrupt(where, what, why))
  if (file.length < 8) return bad('not a safetensors file', `${file.length} bytes, expected at least 8`)
  const headerBytes = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))
  if (8 + headerBytes > file.length)
    return bad('truncated safetensors file', `${file.length} bytes, its header alone needs ${8 + headerBytes}`)
  const parsed = E.tryCatch(
    () => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(file.subarray(8, 8 + headerBytes))) as unknown,
    (cause) => corrupt(where, 'unreadable safetensors header', String(cause)),
  )
  if (E.isLeft(parsed)) return parsed
  if (typeof parsed.right !== 'object' || parsed.right === null)
    return bad('unreadable safetensors header', 'it is not a JSON object')
  const { __metadata__ = {}, ...entries } = parsed.right as Record<string, unknown>
  const data = file.subarray(8 + headerBytes)
  const tensors: Record<string, StoredTensor> = {}
  for (const [name, value] of Object.entries(entries)) {
    if (!isEntry(value)) return bad(`unreadable entry for ${name}`, JSON.stringify(value))
    const [from, to] = value.data_offsets
    if (to > data.length)
      return bad(
        'truncated safetensors file',
        `${file.length} bytes, expected at least ${8 + headerBytes + to} (tensor ${name})`,
      )
    const reader = readers[value.dtype]
    if (reader === undefined)
      return E.left(
        problem(`${name} has element type ${value.dtype}`, {
          where,
          why: `only ${Object.keys(readers).join(', ')} can be read`,
          fix: 'convert the file to float32',
        }),
      )
    if (to - from !== product(value.shape) * reader.bytes)
      return bad(
        `${name} has ${to - from} bytes`,
        `its shape [${value.shape.join(', ')}] needs ${product(value.shape) * reader.bytes}`,
      )
    // A copy, because the data need not be aligned (and a Node Buffer's `slice` would not copy).
    tensors[name] = { shape: value.shape, data: reader.read(new Uint8Array(data.subarray(from, to)).buffer) }
  }
  return E.right({ tensors, metadata: __metadata__ as Record<string, string> })
}

const isEntry = (value: unknown): value is HeaderEntry => {
  const entry = value as Partial<HeaderEntry> | null
  const wholes = (xs: unknown): boolean => Array.isArray(xs) && xs.every((x) => Number.isInteger(x) && x >= 0)
  return (
    typeof entry === 'object' &&
    entry !== null &&
    typeof entry.dtype === 'string' &&
    wholes(entry.shape) &&
    wholes(entry.data_offsets) &&
    entry.data_offsets?.length === 2 &&
    entry.data_offsets[0] <= entry.data_offsets[1]
  )
}

/** Bits of an IEEE half float → its value. */
const halfToFloat = (h: number): number => {
  const [sign, exponent, fraction] = [h >> 15 === 0 ? 1 : -1, (h >> 10) & 31, h & 1023]
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

interface Reader {
  readonly bytes: number
  readonly read: (bytes: ArrayBuffer) => HostArray
}
const readers: Readonly<Record<string, Reader>> = {
  F32: { bytes: 4, read: (b) => new Float32Array(b) },
  I32: { bytes: 4, read: (b) => new Int32Array(b) },
  U32: { bytes: 4, read: (b) => new Uint32Array(b) },
  F16: { bytes: 2, read: (b) => Float32Array.from(new Uint16Array(b), halfToFloat) },
  // A bfloat16 is the upper half of a float32.
  BF16: { bytes: 2, read: (b) => new Float32Array(Uint32Array.from(new Uint16Array(b), (x) => x << 16).buffer) },
  I64: { bytes: 8, read: (b) => Int32Array.from(new BigInt64Array(b), Number) },
  BOOL: { bytes: 1, read: (b) => Uint32Array.from(new Uint8Array(b)) },
  U8: { bytes: 1, read: (b) => Uint32Array.from(new Uint8Array(b)) },
}
