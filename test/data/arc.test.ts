/** ARC grids, augmentations and votes against the published code (`oracle-transforms`), and by properties. */
import { existsSync, readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ArcGrid,
  arcHash,
  arcTokens,
  augmentArc,
  augmentedName,
  cropArc,
  dihedral,
  inverseDihedral,
  parseAugmentedName,
  passAtK,
  rankArc,
  undoArc,
} from '../../src/data/index.js'
import { sharedFile } from '../support/shared-data.js'

const published = <A>(name: string): A =>
  JSON.parse(readFileSync(sharedFile(`oracle-transforms/${name}.json`), 'utf8')) as A
const isThere = existsSync(sharedFile('oracle-transforms'))
if (!isThere) console.warn('SKIPPED: no published transforms here; ARC is NOT compared with them')

const grids = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 })).chain(([rows, columns]) =>
  fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: columns, maxLength: columns }), {
    minLength: rows,
    maxLength: rows,
  }),
)
const augmentations = fc.record({
  symmetry: fc.nat(7),
  colours: fc
    .shuffledSubarray([1, 2, 3, 4, 5, 6, 7, 8, 9], { minLength: 9 })
    .map((colours): readonly number[] => [0, ...colours]),
})

describe.skipIf(!isThere)('as in the published code', () => {
  it('the symmetries of a square and their inverses', () => {
    const { grid, inverse, transformed } = published<{ grid: ArcGrid; inverse: number[]; transformed: ArcGrid[] }>(
      'dihedral',
    )
    expect(inverse.map((_, t) => dihedral(grid, t))).toEqual(transformed)
    expect(inverse.map((_, t) => inverseDihedral(t))).toEqual(inverse)
  })

  it('grids as sequences', () => {
    const { cases } = published<{
      cases: { input: ArcGrid; output: ArcGrid; pad_r: number; pad_c: number; seq_in: number[]; seq_out: number[] }[]
    }>('arc_seq')
    expect(cases.length).toBeGreaterThan(0)
    for (const c of cases) {
      expect([...arcTokens(c.input, 30, c.pad_r, c.pad_c)]).toEqual(c.seq_in)
      expect([...arcTokens(c.output, 30, c.pad_r, c.pad_c)]).toEqual(c.seq_out)
    }
  })

  it('cropping', () => {
    const cases = published<{ note: string; seq: number[]; grid: ArcGrid }[]>('arc_crop')
    expect(cases.length).toBeGreaterThan(0)
    for (const { seq, note, grid } of cases) expect(cropArc(seq, 30), note).toEqual(grid)
  })

  it('names of augmented tasks and the way back', () => {
    const cases =
      published<{ name_hrm: string; name_trm: string; grid: ArcGrid; augmented: ArcGrid }[]>('arc_inverse_aug')
    expect(cases.length).toBeGreaterThan(0)
    for (const { name_hrm, name_trm, grid, augmented } of cases) {
      const { task, augmentation } = parseAugmentedName(name_hrm)
      expect(parseAugmentedName(name_trm)).toEqual({ task, augmentation })
      expect([augmentedName(task, augmentation!), augmentedName(task, augmentation!, 'trm')]).toEqual([
        name_hrm,
        name_trm,
      ])
      expect(augmentArc(grid, augmentation!)).toEqual(augmented)
      expect(undoArc(augmented, augmentation!)).toEqual(grid)
    }
  })

  it('digests of tasks', () => {
    for (const { examples, sha256 } of published<{ examples: [ArcGrid, ArcGrid][]; sha256: string }[]>(
      'arc_puzzle_hash',
    ))
      expect(arcHash(examples.map(([input, output]) => ({ input, output })))).toBe(sha256)
  })

  it('votes, and what passes', () => {
    const vote = published<{
      puzzles: Record<string, [ArcGrid, ArcGrid][]>
      predictions: { puzzle: string; test: number; predicted_original_frame: ArcGrid; q_halt_logit: number }[]
      ranking: Record<string, Record<string, { grid: ArcGrid; count: number; mean_q: number }[]>>
      hrm_notebook_stdout: string
      trm_pass_at_k: Record<string, number>
    }>('arc_vote')
    const tasks = Object.entries(vote.puzzles).map(([name, tests]) =>
      tests.map(([, answer], test) => {
        const votes = vote.predictions.filter((p) => p.puzzle === name && p.test === test)
        const candidates = rankArc(votes.map((p) => ({ grid: p.predicted_original_frame, qHalt: p.q_halt_logit })))
        const expected = vote.ranking[name]![test]!
        expect(candidates.map(({ grid, votes: count }) => ({ grid, count }))).toEqual(
          expected.map(({ grid, count }) => ({ grid, count })),
        )
        candidates.forEach(({ confidence }, i) => {
          expect(confidence).toBeCloseTo(expected[i]!.mean_q, 6)
        })
        return { answer, candidates }
      }),
    )
    for (const [, shots, share] of vote.hrm_notebook_stdout.matchAll(/(\d+)-shot: ([\d.]+)%/g)) {
      const passed = tasks.filter((tests) => passAtK(tests, Number(shots)).whole).length
      expect((100 * passed) / tasks.length).toBeCloseTo(Number(share), 2)
    }
    for (const [name, share] of Object.entries(vote.trm_pass_at_k)) {
      const k = Number(name.split('@')[1])
      expect(tasks.reduce((sum, tests) => sum + passAtK(tests, k).share, 0) / tasks.length).toBeCloseTo(share, 6)
    }
  })
})

describe('a grid', () => {
  it('comes back from its tokens at the top left, whatever lies around it', () => {
    fc.assert(
      fc.property(grids, (grid) => {
        expect(cropArc(arcTokens(grid, 13, 0, 0), 13)).toEqual(grid)
      }),
    )
  })
  it('comes back from every augmentation, and from the name of it', () => {
    fc.assert(
      fc.property(grids, augmentations, (grid, augmentation) => {
        expect(undoArc(augmentArc(grid, augmentation), augmentation)).toEqual(grid)
        expect(parseAugmentedName(augmentedName('a_task', augmentation))).toEqual({ task: 'a_task', augmentation })
      }),
    )
  })
  it('has symmetries that are undone by their inverses', () => {
    fc.assert(
      fc.property(grids, fc.nat(7), (grid, t) => {
        expect(dihedral(dihedral(grid, t), inverseDihedral(t))).toEqual(grid)
      }),
    )
    expect(() => dihedral([[1]], 8)).toThrow('there is no symmetry 8')
  })
})
