import { describe, expect, test } from 'vitest'
import { hrm } from '../../src/hrm/index.js'
import { init } from '../../src/nn/index.js'
import { arenaOf, bindArena, fromResidents, residentParameters, toResidents } from '../../src/train/index.js'
import { compute } from '../support/compute.js'

const { parameters } = hrm({
  vocabulary: 5,
  sequence: 3,
  hidden: 12,
  heads: 2,
  expansion: 1,
  layers: { high: 2, low: 1 },
  puzzleEmbedding: 12,
  puzzles: 7,
})
const values = init(parameters, 1)

describe('the parameter arena', () => {
  test('parameters start at multiples of 64 elements and do not overlap', () => {
    const { entries, size } = arenaOf(parameters)
    let end = 0
    for (const { offset, size: n } of entries) {
      expect(offset % 64).toBe(0)
      expect(offset).toBeGreaterThanOrEqual(end)
      end = offset + n
    }
    expect(size).toBeGreaterThanOrEqual(end)
  })

  test('values go in and come out under the same names', () => {
    const residents = toResidents(parameters, values)
    expect(Object.keys(residents)).toEqual(residentParameters(parameters))
    expect(fromResidents(parameters, residents)).toEqual(values)
  })

  test('a parameter’s node reads its slice', async () => {
    const { node, arena } = bindArena(parameters)
    const path = 'H_level.layers.1.mlp.down_proj.weight'
    expect(node(path).shape).toEqual(arena.entries.find((e) => e.path === path)!.shape)
    const backendless = await compute({ w: node(path) }, toResidents(parameters, values))
    expect(backendless.w).toEqual(values[path])
  })

  test('a missing or short value is a bug, told by name', () => {
    expect(() => toResidents(parameters, { ...values, H_init: new Float32Array(3) })).toThrow('H_init has 3 values')
  })
})
