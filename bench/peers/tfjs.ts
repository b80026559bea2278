/**
 * TensorFlow.js on its WebGPU backend as a player of `bench/peers.ts`. The HRM step as one would write it with this
 * library: `variableGrads` around the part that is differentiated, AdamATan2 from its element-wise operations.
 */
import './browser.js'

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import * as tf from '@tensorflow/tfjs-core'
import type { StoredTensor } from '../../src/train/index.js'
import { type HrmTask, type MatmulTask, type Prepared, serve } from '../players/protocol.js'
import { readTensors, writeTensors } from '../players/tensors.js'
import { resting } from './browser.js'

// The package's build for Node leaves the gradients out; those of its browser build register with the same engine.
createRequire(import.meta.url)('@tensorflow/tfjs-core/dist/register_all_gradients.js')

const NAME = 'tfjs'
type Values = Readonly<Record<string, tf.Tensor>>

const load = (stored: Readonly<Record<string, StoredTensor>>): Values =>
  Object.fromEntries(
    Object.entries(stored).map(([name, { shape, data }]) => [
      name,
      tf.tensor(data, [...shape], data instanceof Float32Array ? 'float32' : 'int32'),
    ]),
  )

const stored = async (t: tf.Tensor): Promise<StoredTensor> => ({
  shape: t.shape,
  data: (await t.data()) as Float32Array,
})

const prepareMatmul = async ({ layout }: MatmulTask, folder: string): Promise<Prepared> => {
  const { a, b } = load(readTensors(folder, 'inputs'))
  const product = () => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, layout === 'tn', layout === 'nt')
  let last: tf.Tensor = product()
  writeTensors(folder, NAME, { c: await stored(last) })
  return {
    run: () => {
      last.dispose()
      last = product()
    },
    // A copy of the last product waits for it and all before it.
    finish: async () => void (await resting(last.data())),
    drop: () => tf.dispose([a!, b!, last]),
  }
}

/** y = x·Wᵀ over the last axis; W is [out, in]. */
const linear = (x: tf.Tensor, w: tf.Tensor): tf.Tensor => {
  const [out, inner] = w.shape as [number, number]
  const y = tf.matMul(tf.reshape(x, [-1, inner]) as tf.Tensor2D, w as tf.Tensor2D, false, true)
  return tf.reshape(y, [...x.shape.slice(0, -1), out])
}
const rms = (x: tf.Tensor): tf.Tensor => tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-5)))

interface Segment {
  readonly zH: tf.Tensor
  readonly zL: tf.Tensor
  readonly logits: tf.Tensor
  readonly qHalt: tf.Tensor
  readonly qContinue: tf.Tensor
}

