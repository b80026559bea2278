/**
 * jax-js as a player of `bench/peers.ts`, on its backend `webgpu` or `wasm` (the first argument): the whole step as one
 * jitted function. In jax-js an argument is used up by the function it is given to: `.ref` keeps it for one more use.
 */
import './browser.js'

import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import {
  blockUntilReady,
  type Device,
  defaultDevice,
  getWebGPUDevice,
  init,
  type JsTree,
  jit,
  lax,
  nn,
  numpy as np,
  tree,
  valueAndGrad,
} from '@jax-js/jax'
import { type HrmTask, type MatmulTask, type Prepared, serve } from '../players/protocol.js'
import { readTensors, writeTensors } from '../players/tensors.js'
import { resting } from './browser.js'

const kind = (process.argv[2] ?? 'webgpu') as Device
const NAME = `jax-${kind}`

type Values = Record<string, np.Array>
type Numbers = Float32Array | Int32Array

const onDevice = (stored: ReturnType<typeof readTensors>, names = Object.keys(stored)): Values =>
  Object.fromEntries(
    names.map((name) => {
      const { shape, data } = stored[name]!
      const dtype = data instanceof Float32Array ? np.float32 : np.int32
      return [name, np.array(data as Numbers, { dtype }).reshape([...shape])]
    }),
  )

/** Its numbers, the array kept. */
const numbers = async (x: np.Array): Promise<{ shape: readonly number[]; data: Numbers }> => {
  const { shape } = x
  return { shape, data: (await resting(x.ref.data())) as Numbers }
}

const ready = async (x: JsTree<np.Array>): Promise<void> => void (await resting(blockUntilReady(x)))

const prepareMatmul = async ({ layout }: MatmulTask, folder: string): Promise<Prepared> => {
  const { a, b } = onDevice(readTensors(folder, 'inputs')) as { a: np.Array; b: np.Array }
  const product = jit((x: np.Array, y: np.Array) =>
    np.matmul(layout === 'tn' ? x.transpose() : x, layout === 'nt' ? y.transpose() : y),
  )
  const first = product(a.ref, b.ref)
  writeTensors(folder, NAME, { c: await numbers(first) })
  first.dispose()
  // Kept until they are there: work whose result is let go before may never be done.
  let products: np.Array[] = []
  return {
    run: () => {
      products.push(product(a.ref, b.ref))
    },
    finish: async () => {
      await ready(products)
      tree.dispose(products)
      products = []
    },
    drop: () => tree.dispose([a, b]),
  }
}

const rms = (x: np.Array): np.Array => {
  const mean = np.square(x.ref).mean(-1, { keepdims: true })
  return x.mul(np.reciprocal(np.sqrt(mean.add(1e-5))))
}
/** y = x·Wᵀ over the last axis; W is [out, in]. */
const linear = (x: np.Array, w: np.Array): np.Array => np.matmul(x, w.transpose())
/** Rows of a table by a product: the gradient of `np.take` is a scatter, which `jit` of this version refuses. */
const rowsOf = (table: np.Array, ids: np.Array): np.Array => np.matmul(nn.oneHot(ids, table.shape[0]!), table)
/** Half number `i` of two along the last axis. */
const half = (x: np.Array, i: number): np.Array => {
  const width = x.shape.at(-1)! / 2
  return x.slice(...x.shape.slice(0, -1).map(() => [] as never), [i * width, (i + 1) * width])
}

interface Segment {
  readonly zH: np.Array
  readonly zL: np.Array
  readonly logits: np.Array
  readonly qHalt: np.Array
  readonly qContinue: np.Array
}

