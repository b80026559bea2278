/** Test-time policies: votes and other choices by hand, answers brought back, and rollouts against the plain pass. */
import * as E from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { randomGrid } from '../../src/data/generate.js'
import { geometryOfSide, gridOfTokens, tokensOf } from '../../src/data/grid.js'
import { randomOf, solve, sudokuCopies } from '../../src/data/index.js'
import { deepSupervision, eqr, hrm, seRrm, transformer } from '../../src/hrm/index.js'
import type { Backend } from '../../src/ir/index.js'
import { init } from '../../src/nn/index.js'
import { referenceBackend } from '../../src/reference/index.js'
import {
  type Asked,
  askAll,
  candidateCount,
  candidatesOf,
  checkPolicy,
  evaluator,
  type Found,
  type HostBatch,
  noisedByDefault,
  onePass,
  type Policy,
  type Rollouts,
  rankedAnswers,
  scalingCount,
  selections,
  selector,
  type Thinker,
  thinker,
  toResidents,
} from '../../src/train/index.js'
import { backendsForTests } from '../support/backends.js'

const model = hrm({
  vocabulary: 6,
  sequence: 16,
  hidden: 8,
  heads: 2,
  expansion: 1,
  layers: { high: 1, low: 1 },
  cycles: 1,
  steps: 1,
})
const weigh = (backend: Backend, seed: number) => {
  for (const [name, data] of Object.entries(toResidents(model.parameters, init(model.parameters, seed))))
    backend.write(name, data)
}
const four = geometryOfSide(4)!
/** Puzzles with one solution each, as batches of one. */
const puzzles = (count: number): readonly HostBatch[] =>
  Array.from({ length: count }, (_, seed) => {
    const random = randomOf(seed)
    const answer = randomGrid(four, random)
    const order = random.permutation(16)
    const question = order.reduce(
      (grid, cell) => {
        const fewer = grid.with(cell, 0)
        return solve(four, fewer, 2).solutions === 1 ? fewer : grid
      },
      answer as readonly number[],
    )
    return {
      inputs: Int32Array.from(tokensOf(question)),
      labels: Int32Array.from(tokensOf(answer)),
      puzzleIdentifiers: new Int32Array(1),
    }
  })

const found = (answer: readonly number[], more: Partial<Found> = {}): Found => ({
  answer: Int32Array.from(answer),
  exact: false,
  qHalt: 0,
  residual: 1,
  halted: undefined,
  ...more,
})
const choose = (select: Policy['select'], all: readonly Found[]): number => {
  const choosing = selector(select)
  for (const one of all) choosing.add(one)
  return choosing.chosen()
}

describe('choosing', () => {
  test('a vote: the most frequent answer, of equals the more confident one in sum, then the earliest', () => {
    expect(choose('vote', [found([1]), found([2]), found([2])])).toBe(1)
    expect(choose('vote', [found([1]), found([2], { qHalt: 2 }), found([1]), found([2])])).toBe(1)
    expect(choose('vote', [found([1]), found([2]), found([2]), found([1])])).toBe(0)
    // Two unsure votes beat one sure one.
    expect(choose('vote', [found([1], { qHalt: 9 }), found([2], { qHalt: -9 }), found([2], { qHalt: -9 })])).toBe(1)
    expect(rankedAnswers([found([1]), found([2]), found([2])]).map(({ votes }) => votes)).toEqual([2, 1])
  })
  test('by q_halt the surest, by residual the calmest, of equals the earliest', () => {
    const all = [found([1]), found([2], { qHalt: 3, residual: 0.5 }), found([3], { qHalt: 3, residual: 0.5 })]
    expect(choose('q_halt', all)).toBe(1)
    expect(choose('residual', all)).toBe(1)
    expect(choose('residual', [found([1], { residual: 0.1 }), ...all])).toBe(0)
  })
  test('by first halt the fewest segments, then the surest; where none halts the surest', () => {
    expect(choose('first-halt', [found([1], { qHalt: 9 }), found([2], { halted: 3 }), found([3], { halted: 2 })])).toBe(
      2,
    )
    expect(choose('first-halt', [found([1], { halted: 2 }), found([2], { halted: 2, qHalt: 1 })])).toBe(1)
    expect(choose('first-halt', [found([1]), found([2], { qHalt: 1 })])).toBe(1)
  })
})

