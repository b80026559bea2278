/** `thetagrad import` and `export`: published checkpoints into run folders, and the weights of a run out of them. */
import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { sync as writeFileAtomic } from 'write-file-atomic'
import { hrm, type Reasoner, trm } from '../hrm/index.js'
import { readLarge, replaceLarge } from '../large-file.js'
import { checkpointMismatches, countParameters } from '../nn/index.js'
import { type Problem, problem } from '../problem.js'
import {
  decodeSafetensors,
  defaultSettings,
  encodeSafetensors,
  readModelAt,
  type StoredTensors,
  saveCheckpoint,
  storedShapes,
} from '../train/index.js'
import { dashed, given } from './options.js'
import {
  inferModel,
  isPyTorchFile,
  officialNames,
  type PublishedModel,
  pyTorchFile,
  type ToldSizes,
} from './published.js'
import { failed, listed, type Outcome } from './result.js'
import { createRun, loadModel, type ModelSource } from './run-folder.js'

export interface ImportOptions {
  readonly file: string
  readonly out: string
  /** The model, when the shapes should not be asked. */
  readonly config?: string
  readonly told: ToldSizes
}

export const importCommand = async ({ file, out, config, told }: ImportOptions): Promise<Outcome> => {
  const read = readPublished(file)
  if (E.isLeft(read)) return listed(read)
  const tensors = read.right
  const found = await modelOf(tensors, config, told, file)
  if (E.isLeft(found)) return found
  const { model, source, text } = found.right
  const wrong = checkpointMismatches(model.parameters, storedShapes(tensors))
  if (wrong.length > 0)
    return failed(
      ...wrong.map((what) => problem(what, { where: file })),
      problem('the checkpoint is not of this model', {
        where: config ?? file,
        fix: 'give the sizes the shapes do not tell (--heads, --sequence, …), or the model with --config FILE.ts',
      }),
    )
  const made = createRun(out, { model: source(out), training: defaultSettings, augment: 0 })
  if (E.isLeft(made)) return listed(made)
  if (text !== undefined) writeFileAtomic(join(out, 'model.ts'), text)
  const floats = Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]),
  )
  const saved = saveCheckpoint(out, { step: 0, model: floats, optimizer: {}, state: { imported: basename(file) } }, 1)
  if (E.isLeft(saved)) return listed(saved)
  const { dense, rows } = countParameters(model.parameters)
  const parameters = dense + rows
  return E.right({
    text: `${model.name}: ${parameters.toLocaleString('en')} parameters in ${Object.keys(tensors).length} tensors\n  ${out}`,
    json: { run: out, model: model.name, sizes: model.sizes, parameters, tensors: Object.keys(tensors).length },
  })
}

const readPublished = (file: string): E.Either<Problem, StoredTensors> => {
  if (!existsSync(file)) return E.left(problem(`there is no file ${file}`, { fix: 'give a .safetensors file' }))
  const bytes = E.tryCatch(
    () => readLarge(file),
    (cause) => problem('the file cannot be read', { where: file, why: String(cause) }),
  )
  if (E.isLeft(bytes)) return bytes
  if (isPyTorchFile(bytes.right, file)) return E.left(pyTorchFile(file))
  const decoded = decodeSafetensors(bytes.right, file)
  return E.isLeft(decoded) ? decoded : E.right(officialNames(decoded.right.tensors))
}

interface Found {
  readonly model: Reasoner
  /** How the run folder refers to it. */
  readonly source: (run: string) => ModelSource
  /** What to write beside it as `model.ts`. */
  readonly text?: string
}

const modelOf = async (
  tensors: StoredTensors,
  config: string | undefined,
  told: ToldSizes,
  where: string,
): Promise<E.Either<readonly Problem[], Found>> => {
  if (config !== undefined) {
    const stray = given({ ...told })
    if (stray !== undefined)
      return failed(
        problem(`the model in ${config} has its ${stray}`, { where: config, fix: `leave out ${dashed(stray)}` }),
      )
    const source = { kind: 'file', file: resolve(config) } as const
    const loaded = await loadModel(source, { typeCheck: true })
    return E.isLeft(loaded) ? loaded : E.right({ model: loaded.right.model, source: () => source })
  }
  const inferred = inferModel(tensors, told, where)
  if (E.isLeft(inferred)) return listed(inferred)
  return E.tryCatch(
    () => foundOf(inferred.right),
    // Sizes that do not go together, such as heads that do not divide.
    (error) => [problem((error as Error).message, { where, fix: 'mend the sizes given on the command line' })],
  )
}

const foundOf = (published: PublishedModel): Found => {
  if (published.kind === 'hrm')
    return {
      model: hrm(published.sizes),
      source: () => ({ kind: 'variant', name: 'hrm', preset: 'imported', sizes: { ...published.sizes } }),
    }
  const sizes = JSON.stringify(published.sizes, null, 2)
  return {
    model: trm(published.sizes),
    source: (run) => ({ kind: 'file', file: resolve(run, 'model.ts') }),
    text: `import { trm } from 'thetagrad'\n\nexport default trm(${sizes})\n`,
  }
}

export interface ExportOptions {
  /** A run, or the folder of one of its checkpoints. */
  readonly run: string
  readonly out: string
  /** In front of every name, e.g. `_orig_mod.model.inner.`. */
  readonly prefix: string
  readonly force: boolean
}

export const exportCommand = async ({ run, out, prefix, force }: ExportOptions): Promise<Outcome> => {
  if (existsSync(out) && !force)
    return failed(problem('the file is there already', { where: out, fix: 'choose another --out, or add --force' }))
  const stored = readModelAt(run)
  if (E.isLeft(stored)) return listed(stored)
  const named = Object.fromEntries(Object.entries(stored.right).map(([name, tensor]) => [`${prefix}${name}`, tensor]))
  const bytes = encodeSafetensors(named, { format: 'pt' })
  const written = E.tryCatch(
    () => replaceLarge(out, bytes),
    (cause) => problem('the file cannot be written', { where: out, why: String(cause) }),
  )
  if (E.isLeft(written)) return listed(written)
  const tensors = Object.keys(named).length
  return E.right({
    text: `${tensors} tensors, ${(bytes.length / 1e6).toFixed(1)} MB\n  ${out}`,
    json: { out, tensors, bytes: bytes.length },
  })
}
