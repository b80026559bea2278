/** Sizes that the compiler knows only as `number`: it lets the program pass, and run time says the very sentence. */
import { describe, expect, it } from 'vitest'
import { edited, run } from '../support/program.js'

const x = "const x = input('x', ['batch', 81, 512], 'f32', 'streamed')"
const programs: readonly (readonly [names: string, program: string, sentence: string])[] = [
  [
    'attention',
    'attention({ hidden: 512, heads: 7 as number })',
    'attention: hidden 512 does not split into 7 heads: the remainder is 1',
  ],
  [
    'add, input',
    `${x}\nadd(x, input('y', ['batch', 80 as number, 512], 'f32', 'streamed'))`,
    'add cannot take [batch, 81, 512] and [batch, 80, 512]: dimension 1 is 81 and 80',
  ],
  [
    'input, matmul',
    `${x}\nmatmul(x, input('w', [511 as number, 3], 'f32', 'resident'))`,
    'matmul cannot take [batch, 81, 512] and [511, 3]: the last dimension of the first is 512, the last but one of the second 511',
  ],
  [
    'input, reshape',
    `${x}\nreshape(x, ['batch', 81, 8, 63 as number])`,
    'reshape cannot take [batch, 81, 512] to [batch, 81, 8, 63]: it has 41472·batch elements, expected 40824·batch',
  ],
  [
    'input, slice',
    `${x}\nslice(x, 1, 80 as number, 2)`,
    'slice of 2 from 80 on axis 1 cannot take [batch, 81, 512]: the axis has 81',
  ],
  [
    'input, split',
    `${x}\nsplit(x, 2, 3 as number)`,
    'split on axis 2 cannot take [batch, 81, 512]: 512 does not divide into 3 parts',
  ],
  [
    'input, sum',
    `${x}\nsum(x, 3 as number)`,
    'sum over axis 3 cannot take [batch, 81, 512]: it has 3 dimensions, axes count from 0',
  ],
  [
    'input, rearrange',
    `${x}\nrearrange(x, 'b t (h d) -> b h t d', { h: 7 as number })`,
    "rearrange 'b t (h d) -> b h t d' cannot take [batch, 81, 512]: 512 does not split into h = 7",
  ],
  [
    'input, rearrange',
    `${x}\nrearrange(x, 'b t -> t b' as string)`,
    "rearrange 'b t -> t b' cannot take [batch, 81, 512]: 'b t' names 2 dimensions, it has 3",
  ],
  [
    'einsum, input',
    `${x}\neinsum('b t d, d v -> b t v', x, input('w', [11 as number, 512], 'f32', 'resident'))`,
    "einsum 'b t d, d v -> b t v' cannot take [batch, 81, 512] and [11, 512]: d is 512 and 11",
  ],
  [
    'linear, seq',
    'seq(linear(512, 1536 as number), linear(1535, 64))',
    'linear(1535 → 64) cannot take […, 1536]: last dimension is 1536, expected 1535',
  ],
  [
    'linear, residual',
    'residual(linear(512, 64 as number))',
    'residual: the branch turns […, 512] into […, 64]; it must keep the shape: last dimension is 64, expected 512',
  ],
  [
    'inputNet',
    'inputNet({ vocabulary: 11, sequence: 81, hidden: 32, puzzleEmbedding: 80, puzzleTokens: 2 as number })',
    'inputNet: a puzzle embedding of 80 does not fit into 2 puzzle tokens of width 32',
  ],
  [
    'hrm',
    'hrm({ vocabulary: 11, sequence: 81, hidden: 24 as number, heads: 8 })',
    'attention: rotary positions turn pairs of numbers, but the head dimension 3 is odd',
  ],
  [
    'concat, input',
    `${x}\nconcat(1, x, input('y', ['batch', 3, 511 as number], 'f32', 'streamed'))`,
    'concat on axis 1 cannot take [batch, 81, 512] and [batch, 3, 511]: of the second, last dimension is 511, expected 512',
  ],
  [
    'input, transpose',
    `${x}\ntranspose(x, [0, 1, 1] as number[])`,
    'transpose(0, 1, 1) cannot take [batch, 81, 512]: the axes must be 0 to the last, each once',
  ],
  [
    'broadcastTo, input',
    `${x}\nbroadcastTo(x, ['batch', 80 as number, 512])`,
    'broadcastTo cannot take [batch, 81, 512] to [batch, 80, 512]: its dimensions must be equal or 1, counted from the last',
  ],
  [
    'input, unsqueeze',
    `${x}\nunsqueeze(x, 4 as number)`,
    'unsqueeze at axis 4 cannot take [batch, 81, 512]: it has 3 dimensions',
  ],
  ['input, pad', `${x}\npad(x, 3 as number, 1, 0)`, 'pad on axis 3 cannot take [batch, 81, 512]: it has 3 dimensions'],
  [
    'crossEntropy, input',
    `${x}\ncrossEntropy('softmax', x, input('y', ['batch', 82 as number], 'i32', 'streamed'))`,
    'crossEntropy cannot take logits [batch, 81, 512] and labels [batch, 82]: the labels must be [batch, 81], last dimension is 82, expected 81',
  ],
  [
    'input, rotaryTables, rotate',
    "rotate(input('q', ['batch', 81, 8, 64], 'f32', 'streamed'), rotaryTables(82 as number, 64))",
    'rotate cannot take [batch, 81, 8, 64]: the tables are for 82 positions of head dimension 64',
  ],
  [
    'dotProductAttention, input',
    "const q = input('q', ['batch', 81, 8, 64], 'f32', 'streamed')\ndotProductAttention(q, q, input('v', ['batch', 80 as number, 8, 64], 'f32', 'streamed'))",
    'dotProductAttention cannot take q [batch, 81, 8, 64], k [batch, 81, 8, 64], v [batch, 80, 8, 64]: k and v must agree in batch, positions and heads',
  ],
  [
    'linear, stack',
    'stack(2, linear(512, 511 as number))',
    'stack: the block turns […, 512] into […, 511]; it must keep the shape: last dimension is 511, expected 512',
  ],
  [
    'block, linear',
    "block({ name: 'b', input: ['batch', 81, 512], parts: { a: linear(511 as number, 3) }, compute: ({ a }, y) => a(y) })",
    'linear(511 → 3) cannot take [batch, 81, 512]: last dimension is 512, expected 511',
  ],
  [
    'input, linear',
    `${x}\nlinear(512, 64 as number).apply({ weight: input('w', [63 as number, 512], 'f32', 'resident') })(x)`,
    'the parameter weight is [63, 512], expected [64, 512]',
  ],
  [
    'demandCheckpoint, linear',
    'demandCheckpoint(linear(512, 64).parameters, { weight: [63 as number, 512] })',
    "the checkpoint's weight is [63, 512], expected [64, 512]",
  ],
  ['divideDims', 'divideDims(512 as number, 7)', 'divideDims cannot take 512 and 7: the remainder is 1'],
]

describe('a size of type number', () => {
  it.each(programs)('%s: is checked at run time', async (names, program, sentence) => {
    const text = `import { ${names} } from 'thetagrad'\n${program}\n`
    await expect(run(text)).rejects.toMatchObject({ name: 'ShapeError', message: sentence })
  })

  it('is no reason to refuse a program', () => {
    const names = [...new Set(programs.flatMap(([used]) => used.split(', ')))].join(', ')
    const bodies = programs.map(([, program]) => `{\n${program}\n}`)
    expect(edited(`import { ${names} } from 'thetagrad'\n${bodies.join('\n')}\n`).messages).toEqual([])
  })
})
