/** Files beyond the 2 GiB that Node reads or writes at once, as the checkpoints of large puzzle embeddings are. */
import { closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'

const AT_ONCE = 1 << 30

const opened = <A>(path: string, flags: string, work: (file: number) => A): A => {
  const file = openSync(path, flags)
  try {
    return work(file)
  } finally {
    closeSync(file)
  }
}

/** So many bytes of an open file, from a place on. Throws where it is shorter; `path` names it then. */
export const readRange = (file: number, path: string, from: number, length: number): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; ) {
    const read = readSync(file, bytes, at, Math.min(AT_ONCE, length - at), from + at)
    if (read === 0) throw new Error(`${path} became shorter while it was read`)
    at += read
  }
  return bytes
}

/** All of a file. Throws where it cannot be read. */
export const readLarge = (path: string): Uint8Array =>
  opened(path, 'r', (file) => readRange(file, path, 0, fstatSync(file).size))

/** Writes it and flushes it to the disk. Throws where it cannot be written. */
export const writeLarge = (path: string, bytes: Uint8Array): void =>
  opened(path, 'w', (file) => {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, Math.min(AT_ONCE, bytes.length - at))
    fsyncSync(file)
  })

/** The same, whole or not at all, in the place of what is there. */
export const replaceLarge = (path: string, bytes: Uint8Array): void => {
  const building = `${path}.${process.pid}`
  try {
    writeLarge(building, bytes)
    renameSync(building, path)
  } catch (cause) {
    rmSync(building, { force: true })
    throw cause
  }
}
