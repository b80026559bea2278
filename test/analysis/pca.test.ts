import { describe, expect, test } from 'vitest'
import { principalPlane } from '../../src/analysis/index.js'
import { randomNumbers } from '../support/numbers.js'

describe('the principal plane', () => {
  test('of a cross: its long bar first, its short bar second, shares of the variance by length squared', () => {
    // Bars ±(6, 8) = ±10 along (3, 4)/5 and ±(−4, 3) = ±5 across, about (1, 1).
    const points = [
      [7, 9],
      [-5, -7],
      [-3, 4],
      [5, -2],
    ]
    const { coordinates, explained } = principalPlane(points)
    const rounded = coordinates.map((point) => point.map((x) => Math.round(x * 1e9) / 1e9 + 0))
    expect(rounded).toEqual([
      [10, 0],
      [-10, 0],
      [0, 5],
      [0, -5],
    ])
    expect(explained[0]).toBeCloseTo(0.8, 12)
    expect(explained[1]).toBeCloseTo(0.2, 12)
  })

  test('of points on a line has no second axis; of one place, none', () => {
    const line = principalPlane([
      [0, 0, 0],
      [1, 1, 1],
      [3, 3, 3],
    ])
    expect(line.explained).toEqual([expect.closeTo(1, 12), 0])
    const spot = principalPlane([
      [2, 2],
      [2, 2],
    ])
    expect(spot).toEqual({
      coordinates: [
        [0, 0],
        [0, 0],
      ],
      explained: [0, 0],
    })
  })

  test('keeps the distances of points in a plane, whatever space the plane lies in, and is the same each time', () => {
    const [u, v] = [randomNumbers(50, 1), randomNumbers(50, 2)]
    const points = Array.from(randomNumbers(7, 3), (a, i) => u.map((x, k) => a * x + Math.cos(i) * v[k]!))
    const { coordinates, explained } = principalPlane(points)
    expect(explained[0] + explained[1]).toBeCloseTo(1, 6)
    const apart = (a: ArrayLike<number>, b: ArrayLike<number>) => Math.hypot(...Array.from(a, (x, i) => x - b[i]!))
    points.forEach((p, i) => {
      expect(apart(coordinates[i]!, coordinates[0]!)).toBeCloseTo(apart(p, points[0]!), 4)
    })
    expect(principalPlane(points)).toEqual({ coordinates, explained })
  })
})
