/** Parameters: trees bound to tensors, and checkpoints held against them, those that fit and those that do not. */
import { expectError, expectType } from 'tsd'
import {
  attention,
  type Bound,
  bindParameters,
  demandCheckpoint,
  hrm,
  linear,
  linearWithBias,
  named,
  parameterShapes,
  residual,
  seq,
  silu,
  stack,
  type Tensor,
} from '../src/index.js'

type F<S extends readonly (number | string)[]> = Tensor<S, 'f32'>
declare const x: F<['batch', 81, 512]>
const mlp = seq(linear(512, 1536), silu(), linear(1536, 64))

// ── tensors for every spec ──────────────────────────────────────────────────────────────────────────────────────────
declare const weight: F<[64, 512]>
expectType<F<['batch', 81, 64]>>(linear(512, 64).apply({ weight })(x))
expectType<F<[64, 512]>>((null as unknown as Bound<typeof mlp.parameters>)[0].weight as never as F<[64, 512]>)
expectError(linear(64, 512).apply({ weight }))
expectError(linearWithBias(512, 64).apply({ weight }))
expectError(linear(512, 64).apply({ bias: weight }))

const bound = bindParameters(mlp.parameters, () => null as never)
expectType<F<[1536, 512]>>(bound[0].weight)
expectType<F<['batch', 81, 64]>>(mlp.apply(bound)(x))
expectError(attention({ hidden: 512, heads: 8 }).apply(bound))
expectError(bindParameters({ weight: 3 }, () => null as never))
expectError(bindParameters(mlp.parameters, () => 3))
expectError(bound[0].bias)

// Trees of several levels, bound by hand: what is missing or has another shape is refused, wherever it is.
declare const square: F<[3, 3]>
const tower = stack(2, residual(linear(3, 3)))
expectType<F<['batch', 3]>>(
  tower.apply({ layers: [{ weight: square }, { weight: square }] })(null as unknown as F<['batch', 3]>),
)
expectError(tower.apply({ layers: [{ weight: square }] }))
expectError(tower.apply({ layers: [{ weight: square }, { weight }] }))
expectError(tower.apply({ layers: [{ weight: square }, { bias: square }] }))
expectError(tower.apply({ layer: [{ weight: square }, { weight: square }] }))
expectError(tower.apply({ layers: square }))
expectError(tower.apply(3))
const pair = seq(named('up', linear(512, 64)), named('down', linear(64, 512)))
declare const back: F<[512, 64]>
expectType<F<['batch', 81, 512]>>(pair.apply({ up: { weight }, down: { weight: back } })(x))
expectError(pair.apply({ up: { weight }, down: { weight } }))
expectError(pair.apply({ up: { weight } }))
expectError(pair.parameters.up.bias)
expectError(named(3, linear(512, 64)))
expectError(named('up', 3))

// ── shapes by path, as a checkpoint lists them ──────────────────────────────────────────────────────────────────────
expectType<{ readonly weight: [64, 512]; readonly bias: [64] }>(parameterShapes(linearWithBias(512, 64).parameters))
demandCheckpoint(linearWithBias(512, 64).parameters, { weight: [64, 512], bias: [64] })
expectError(demandCheckpoint(linearWithBias(512, 64).parameters, { weight: [512, 64], bias: [64] }))
expectError(demandCheckpoint(linearWithBias(512, 64).parameters, { weight: [64, 512] }))
expectError(demandCheckpoint(linear(512, 64).parameters, { weight: [64, 512], bias: [64] }))
demandCheckpoint(linear(512, 64).parameters, null as unknown as Readonly<Record<string, readonly number[]>>)
expectType<{ readonly '0.weight': [1536, 512]; readonly '2.weight': [64, 1536] }>(parameterShapes(mlp.parameters))
expectType<{ readonly 'layers.0.weight': [3, 3]; readonly 'layers.1.weight': [3, 3] }>(
  parameterShapes(tower.parameters),
)
expectType<{ readonly 'up.weight': [64, 512]; readonly 'down.weight': [512, 64] }>(parameterShapes(pair.parameters))
expectError(parameterShapes(mlp.parameters)['1.weight'])
demandCheckpoint(tower.parameters, { 'layers.0.weight': [3, 3], 'layers.1.weight': [3, 3] })
expectError(demandCheckpoint(tower.parameters, { 'layers.0.weight': [3, 3], 'layers.1.weight': [3, 4] }))
expectError(demandCheckpoint(tower.parameters, { 'layers.0.weight': [3, 3] }))
expectError(
  demandCheckpoint(tower.parameters, {
    'layers.0.weight': [3, 3],
    'layers.1.weight': [3, 3],
    'layers.2.weight': [3, 3],
  }),
)
expectError(demandCheckpoint(tower.parameters, {}))
expectError(demandCheckpoint(tower.parameters, { 'layers.0.weight': 9, 'layers.1.weight': 9 }))
expectError(demandCheckpoint(mlp.parameters, parameterShapes(tower.parameters)))
const published = parameterShapes(hrm({ vocabulary: 11, sequence: 81 }).parameters)
expectType<[512, 1536]>(published['L_level.layers.3.mlp.down_proj.weight'])
demandCheckpoint(hrm({ vocabulary: 11, sequence: 81 }).parameters, published)
expectError(demandCheckpoint(hrm({ vocabulary: 12, sequence: 81 }).parameters, published))
expectError(demandCheckpoint(hrm({ vocabulary: 11, sequence: 81, hidden: 256 }).parameters, published))
