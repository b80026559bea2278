/** How a checked architecture is shown: the table of its parts for people, one JSON value for scripts. */
import { showBytes } from '../bytes.js'
import { compile, printKernels, printProgram } from '../compile/index.js'
import { type Reasoner, segmentGraph } from '../hrm/index.js'
import { printGraph } from '../ir/index.js'
import type { CheckedModel, CheckReport } from './check.js'
import { portable } from './portable.js'
import { aligned, whole } from './table.js'

const flops = (n: number): string => {
  const power = n === 0 ? 0 : Math.min(5, Math.floor(Math.log10(n) / 3))
  return `${power === 0 ? n : (n / 1000 ** power).toPrecision(3)} ${['', 'k', 'M', 'G', 'T', 'P'][power]}`.trim()
}

const showModel = ({ exported, model, costs, training }: CheckedModel): string => {
  const { total } = costs
  const rows = [
    ['part', 'input', 'output', 'parameters', 'forward', 'backward', 'activations'],
    ...costs.parts.map((p) => [
      p.part,
      p.input,
      p.output,
      whole(p.parameters),
      flops(p.forward),
      flops(p.backward),
      showBytes(p.activationBytes),
    ]),
    [
      'a segment',
      '',
      '',
      whole(total.parameters),
      flops(total.forward),
      flops(total.backward),
      showBytes(total.activationBytes),
    ],
  ]
  const { maxSegments } = model.halting
  return [
    `${model.name} (${exported}): shapes fit`,
    aligned(rows, 3),
    'FLOPs, and bytes kept for the backward pass, of one example and one call; the last row: of all calls of a segment,',
    `${costs.calls}, with the backward pass as far as the gradient rule lets it reach.`,
    ...stagesIn(model),
    `At most ${maxSegments} segment${maxSegments === 1 ? '' : 's'} an example. A training step takes ${showBytes(training.fixedBytes)}, and ${showBytes(training.bytesPerExample)} for every example of its batch.`,
  ].join('\n')
}

/** Who trains in a model's place, and until when. */
const stagesIn = ({ stages = [] }: Reasoner): readonly string[] =>
  stages.map(({ until, model }) => `Until ${Math.round(100 * until)} % of the training: ${callsOf(model)}.`)

const callsOf = (model: Reasoner): string => segmentGraph(model).calls.join(' ')

export const showReport = (report: CheckReport): string => report.models.map(showModel).join('\n\n')

/** For `--json`. */
export const reportJson = ({ file, models }: CheckReport): object => ({
  ok: true,
  file,
  models: models.map(({ exported, model, costs, training }) => ({
    export: exported,
    name: model.name,
    sizes: model.sizes,
    halting: model.halting,
    ...(model.stages !== undefined && {
      stages: model.stages.map(({ until, model: stage }) => ({ until, calls: callsOf(stage) })),
    }),
    ...costs,
    training,
  })),
})

export const stages = ['graph', 'schedule', 'wgsl'] as const
export type Stage = (typeof stages)[number]

/** For `--show`: one segment of every model as its graph, as the kernels of a batch of one, or as their text. */
export const showStage = ({ models }: CheckReport, stage: Stage): string =>
  models
    .map(({ model }) => segmentGraph(model).graph)
    .map((graph) => {
      if (stage === 'graph') return printGraph(graph)
      const program = compile(graph, { batch: 1 }, portable)
      return stage === 'schedule' ? printProgram(program) : printKernels(program)
    })
    .join('\n\n')