describe('scaling', () => {
  const policy: Policy = { ...onePass(4), copies: 3 }
  const asked = (all: readonly Found[]): Asked => ({
    plain: { example: 0, question: new Int32Array(1), puzzleIdentifier: 0, labelled: 1, segments: [] },
    found: all,
  })
  test('counts the policy and the oracle with 1, 2, 4, … and all candidates', () => {
    const { add, figures } = scalingCount(policy)
    const wrong = found([9])
    // Right only as a majority; right at once; right once, which a vote cannot see.
    add(asked([wrong, found([1], { exact: true }), found([1], { exact: true })]))
    add(asked([found([1], { exact: true }), wrong, found([1], { exact: true })]))
    add(asked([wrong, wrong, found([1], { exact: true })]))
    const { byCandidates, alone, agreement, examples, bySelection } = figures()
    expect(examples).toBe(3)
    expect(byCandidates.map(({ candidates }) => candidates)).toEqual([1, 2, 3])
    expect(byCandidates.map(({ exact }) => exact * 3)).toEqual([1, 1, 2])
    expect(byCandidates.map(({ oracle }) => oracle * 3)).toEqual([1, 2, 3])
    expect(byCandidates.map(({ segments }) => segments)).toEqual([4, 8, 12])
    expect(alone).toBeCloseTo(5 / 9, 12)
    expect(agreement).toBeCloseTo(2 / 3, 12)
    // All are equally sure and equally calm: the earliest.
    expect(bySelection).toEqual({ vote: 2 / 3, q_halt: 1 / 3, residual: 1 / 3 })
  })
  test('with first-halt counts the segments until the first candidate stops, side by side', () => {
    const { add, figures } = scalingCount({ ...policy, select: 'first-halt' })
    add(asked([found([1]), found([1], { halted: 2 }), found([1], { halted: 3 })]))
    expect(figures().byCandidates.map(({ needed }) => needed)).toEqual([4, 4, 6])
    expect(Object.keys(figures().bySelection)).toEqual(['first-halt'])
  })
  test('asks a judge about the chosen answer, and forgets it where it does not know a puzzle', () => {
    const count = (knows: boolean) => {
      const { add, figures } = scalingCount(policy, (_, answer) => (knows ? answer[0] === 9 : undefined))
      add(asked([found([9]), found([1]), found([1])]))
      return figures().byCandidates.map(({ optimal }) => optimal)
    }
    expect(count(true)).toEqual([1, 1, 0])
    expect(count(false)).toEqual([undefined, undefined, undefined])
  })
})

