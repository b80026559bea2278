/** The HRM or TRM that an oracle case describes. */
import { hrm, type Reasoner, trm } from '../../src/hrm/index.js'
import type { OracleCase } from './oracle.js'

export const modelOfCase = (c: OracleCase): Reasoner => (c.model === 'trm' ? trmOfCase(c) : hrmOfCase(c))

const trmOfCase = ({ config: c }: OracleCase): Reasoner =>
  trm({
    vocabulary: Number(c.vocab_size),
    sequence: Number(c.seq_len),
    hidden: Number(c.hidden_size),
    heads: Number(c.num_heads),
    expansion: Number(c.expansion),
    layers: Number(c.L_layers),
    mixing: c.mlp_t === true ? 'mlp' : 'attention',
    cycles: Number(c.H_cycles),
    steps: Number(c.L_cycles),
    positions: c.pos_encodings as 'rope' | 'learned' | 'none',
    puzzleEmbedding: Number(c.puzzle_emb_ndim),
    puzzleTokens: Number(c.puzzle_emb_len),
    puzzles: Number(c.num_puzzle_identifiers),
    maxSegments: Number(c.halt_max_steps),
    exploration: Number(c.halt_exploration_prob),
  })

export const hrmOfCase = ({ config: c }: OracleCase): Reasoner =>
  hrm({
    vocabulary: Number(c.vocab_size),
    sequence: Number(c.seq_len),
    hidden: Number(c.hidden_size),
    heads: Number(c.num_heads),
    expansion: Number(c.expansion),
    layers: { high: Number(c.H_layers), low: Number(c.L_layers) },
    cycles: Number(c.H_cycles),
    steps: Number(c.L_cycles),
    positions: c.pos_encodings as 'rope' | 'learned' | 'none',
    puzzleEmbedding: Number(c.puzzle_emb_ndim),
    puzzles: Number(c.num_puzzle_identifiers),
    maxSegments: Number(c.halt_max_steps),
    exploration: Number(c.halt_exploration_prob),
  })