const modelOf = (task: HrmTask) => {
  const { batch, sequence, puzzleTokens, hidden, heads, layers, cycles, steps } = task
  const [total, d] = [puzzleTokens + sequence, hidden / heads]
  const angles = tf.tidy(() => {
    const frequencies = tf.pow(10000, tf.div(tf.range(0, d, 2, 'float32'), -d))
    const half = tf.outerProduct(tf.range(0, total, 1, 'float32'), frequencies as tf.Tensor1D)
    const both = tf.concat([half, half], 1)
    return tf.keep(both)
  })
  const [cos, sin] = [tf.cos(angles), tf.sin(angles)]
  const rotary = (x: tf.Tensor): tf.Tensor => {
    const [first, second] = tf.split(x, 2, -1)
    return tf.add(tf.mul(x, cos), tf.mul(tf.concat([tf.neg(second!), first!], -1), sin))
  }
  const attention = (p: Values, at: string, x: tf.Tensor): tf.Tensor => {
    const [q, k, v] = tf
      .split(linear(x, p[`${at}.qkv_proj.weight`]!), 3, -1)
      .map((t) => tf.transpose(tf.reshape(t, [batch, total, heads, d]), [0, 2, 1, 3]))
    const scores = tf.mul(tf.matMul(rotary(q!), rotary(k!), false, true), 1 / Math.sqrt(d))
    const mixed = tf.matMul(tf.softmax(scores), v!)
    return linear(tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, total, hidden]), p[`${at}.o_proj.weight`]!)
  }
  const swiglu = (p: Values, at: string, x: tf.Tensor): tf.Tensor => {
    const [gate, up] = tf.split(linear(x, p[`${at}.gate_up_proj.weight`]!), 2, -1)
    return linear(tf.mul(tf.mul(gate!, tf.sigmoid(gate!)), up!), p[`${at}.down_proj.weight`]!)
  }
  const level = (p: Values, name: 'H' | 'L', x: tf.Tensor): tf.Tensor => {
    let y = x
    for (let i = 0; i < (name === 'H' ? layers.high : layers.low); i++) {
      const at = `${name}_level.layers.${i}`
      y = rms(tf.add(y, attention(p, `${at}.self_attn`, y)))
      y = rms(tf.add(y, swiglu(p, `${at}.mlp`, y)))
    }
    return y
  }
  const embed = (p: Values, tokens: tf.Tensor, ids: tf.Tensor): tf.Tensor => {
    const puzzle = tf.reshape(tf.gather(p['puzzle_emb.weights']!, ids as tf.Tensor1D), [batch, puzzleTokens, hidden])
    const words = tf.reshape(tf.gather(p['embed_tokens.embedding_weight']!, tf.reshape(tokens, [-1]) as tf.Tensor1D), [
      batch,
      sequence,
      hidden,
    ])
    return tf.mul(tf.concat([puzzle, words], 1), Math.sqrt(hidden))
  }
  /** All calls but the last of each block: nothing of them is differentiated. */
  const warmUp = (p: Values, x: tf.Tensor, state: { zH: tf.Tensor; zL: tf.Tensor }) => {
    let { zH, zL } = state
    for (let i = 0; i < cycles; i++) {
      for (let j = 0; j < steps; j++)
        if (!(i === cycles - 1 && j === steps - 1)) zL = level(p, 'L', tf.add(zL, tf.add(zH, x)))
      if (i !== cycles - 1) zH = level(p, 'H', tf.add(zH, zL))
    }
    return { zH, zL }
  }
  const lastCalls = (p: Values, x: tf.Tensor, state: { zH: tf.Tensor; zL: tf.Tensor }): Segment => {
    const zL = level(p, 'L', tf.add(state.zL, tf.add(state.zH, x)))
    const zH = level(p, 'H', tf.add(state.zH, zL))
    const logits = linear(tf.slice(zH, [0, puzzleTokens, 0], [batch, sequence, hidden]), p['lm_head.weight']!)
    const head = tf.reshape(tf.slice(zH, [0, 0, 0], [batch, 1, hidden]), [batch, hidden])
    const q = tf.add(linear(head, p['q_head.weight']!), p['q_head.bias']!)
    const [qHalt, qContinue] = tf.unstack(q, 1)
    return { zH, zL, logits, qHalt: qHalt!, qContinue: qContinue! }
  }
  const initial = (p: Values) => ({ zH: p.H_init!, zL: p.L_init! })
  return { embed, warmUp, lastCalls, initial, total }
}

const prepareEvaluate = async (task: HrmTask, folder: string): Promise<Prepared> => {
  const p = load(readTensors(folder, 'inputs'))
  const model = modelOf(task)
  const { batch, sequence } = task
  const run = async () => {
    const [predictions, exact, qHalt] = tf.tidy(() => {
      const x = model.embed(p, p['batch.inputs']!, p['batch.puzzle_identifiers']!)
      const { zH, zL } = model.initial(p)
      const all = (z: tf.Tensor) => tf.broadcastTo(z, [batch, model.total, task.hidden])
      const segment = model.lastCalls(p, x, model.warmUp(p, x, { zH: all(zH), zL: all(zL) }))
      const answer = tf.argMax(segment.logits, -1)
      return [answer, tf.all(tf.equal(answer, p['batch.labels']!), 1), segment.qHalt]
    })
    const read = await resting(Promise.all([predictions!.data(), exact!.data(), qHalt!.data()]))
    tf.dispose([predictions!, exact!, qHalt!])
    return read
  }
  const [predictions, , qHalt] = await run()
  writeTensors(folder, NAME, {
    predictions: { shape: [batch, sequence], data: Int32Array.from(predictions!) },
    q_halt: { shape: [batch], data: Float32Array.from(qHalt!) },
  })
  return { run: async () => void (await run()), finish: async () => {} }
}