describe('asking all candidates', () => {
  /** Something about a puzzle that changes from copy to copy. */
  const mark = (tokens: readonly number[]) => tokens.reduce((sum, token, i) => sum + token * (i + 1), 0) % 7
  /** Solves a puzzle if its mark is even, else answers blanks; the mark is its q_halt. */
  const oddOneOut = (batch: number): Thinker => ({
    batch,
    think: async (rows) =>
      rows.map(({ inputs, labels }) => {
        const own = mark([...inputs])
        const isEven = own % 2 === 0
        const answer = isEven
          ? Int32Array.from(tokensOf(solve(four, gridOfTokens(inputs), 1).first!))
          : new Int32Array(16).fill(1)
        const right = answer.filter((token, i) => token === labels[i]).length
        return { labelled: 16, segments: [{ answer, right, qHalt: own, stops: isEven, residual: 1 }] }
      }),
  })

  test('brings answers back: a model that is right on some copies only is right by a vote where those are more, or surer', async () => {
    const examples = puzzles(12)
    const policy: Policy = { ...onePass(1), copies: 6, seed: 4 }
    const { of } = sudokuCopies(four)
    const scaling = scalingCount(policy)
    const all: Asked[] = []
    const done = await askAll({
      thinker: oddOneOut(5),
      policy,
      checkpoints: [() => E.right(undefined)],
      examples,
      disguise: of,
      seen: (one) => {
        all.push(one)
        scaling.add(one)
      },
    })
    expect(E.isRight(done)).toBe(true)
    // By hand: the mark of each copy.
    let expected = 0
    for (const [e, { inputs, labels }] of examples.entries()) {
      const marks = Array.from({ length: 6 }, (_, copy) => {
        const { cells, tokens } = of(4, e, copy)
        return mark(cells.map((cell) => tokens[inputs[cell]!]!))
      })
      expect(all[e]!.found.map(({ qHalt }) => qHalt)).toEqual(marks)
      for (const [k, { answer, exact }] of all[e]!.found.entries()) {
        expect(exact).toBe(marks[k]! % 2 === 0)
        if (exact) expect(answer).toEqual(labels)
      }
      // Wrong answers are all the same blanks: the right one needs more than half of the six, or three that are surer.
      const [even, odd] = [marks.filter((t) => t % 2 === 0), marks.filter((t) => t % 2 === 1)]
      const sum = (some: readonly number[]) => some.reduce((n, t) => n + 1 / (1 + Math.exp(-t)), 0)
      if (even.length > odd.length || (even.length === odd.length && sum(even) > sum(odd))) expected++
    }
    const { byCandidates } = scaling.figures()
    expect(byCandidates.at(-1)!.exact).toBeCloseTo(expected / 12, 12)
    expect(expected).toBeGreaterThan(0)
    expect(expected).toBeLessThan(12)
  })

  test('takes every checkpoint to the device, and says when one cannot be read', async () => {
    const loaded: number[] = []
    const policy: Policy = { ...onePass(1), checkpoints: 2 }
    const load = (n: number) => () => {
      loaded.push(n)
      return E.right(undefined)
    }
    const task = { thinker: oddOneOut(4), policy, examples: puzzles(3), seen: () => {} }
    await askAll({ ...task, checkpoints: [load(0), load(1)] })
    expect(loaded).toEqual([0, 1])
    const broken = await askAll({ ...task, checkpoints: [load(0), () => E.left({ what: 'gone' })] })
    expect(broken).toEqual(E.left({ what: 'gone' }))
  })
})

/** Everything found, of a policy with the model above, by a thinker that is there already or a new one. */
const ask = async (
  backend: Backend,
  policy: Policy,
  thinking: number | Thinker,
  examples: readonly HostBatch[],
  seeds: readonly number[] = [3],
): Promise<readonly Asked[]> => {
  const asked: Asked[] = []
  const done = await askAll({
    thinker: typeof thinking === 'number' ? await thinker(backend, model, thinking, policy.rollouts) : thinking,
    policy,
    checkpoints: seeds.map((seed) => () => E.right(weigh(backend, seed))),
    examples,
    disguise: sudokuCopies(four).of,
    seen: (one) => asked.push(one),
  })
  if (E.isLeft(done)) throw new Error(done.left.what)
  return asked
}