/** Functions that keep the parameters they are given, and use up everything else. */
const modelOf = (task: HrmTask) => {
  const { batch, sequence, puzzleTokens, hidden, heads, layers, cycles, steps } = task
  const [total, d] = [puzzleTokens + sequence, hidden / heads]
  const table = (f: (x: number) => number) =>
    Float32Array.from({ length: total * d }, (_, i) => f(Math.floor(i / d) * 10000 ** (-(2 * (i % (d / 2))) / d)))
  const [cosines, sines] = [table(Math.cos), table(Math.sin)]
  const rotary = (x: np.Array): np.Array => {
    const [cos, sin] = [cosines, sines].map((t) => np.array(t).reshape([total, d]))
    const turned = np.concatenate([half(x.ref, 1).neg(), half(x.ref, 0)], -1)
    return x.mul(cos!).add(turned.mul(sin!))
  }
  const attention = (p: Values, at: string, x: np.Array): np.Array => {
    const qkv = linear(x, p[`${at}.qkv_proj.weight`]!.ref)
    const [q, k, v] = [0, 1, 2].map((i) =>
      (i < 2 ? qkv.ref : qkv)
        .slice([], [], [i * hidden, (i + 1) * hidden])
        .reshape([batch, total, heads, d])
        .transpose([0, 2, 1, 3]),
    )
    const scores = np.matmul(rotary(q!), rotary(k!).transpose([0, 1, 3, 2])).mul(1 / Math.sqrt(d))
    const mixed = np.matmul(nn.softmax(scores, -1), v!)
    return linear(mixed.transpose([0, 2, 1, 3]).reshape([batch, total, hidden]), p[`${at}.o_proj.weight`]!.ref)
  }
  const swiglu = (p: Values, at: string, x: np.Array): np.Array => {
    const both = linear(x, p[`${at}.gate_up_proj.weight`]!.ref)
    return linear(nn.silu(half(both.ref, 0)).mul(half(both, 1)), p[`${at}.down_proj.weight`]!.ref)
  }
  const level = (p: Values, name: 'H' | 'L', x: np.Array): np.Array => {
    let y = x
    for (let i = 0; i < (name === 'H' ? layers.high : layers.low); i++) {
      const at = `${name}_level.layers.${i}`
      y = rms(y.ref.add(attention(p, `${at}.self_attn`, y)))
      y = rms(y.ref.add(swiglu(p, `${at}.mlp`, y)))
    }
    return y
  }
  const embed = (p: Values, tokens: np.Array, ids: np.Array): np.Array => {
    const puzzle = rowsOf(p['puzzle_emb.weights']!.ref, ids).reshape([batch, puzzleTokens, hidden])
    const words = rowsOf(p['embed_tokens.embedding_weight']!.ref, tokens)
    return np.concatenate([puzzle, words], 1).mul(Math.sqrt(hidden))
  }
  const segment = (p: Values, x: np.Array, zH: np.Array, zL: np.Array): Segment => {
    const constant = Object.fromEntries(Object.entries(p).map(([name, w]) => [name, lax.stopGradient(w.ref)]))
    const still = lax.stopGradient(x.ref)
    for (let i = 0; i < cycles; i++) {
      for (let j = 0; j < steps; j++)
        if (!(i === cycles - 1 && j === steps - 1)) zL = level(constant, 'L', zL.add(zH.ref.add(still.ref)))
      if (i !== cycles - 1) zH = level(constant, 'H', zH.add(zL.ref))
    }
    tree.dispose([constant, still])
    zL = level(p, 'L', lax.stopGradient(zL).add(lax.stopGradient(zH.ref).add(x)))
    zH = level(p, 'H', lax.stopGradient(zH).add(zL.ref))
    const logits = linear(zH.ref.slice([], [puzzleTokens, total], []), p['lm_head.weight']!.ref)
    const q = linear(zH.ref.slice([], 0, []), p['q_head.weight']!.ref).add(p['q_head.bias']!.ref)
    return { zH, zL, logits, qHalt: q.ref.slice([], 0), qContinue: q.slice([], 1) }
  }
  return { embed, segment, total }
}

const prepareEvaluate = async (task: HrmTask, folder: string): Promise<Prepared> => {
  const given = readTensors(folder, 'inputs')
  const model = modelOf(task)
  const { batch, sequence, hidden } = task
  const p = onDevice(
    given,
    Object.keys(given).filter((name) => !/^(batch|explore)\./.test(name)),
  )
  const forward = jit((q: Values, inputs: np.Array, labels: np.Array, ids: np.Array) => {
    const x = model.embed(q, inputs, ids)
    const all = (z: np.Array) => np.broadcastTo(z.ref.reshape([1, 1, hidden]), [batch, model.total, hidden])
    const { zH, zL, logits, qHalt, qContinue } = model.segment(q, x, all(q.H_init!), all(q.L_init!))
    tree.dispose([q, zH, zL, qContinue])
    const predictions = np.argmax(logits, -1).astype(np.int32)
    const exact = np.min(np.equal(predictions.ref, labels).astype(np.int32), 1)
    return { predictions, exact, qHalt }
  })
  const run = async () => {
    const streamed = onDevice(given, ['batch.inputs', 'batch.labels', 'batch.puzzle_identifiers'])
    const { predictions, exact, qHalt } = forward(
      tree.ref(p),
      ...(Object.values(streamed) as [np.Array, np.Array, np.Array]),
    )
    return resting(Promise.all([predictions.data(), exact.data(), qHalt.data()]))
  }
  const [predictions, , qHalt] = await run()
  writeTensors(folder, NAME, {
    predictions: { shape: [batch, sequence], data: predictions as Int32Array },
    q_halt: { shape: [batch], data: qHalt as Float32Array },
  })
  return { run: async () => void (await run()), finish: async () => {} }
}

