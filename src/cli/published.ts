/**
 * Published checkpoints of HRM and TRM: their names, and the sizes that can be read off the shapes of their tensors. What
 * cannot (heads, the length of a sequence with rotary positions, cycles and steps) must be told. Pure.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { HrmSizes, TrmSizes } from '../hrm/index.js'
import { type Problem, problem } from '../problem.js'
import { swigluWidth } from '../shape/index.js'
import type { StoredTensors } from '../train/index.js'

/** What wrappers put in front of a name: `torch.compile`, the loss head, the halting model. */
const wrappers = /^(?:_orig_mod\.|module\.|model\.|inner\.)+/
/** Buffers of the published code that are no parameters. */
const buffers = /(?:^|\.)(?:local_weights|local_ids|cos_cached|sin_cached)$/

/** The tensors under their official names: wrappers' prefixes and run-time buffers left out. */
export const officialNames = (tensors: StoredTensors): StoredTensors =>
  Object.fromEntries(
    Object.entries(tensors)
      .map(([name, tensor]) => [name.replace(wrappers, ''), tensor] as const)
      .filter(([name]) => !buffers.test(name)),
  )

/** What shapes do not tell. */
export interface ToldSizes {
  readonly sequence?: number
  readonly heads?: number
  readonly cycles?: number
  readonly steps?: number
  readonly maxSegments?: number
  readonly puzzleTokens?: number
  readonly positions?: 'rope' | 'learned' | 'none'
}

export type PublishedModel =
  | { readonly kind: 'hrm'; readonly sizes: HrmSizes }
  | { readonly kind: 'trm'; readonly sizes: TrmSizes }

/** How many layers stand under `level`. */
const layersOf = (tensors: StoredTensors, level: string): number =>
  new Set(
    Object.keys(tensors).flatMap((name) => (name.startsWith(`${level}.layers.`) ? [name.split('.')[2] as string] : [])),
  ).size

/** The model that such tensors belong to; `where` names the file. */
export const inferModel = (
  tensors: StoredTensors,
  told: ToldSizes,
  where: string,
): E.Either<Problem, PublishedModel> => {
  const shape = (name: string): readonly number[] | undefined => tensors[name]?.shape
  const lacking = (name: string) =>
    E.left(
      problem(`it has no ${name}: no HRM or TRM checkpoint`, {
        where,
        why: `its tensors are ${Object.keys(tensors).slice(0, 4).join(', ')}…`,
        fix: 'give a checkpoint with the names of the published code, or the model with --config FILE.ts',
      }),
    )
  const [vocabulary, hidden] = shape('lm_head.weight') ?? []
  if (vocabulary === undefined || hidden === undefined) return lacking('lm_head.weight')
  const [high, low] = [layersOf(tensors, 'H_level'), layersOf(tensors, 'L_level')]
  const gateUp = shape('L_level.layers.0.mlp.gate_up_proj.weight')
  if (gateUp === undefined) return lacking('L_level.layers.0.mlp.gate_up_proj.weight')
  const expansion = [1, 2, 3, 4, 5, 6, 7, 8].find((e) => 2 * swigluWidth(hidden, e) === gateUp[0])
  if (expansion === undefined)
    return E.left(
      problem(`gate_up_proj is ${gateUp[0]} wide, which no whole expansion of ${hidden} gives`, {
        where,
        fix: 'write the model down in a file and give it with --config FILE.ts',
      }),
    )

  const [puzzles = 1, puzzleEmbedding = 0] = shape('puzzle_emb.weights') ?? []
  const isTrm = high === 0
  const puzzleTokens = isTrm ? (told.puzzleTokens ?? 16) : Math.ceil(puzzleEmbedding / hidden)
  const mixing = shape('L_level.layers.0.mlp_t.gate_up_proj.weight')
  const learned = shape('embed_pos.embedding_weight')
  // The number of positions, where a tensor has it.
  const positions = learned?.[0] ?? mixing?.[1]
  const sequence = told.sequence ?? (positions === undefined ? undefined : positions - puzzleTokens)
  if (sequence === undefined)
    return E.left(
      problem('no tensor tells the length of a sequence', {
        where,
        fix: 'add --sequence N: 81 for Sudoku, 900 for Maze and ARC',
      }),
    )
  const common = {
    vocabulary,
    sequence,
    hidden,
    heads: told.heads ?? 8,
    expansion,
    positions: learned !== undefined ? 'learned' : (told.positions ?? (mixing === undefined ? 'rope' : 'none')),
    puzzleEmbedding,
    puzzles,
    ...(told.maxSegments !== undefined && { maxSegments: told.maxSegments }),
  } as const
  return E.right(
    isTrm
      ? {
          kind: 'trm',
          sizes: {
            ...common,
            layers: low,
            mixing: mixing === undefined ? 'attention' : 'mlp',
            puzzleTokens,
            cycles: told.cycles ?? 3,
            steps: told.steps ?? 6,
          },
        }
      : {
          kind: 'hrm',
          sizes: { ...common, layers: { high, low }, cycles: told.cycles ?? 2, steps: told.steps ?? 2 },
        },
  )
}

/** The first bytes of what `torch.save` writes: a zip archive, or an older pickle. */
export const isPyTorchFile = (start: Uint8Array, name: string): boolean =>
  (start[0] === 0x50 && start[1] === 0x4b) || start[0] === 0x80 || /\.(pt|pth|ckpt|bin)$/i.test(name)

/** Pickles can run code when they are read, so we do not. */
export const pyTorchFile = (where: string): Problem =>
  problem('this is a PyTorch file', {
    where,
    why: 'reading it means running what it contains; thetagrad reads safetensors, which are numbers alone',
    fix: `convert it where PyTorch is: python -c "import torch, safetensors.torch as s; s.save_file({k: v.float().contiguous() for k, v in torch.load('${where}', map_location='cpu', weights_only=True).items()}, 'model.safetensors')"`,
  })