describe.each(backendsForTests())('rollouts on $name', ({ open }) => {
  const noise = (deviation: number): Rollouts => ({ count: 3, start: 'own', noise: { deviation, states: ['z_H'] } })

  test('without noise are the single pass exactly, answer by answer and segment by segment', async () => {
    const backend = await open()
    if (backend === undefined) return
    const examples = puzzles(3)
    weigh(backend, 3)
    const asked = await ask(backend, { ...onePass(3), rollouts: noise(0) }, 4, examples)
    const plain = await evaluator(backend, model, 4)
    const pad = (key: 'inputs' | 'labels') =>
      Int32Array.from([...examples.flatMap((e) => [...e[key]]), ...new Array(16).fill(0)])
    const results = await plain.evaluate(
      { inputs: pad('inputs'), labels: pad('labels'), puzzleIdentifiers: new Int32Array(4) },
      3,
    )
    for (const [e, one] of asked.entries()) {
      for (const [s, { answer, qHalt }] of one.plain.segments.entries()) {
        expect(answer).toEqual(results[s]!.predictions.slice(16 * e, 16 * (e + 1)))
        expect(qHalt).toBe(results[s]!.qHalt[e])
      }
      for (const candidate of one.found) expect(candidate).toEqual(one.found[0])
    }
  })

  test('in batches with others answer what they answer one by one', async () => {
    const backend = await open()
    if (backend === undefined) return
    const policy: Policy = {
      ...onePass(2),
      copies: 2,
      rollouts: { count: 2, start: 'positions', noise: { deviation: 0.5, states: ['z_H', 'z_L'] } },
      checkpoints: 2,
    }
    const many = await thinker(backend, model, 5, policy.rollouts)
    const one: Thinker = { ...many, batch: 1 }
    const [together, alone] = [
      await ask(backend, policy, many, puzzles(2), [3, 5]),
      await ask(backend, policy, one, puzzles(2), [3, 5]),
    ]
    together.forEach(({ found: all }, e) => {
      expect(all).toHaveLength(8)
      all.forEach(({ answer, qHalt, residual }, k) => {
        const other = alone[e]!.found[k]!
        expect(answer).toEqual(other.answer)
        expect(qHalt).toBeCloseTo(other.qHalt, 5)
        expect(residual).toBeCloseTo(other.residual, 5)
      })
    })
  })
})

describe('chance', () => {
  test('makes rollouts differ, the first of them is plain, and the same seed gives the same again', async () => {
    const of = async (start: Rollouts['start'], seed: number) => {
      const policy: Policy = { ...onePass(2), rollouts: { count: 3, start }, seed }
      return (await ask(referenceBackend(), policy, 4, puzzles(1)))[0]!.found.map(({ residual }) => residual)
    }
    const plain = (await ask(referenceBackend(), onePass(2), 1, puzzles(1)))[0]!.found[0]!.residual
    for (const start of ['vector', 'positions'] as const) {
      const residuals = await of(start, 0)
      expect(residuals[0]).toBeCloseTo(plain, 6)
      expect(new Set(residuals).size).toBe(3)
      expect(await of(start, 0)).toEqual(residuals)
      expect((await of(start, 1)).slice(1)).not.toEqual(residuals.slice(1))
    }
  })
  test('disturbs the more the larger the deviation, only the states that are named', async () => {
    const residualOf = async (deviation: number, states: readonly string[]) => {
      const rollouts: Rollouts = { count: 2, start: 'own', noise: { deviation, states } }
      const backend = referenceBackend()
      weigh(backend, 3)
      return (await ask(backend, { ...onePass(1), rollouts }, 2, puzzles(1)))[0]!.found.map(({ residual }) => residual)
    }
    const [[plain, little], [, much], [same, none]] = [
      await residualOf(0.1, ['z_H', 'z_L']),
      await residualOf(10, ['z_H', 'z_L']),
      await residualOf(10, []),
    ]
    expect(Math.abs(little! - plain!)).toBeLessThan(Math.abs(much! - plain!))
    expect(none).toBe(same)
  })
  test('reaches states with an axis of symbols too', async () => {
    const symbolic = seRrm({
      vocabulary: 6,
      sequence: 16,
      hidden: 8,
      heads: 2,
      layers: 1,
      expansion: 1,
      cycles: 1,
      steps: 1,
      maxSegments: 2,
    })
    for (const start of ['vector', 'positions'] as const) {
      const backend = referenceBackend()
      for (const [name, data] of Object.entries(toResidents(symbolic.parameters, init(symbolic.parameters, 3))))
        backend.write(name, data)
      const noise = { deviation: 0.3, states: noisedByDefault(symbolic as never) }
      const policy: Policy = { ...onePass(1), rollouts: { count: 3, start, noise } }
      const asked: Asked[] = []
      await askAll({
        thinker: await thinker(backend, symbolic as never, 3, policy.rollouts),
        policy,
        checkpoints: [() => E.right(undefined)],
        examples: puzzles(1),
        seen: (one) => asked.push(one),
      })
      expect(new Set(asked[0]!.found.map(({ residual }) => residual)).size).toBe(3)
    }
  })
  test('of a model that starts from noise makes rollouts by itself; the first is what every evaluation begins with', async () => {
    const wild = eqr({ vocabulary: 6, sequence: 16, hidden: 8, heads: 2, expansion: 1, layers: 1, cycles: 1, steps: 1 })
    const backend = referenceBackend()
    for (const [name, data] of Object.entries(toResidents(wild.parameters, init(wild.parameters, 3))))
      backend.write(name, data)
    const [example] = puzzles(1)
    const [plain] = await (await evaluator(backend, wild, 1)).evaluate(example!, 1)
    const policy: Policy = { ...onePass(1), rollouts: { count: 3, start: 'own' } }
    expect(E.isRight(checkPolicy(wild as never, policy))).toBe(true)
    const asked: Asked[] = []
    await askAll({
      thinker: await thinker(backend, wild as never, 2, policy.rollouts),
      policy,
      checkpoints: [() => E.right(undefined)],
      examples: [example!],
      seen: (one) => asked.push(one),
    })
    const { found: all } = asked[0]!
    expect(all[0]!.qHalt).toBeCloseTo(plain!.qHalt[0]!, 6)
    expect(new Set(all.map(({ residual }) => residual)).size).toBe(3)
  })
})

