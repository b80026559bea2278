/** Every function of the public face that knows shapes has its types tested, right and wrong (`typetests/*.test-d.ts`). */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import * as thetagrad from '../../src/index.js'

/** Functions whose types say nothing of shapes. */
const exempt = ['ShapeError', 'init', 'countParameters', 'flattenParameters']

it('every function of the face is expected to give a type, and to refuse something', () => {
  const text = readdirSync('typetests')
    .filter((name) => name.endsWith('.test-d.ts'))
    .map((name) => readFileSync(`typetests/${name}`, 'utf8'))
    .join('\n')
  // A call may stand inside another; what counts is that the assertion's text mentions it.
  const statements = text.split(/\n(?=\S)/)
  const mentions = (kind: RegExp, name: string) =>
    statements.some((s) => kind.test(s) && new RegExp(`\\b${name}\\b`).test(s))
  const functions = Object.entries(thetagrad)
    .filter(([name, value]) => typeof value === 'function' && !exempt.includes(name))
    .map(([name]) => name)
  expect(
    functions.filter((name) => !mentions(/expect(Type|Assignable)|^ {2}expectType|^const|^for|^[a-z]\w+\(/, name)),
  ).toEqual([])
  // These take anything that type-checks by itself.
  const gradientRules = ['oneStepGradient', 'wholeCycleGradient', 'fullGradient', 'lastSteps']
  const combinators = ['iterate', 'detached', 'lastWithGradient', 'named', 'bindParameters', 'parameterShapes']
  const refused = functions.filter((name) => !mentions(/expectError/, name))
  expect(refused.filter((name) => ![...gradientRules, ...combinators].includes(name))).toEqual([])
})
