/** Every function of the public face that knows shapes has its types tested, right and wrong (`typetests/*.test-d.ts`). */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as thetagrad from '../../src/index.js'

/** Functions whose types say nothing of shapes. */
const exempt = ['ShapeError', 'init', 'countParameters', 'flattenParameters']
const functions = Object.entries(thetagrad)
  .filter(([name, value]) => typeof value === 'function' && !exempt.includes(name))
  .map(([name]) => name)

/** Statements at the top of the files, each with what is nested in it; without imports and remarks. */
const statements = readdirSync('typetests')
  .filter((name) => name.endsWith('.test-d.ts'))
  .flatMap((name) => readFileSync(`typetests/${name}`, 'utf8').split(/\n(?=[a-z/])/))
  .filter((statement) => !/^(import|\/)/.test(statement))
const isWrong = (statement: string): boolean => statement.startsWith('expectError(')
const unmentioned = (where: readonly string[]): readonly string[] =>
  functions.filter((name) => !where.some((statement) => new RegExp(`\\b${name}\\b`).test(statement)))

describe('every function of the face', () => {
  it('gives a type in a right program', () => {
    expect(unmentioned(statements.filter((statement) => !isWrong(statement)))).toEqual([])
  })

  it('refuses something in a wrong one', () => {
    expect(unmentioned(statements.filter(isWrong))).toEqual([])
  })
})