/** max(x, 0) − x·z + log(1 + e^−|x|) */
const binaryCrossEntropy = (x: tf.Tensor, z: tf.Tensor): tf.Tensor => tf.sub(tf.softplus(x), tf.mul(x, z))

/** Computed off the tape: its gradient is none. */
const still = (compute: () => tf.Tensor): tf.Tensor => tf.customGrad(() => ({ value: compute(), gradFunc: () => [] }))()

const isTrained = (name: string): boolean => !/^(batch|explore)\.|_init$/.test(name)

const prepareTrain = async (task: HrmTask, folder: string): Promise<Prepared> => {
  const given = load(readTensors(folder, 'inputs'))
  const model = modelOf(task)
  const { batch, sequence, vocabulary, maxSegments, beta1, beta2 } = task
  const trained = Object.keys(given).filter(isTrained)
  const variables = Object.fromEntries(trained.map((name) => [name, tf.variable(given[name]!, true, name)]))
  const p: Values = { ...given, ...variables }
  const dense = trained.filter((name) => name !== 'puzzle_emb.weights')
  let moments = Object.fromEntries(dense.map((n) => [n, { m: tf.zerosLike(p[n]!), v: tf.zerosLike(p[n]!) }]))
  let carry = tf.tidy(() => ({
    zH: tf.zeros([batch, model.total, task.hidden]),
    zL: tf.zeros([batch, model.total, task.hidden]),
    steps: tf.zeros([batch], 'int32'),
    halted: tf.ones([batch], 'bool'),
    inputs: tf.zeros([batch, sequence], 'int32'),
    labels: tf.zeros([batch, sequence], 'int32'),
    ids: tf.zeros([batch], 'int32'),
  }))
  let t = 0
  let losses: tf.Tensor = tf.zeros([4])

  const step = () => {
    t++
    const [first, second] = [1 / (1 - beta1 ** t), 1 / Math.sqrt(1 - beta2 ** t)]
    // Streamed anew every step, as a training loop does.
    const fresh = load(batches)
    const old = { carry, moments, losses }
    const next = tf.tidy(() => {
      const { halted } = carry
      const [perToken, perState] = [tf.reshape(halted, [batch, 1]), tf.reshape(halted, [batch, 1, 1])]
      const begin = model.initial(p)
      const z = { zH: tf.where(perState, begin.zH, carry.zH), zL: tf.where(perState, begin.zL, carry.zL) }
      const inputs = tf.where(perToken, fresh['batch.inputs']!, carry.inputs)
      const labels = tf.where(perToken, fresh['batch.labels']!, carry.labels)
      const ids = tf.where(halted, fresh['batch.puzzle_identifiers']!, carry.ids)
      const steps = tf.add(tf.where(halted, tf.zerosLike(carry.steps), carry.steps), tf.scalar(1, 'int32'))
      const warm = model.warmUp(p, model.embed(p, inputs, ids), z)
      const seen = tf.oneHot(tf.cast(labels, 'int32'), vocabulary)
      const last = tf.greaterEqual(steps, tf.scalar(maxSegments, 'int32'))
      let kept: { zH: tf.Tensor; zL: tf.Tensor; halted: tf.Tensor; losses: tf.Tensor } | undefined
      const { grads } = tf.variableGrads(() => {
        const x = model.embed(p, inputs, ids)
        const segment = model.lastCalls(p, x, warm)
        const { zH, zL, logits, qHalt, qContinue } = segment
        const right = still(() => tf.cast(tf.all(tf.equal(tf.argMax(logits, -1), labels), 1), 'float32'))
        const target = still(() => {
          const later = model.lastCalls(p, x, model.warmUp(p, x, segment))
          return tf.sigmoid(tf.where(last, later.qHalt, tf.maximum(later.qHalt, later.qContinue)))
        })
        const stable = tf.mul(tf.sign(logits), tf.log1p(tf.abs(logits)))
        const crossEntropy = tf.neg(tf.sum(tf.mul(tf.logSoftmax(stable), seen), [1, 2]))
        const lm = tf.div(crossEntropy, sequence)
        const qHaltLoss = binaryCrossEntropy(qHalt, right)
        const qContinueLoss = binaryCrossEntropy(qContinue, target)
        const loss = tf.sum(tf.add(lm, tf.mul(tf.add(qHaltLoss, qContinueLoss), 0.5)))
        const wants = tf.logicalOr(last, tf.greater(qHalt, qContinue))
        const explores = tf.less(fresh['explore.uniform']!, task.exploration)
        const least = tf.where(explores, fresh['explore.min_steps']!, tf.zerosLike(steps))
        kept = {
          zH: tf.keep(tf.clone(zH)),
          zL: tf.keep(tf.clone(zL)),
          halted: tf.keep(tf.logicalAnd(wants, tf.lessEqual(least, steps))),
          losses: tf.keep(tf.stack([loss, tf.sum(lm), tf.sum(qHaltLoss), tf.sum(qContinueLoss)])),
        }
        return tf.div(loss, batch) as tf.Scalar
      })
      const updated: Record<string, { m: tf.Tensor; v: tf.Tensor }> = {}
      for (const name of dense) {
        const [w, g] = [variables[name]!, grads[name]!]
        const m = tf.add(tf.mul(moments[name]!.m, beta1), tf.mul(g, 1 - beta1))
        const v = tf.add(tf.mul(moments[name]!.v, beta2), tf.mul(tf.square(g), 1 - beta2))
        const angle = tf.atan2(m, tf.mul(tf.sqrt(v), second))
        w.assign(tf.sub(tf.mul(w, 1 - task.lr * task.weightDecay), tf.mul(angle, task.lr * first)))
        updated[name] = { m, v }
      }
      const table = variables['puzzle_emb.weights']!
      const push = tf.mul(tf.sign(grads['puzzle_emb.weights']!), task.puzzleLr)
      table.assign(tf.sub(tf.mul(table, 1 - task.puzzleLr * task.puzzleWeightDecay), push))
      const { zH, zL } = kept!
      return {
        carry: { zH, zL, steps, halted: kept!.halted, inputs, labels, ids },
        moments: updated,
        losses: kept!.losses,
      }
    })
    carry = next.carry as typeof carry
    moments = next.moments
    losses = next.losses
    tf.dispose([old.carry, old.moments, old.losses, fresh] as never)
  }
  const batches = Object.fromEntries(
    Object.entries(readTensors(folder, 'inputs')).filter(([name]) => /^(batch|explore)\./.test(name)),
  )

  step()
  const outcome: Record<string, StoredTensor> = { losses: await stored(losses) }
  for (const name of dense) outcome[`m.${name}`] = await stored(moments[name]!.m)
  step()
  step()
  for (const name of trained) outcome[`final.${name}`] = await stored(variables[name]!)
  writeTensors(folder, NAME, outcome)
  return { run: step, finish: async () => void (await resting(losses.data())) }
}

await serve({
  open: async () => {
    await import('@tensorflow/tfjs-backend-webgpu')
    await tf.setBackend('webgpu')
    await tf.ready()
    const { version } = JSON.parse(
      readFileSync(new URL('node_modules/@tensorflow/tfjs-backend-webgpu/package.json', import.meta.url), 'utf8'),
    )
    const { device } = tf.backend() as unknown as { device: GPUDevice }
    const { adapterInfo } = device
    return {
      library: 'tfjs-backend-webgpu',
      version,
      adapter: `${adapterInfo?.device ?? ''}, ${adapterInfo?.description ?? ''}`,
    }
  },
  prepare: (task, folder) => {
    if (task.kind === 'matmul') return prepareMatmul(task, folder)
    return task.kind === 'evaluate' ? prepareEvaluate(task, folder) : prepareTrain(task, folder)
  },
})
