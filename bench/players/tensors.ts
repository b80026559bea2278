/** What players are given and what they computed: safetensors files in the folder of a case. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { showProblem } from '../../src/problem.js'
import { decodeSafetensors, encodeSafetensors, type StoredTensors } from '../../src/train/index.js'

export const readTensors = (folder: string, name: string): StoredTensors => {
  const file = join(folder, `${name}.safetensors`)
  const decoded = decodeSafetensors(readFileSync(file), file)
  if (E.isLeft(decoded)) throw new Error(showProblem(decoded.left))
  return decoded.right.tensors
}

export const writeTensors = (folder: string, name: string, tensors: StoredTensors): void =>
  writeFileSync(join(folder, `${name}.safetensors`), encodeSafetensors(tensors))