describe('a policy', () => {
  const policy = onePass(2)
  const refused = (changes: Partial<Policy>, of = model) => {
    const checked = checkPolicy(of, { ...policy, ...changes })
    return E.isLeft(checked) ? `${checked.left.what}; ${checked.left.why}; ${checked.left.fix}` : 'not refused'
  }
  test('has its candidates in the order of smaller budgets: copies, then rollouts, then checkpoints', () => {
    const all = { ...policy, copies: 2, checkpoints: 2, rollouts: { count: 2, start: 'vector' as const } }
    expect(candidateCount(all)).toBe(8)
    expect(candidatesOf(all).map(({ checkpoint, copy, rollout }) => `${checkpoint}${rollout}${copy}`)).toEqual([
      '000',
      '001',
      '010',
      '011',
      '100',
      '101',
      '110',
      '111',
    ])
    expect(selections).toContain(policy.select)
  })
  test('that makes no sense is refused, with what would', () => {
    expect(refused({ rollouts: { count: 4, start: 'own' } })).toMatch(/would all be the same.*--noise/)
    expect(refused({ rollouts: { count: 1, start: 'vector' } })).toMatch(/need rollouts.*--rollouts/)
    const states = ['z_X']
    expect(refused({ rollouts: { count: 2, start: 'own', noise: { deviation: 1, states } } })).toMatch(
      /no state "z_X"; its states are z_H, z_L/,
    )
    const memoryless = transformer({ vocabulary: 6, sequence: 16, hidden: 8, heads: 2, layers: 1 }) as never
    expect(refused({ select: 'residual' }, memoryless)).toMatch('no state to settle')
    expect(refused({ rollouts: { count: 2, start: 'vector' } }, memoryless)).toMatch('no state to disturb')
    const steady = { ...model, halting: deepSupervision({ segments: 2 }) }
    expect(refused({ select: 'first-halt' }, steady)).toMatch('never halts by itself')
    expect(refused({ copies: 4, select: 'first-halt' })).toBe('not refused')
  })
})