/** max(x, 0) − x·z + log(1 + e^−|x|) */
const binaryCrossEntropy = (x: np.Array, z: np.Array): np.Array => nn.softplus(x.ref).sub(x.mul(z))

const prepareTrain = async (task: HrmTask, folder: string): Promise<Prepared> => {
  const given = readTensors(folder, 'inputs')
  const model = modelOf(task)
  const { batch, sequence, vocabulary, hidden, beta1, beta2 } = task
  const names = Object.keys(given)
  const streams = names.filter((name) => /^(batch|explore)\./.test(name))
  const fixed = ['H_init', 'L_init']
  const trained = names.filter((name) => !streams.includes(name) && !fixed.includes(name))
  const dense = trained.filter((name) => name !== 'puzzle_emb.weights')
  const zerosLike = () => Object.fromEntries(dense.map((name) => [name, np.zeros([...given[name]!.shape])])) as Values

  const step = jit(
    (p: Values, initial: Values, m: Values, v: Values, carry: Values, fresh: Values, corrections: np.Array) => {
      const halted = carry.halted!
      const perToken = halted.ref.reshape([batch, 1])
      const perState = halted.ref.reshape([batch, 1, 1])
      const z = (init: np.Array, old: np.Array) => np.where(perState.ref, init.reshape([1, 1, hidden]), old)
      const zH = z(initial.H_init!, carry.zH!)
      const zL = z(initial.L_init!, carry.zL!)
      perState.dispose()
      const inputs = np.where(perToken.ref, fresh['batch.inputs']!, carry.inputs!)
      const labels = np.where(perToken, fresh['batch.labels']!, carry.labels!)
      const ids = np.where(halted.ref, fresh['batch.puzzle_identifiers']!, carry.ids!)
      const steps = np.where(halted, 0, carry.steps!).astype(np.int32).add(1)
      const last = np.greaterEqual(steps.ref, task.maxSegments)

      const lossOf = (q: Values, aux: Values) => {
        const x = model.embed(q, aux.inputs!, aux.ids!)
        const first = model.segment(q, x.ref, aux.zH!, aux.zL!)
        const [nextH, nextL] = [lax.stopGradient(first.zH), lax.stopGradient(first.zL)]
        const constant = Object.fromEntries(Object.entries(q).map(([name, w]) => [name, lax.stopGradient(w)])) as Values
        const later = model.segment(constant, lax.stopGradient(x), nextH.ref, nextL.ref)
        tree.dispose([constant, later.zH, later.zL, later.logits])
        const better = np.maximum(later.qHalt.ref, later.qContinue)
        const target = lax.stopGradient(nn.sigmoid(np.where(aux.last!.ref, later.qHalt, better)))
        const { logits, qHalt, qContinue } = first
        const right = np.min(
          np.equal(np.argmax(logits.ref, -1).astype(np.int32), aux.labels!.ref).astype(np.float32),
          1,
        )
        const stable = np.sign(logits.ref).mul(np.log1p(np.abs(logits)))
        const seen = nn.oneHot(aux.labels!, vocabulary)
        const lm = nn
          .logSoftmax(stable, -1)
          .mul(seen)
          .sum([1, 2])
          .mul(-1 / sequence)
        const wants = np.logicalOr(aux.last!, np.greater(qHalt.ref, qContinue.ref))
        const qHaltLoss = binaryCrossEntropy(qHalt, lax.stopGradient(right))
        const qContinueLoss = binaryCrossEntropy(qContinue, target)
        const sums = [lm, qHaltLoss, qContinueLoss].map((t) => t.sum())
        const [a, b, c] = sums as [np.Array, np.Array, np.Array]
        const loss = a.ref.add(b.ref.add(c.ref).mul(0.5))
        const losses = np.stack([loss.ref, a, b, c])
        return [loss.mul(1 / batch), { zH: nextH, zL: nextL, wants, losses }] as [np.Array, Values]
      }
      const [[loss, aux], gradients] = valueAndGrad(lossOf as never, { hasAux: true })(
        tree.ref(p) as never,
        { inputs: inputs.ref, labels: labels.ref, ids: ids.ref, zH, zL, last } as never,
      ) as unknown as [[np.Array, Values], Values]
      loss.dispose()
      const explores = np.less(fresh['explore.uniform']!, task.exploration)
      const least = np.where(explores, fresh['explore.min_steps']!, 0)
      const nextHalted = np.logicalAnd(aux.wants!, np.lessEqual(least, steps.ref))

      const first = corrections.ref.slice(0)
      const second = corrections.slice(1)
      const [w1, m1, v1]: [Values, Values, Values] = [{}, {}, {}]
      for (const name of dense) {
        const g = gradients[name]!
        const moment = m[name]!.mul(beta1).add(g.ref.mul(1 - beta1))
        const variance = v[name]!.mul(beta2).add(np.square(g).mul(1 - beta2))
        const angle = np.atan2(moment.ref, np.sqrt(variance.ref).mul(second.ref))
        w1[name] = p[name]!.mul(1 - task.lr * task.weightDecay).sub(angle.mul(first.ref.mul(task.lr)))
        m1[name] = moment
        v1[name] = variance
      }
      tree.dispose([first, second])
      const push = np.sign(gradients['puzzle_emb.weights']!).mul(task.puzzleLr)
      w1['puzzle_emb.weights'] = p['puzzle_emb.weights']!.mul(1 - task.puzzleLr * task.puzzleWeightDecay).sub(push)
      const next = { zH: aux.zH!, zL: aux.zL!, halted: nextHalted, steps, inputs, labels, ids }
      return { p: w1, m: m1, v: v1, carry: next, losses: aux.losses! }
    },
  )

  let p = onDevice(given, trained)
  const initial = onDevice(given, fixed)
  let [m, v] = [zerosLike(), zerosLike()]
  const state = [batch, model.total, hidden]
  const integers = (shape: number[]) => np.zeros(shape, { dtype: np.int32 })
  let carry: Values = {
    zH: np.zeros(state),
    zL: np.zeros(state),
    halted: np.ones([batch], { dtype: np.bool }),
    steps: integers([batch]),
    inputs: integers([batch, sequence]),
    labels: integers([batch, sequence]),
    ids: integers([batch]),
  }
  let losses = np.zeros([4])
  let t = 0
  const run = () => {
    t++
    const corrections = np.array(Float32Array.of(1 / (1 - beta1 ** t), 1 / Math.sqrt(1 - beta2 ** t)))
    losses.dispose()
    const next = step(p, tree.ref(initial), m, v, carry, onDevice(given, streams), corrections) as never as {
      p: Values
      m: Values
      v: Values
      carry: Values
      losses: np.Array
    }
    ;({ p, m, v, carry, losses } = next)
  }
  run()
  const outcome: Record<string, Awaited<ReturnType<typeof numbers>>> = { losses: await numbers(losses) }
  for (const name of dense) outcome[`m.${name}`] = await numbers(m[name]!)
  run()
  run()
  for (const name of trained) outcome[`final.${name}`] = await numbers(p[name]!)
  writeTensors(folder, NAME, outcome)
  return { run, finish: () => ready([losses, p]) }
}

await serve({
  open: async () => {
    const found = await init(kind)
    if (!found.includes(kind)) throw new Error(`jax-js has no backend ${kind} here`)
    defaultDevice(kind)
    const { version } = JSON.parse(
      readFileSync(new URL('node_modules/@jax-js/jax/package.json', import.meta.url), 'utf8'),
    )
    const info = kind === 'webgpu' ? getWebGPUDevice().adapterInfo : undefined
    return {
      library: `jax-js ${kind}`,
      version,
      adapter: info === undefined ? `CPU, ${cpus().length} workers` : `${info.device}, ${info.description}`,
    }
  },
  prepare: (task, folder) => {
    if (task.kind === 'matmul') return prepareMatmul(task, folder)
    return task.kind === 'evaluate' ? prepareEvaluate(task, folder) : prepareTrain(task, folder)
  },
})
