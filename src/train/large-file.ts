/** Files beyond the 2 GiB that Node reads or writes at once, as the checkpoints of large puzzle embeddings are. */
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'

const AT_ONCE = 1 << 30

const opened = <A>(path: string, flags: string, work: (file: number) => A): A => {
  const file = openSync(path, flags)
  try {
    return work(file)
  } finally {
    closeSync(file)
  }
}

/** All of a file. Throws where it cannot be read. */
export const readLarge = (path: string): Uint8Array =>
  opened(path, 'r', (file) => {
    const bytes = new Uint8Array(fstatSync(file).size)
    for (let at = 0; at < bytes.length; ) {
      const read = readSync(file, bytes, at, Math.min(AT_ONCE, bytes.length - at), at)
      if (read === 0) throw new Error(`${path} became shorter while it was read`)
      at += read
    }
    return bytes
  })

/** Writes it and flushes it to the disk. Throws where it cannot be written. */
export const writeLarge = (path: string, bytes: Uint8Array): void =>
  opened(path, 'w', (file) => {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, Math.min(AT_ONCE, bytes.length - at))
    fsyncSync(file)
  })
