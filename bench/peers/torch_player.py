"""PyTorch as a player of bench/peers.ts: HRM's step after shared/spec/hrm.md, and matmuls.

    torch_player.py                        the processor: float32, eager mode; OpenBLAS has one thread (see peers.ts) and
                                           torch as many as are fastest
    torch_player.py cuda [f32|tf32|bf16]   a GPU: compiled, attention by scaled_dot_product_attention; bf16 as the reference
                                           casts: weights f32, what they are multiplied by and the states bf16
"""

import json
import math
import os
import struct
import sys
import time
import traceback

import numpy as np
import torch
import torch.nn.functional as F

DEVICE = torch.device(sys.argv[1] if len(sys.argv) > 1 else "cpu")
MODE = sys.argv[2] if len(sys.argv) > 2 else "f32"
DTYPE = torch.bfloat16 if MODE == "bf16" else torch.float32
# As bench/peers.ts calls this player.
NAME = "-".join(["torch", *sys.argv[2:]])
IS_GPU = DEVICE.type == "cuda"
if IS_GPU:
    if not torch.cuda.is_available():
        sys.exit("PyTorch sees no GPU of CUDA here")
    torch.set_default_device(DEVICE)
    torch.set_float32_matmul_precision("high" if MODE == "tf32" else "highest")

TYPES = {"F32": np.float32, "I32": np.int32, "U32": np.uint32}
NAMES = {np.dtype(np.float32): "F32", np.dtype(np.int32): "I32"}


def read_tensors(folder, name):
    with open(os.path.join(folder, name + ".safetensors"), "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for key, entry in header.items():
        if key == "__metadata__":
            continue
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        values = np.frombuffer(data[start:end], dtype=TYPES[entry["dtype"]]).reshape(entry["shape"])
        tensors[key] = torch.from_numpy(values.copy()).to(DEVICE)
    return tensors


def write_tensors(folder, name, tensors):
    header, parts, offset = {}, [], 0
    for key, tensor in tensors.items():
        tensor = tensor.detach().cpu()
        values = np.ascontiguousarray((tensor.float() if tensor.is_floating_point() else tensor).numpy())
        part = values.tobytes()
        header[key] = {
            "dtype": NAMES[values.dtype],
            "shape": list(values.shape),
            "data_offsets": [offset, offset + len(part)],
        }
        parts.append(part)
        offset += len(part)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(folder, name + ".safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def rms(x):
    wide = x.float()
    return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + 1e-5)).to(x.dtype)


def linear(x, weight, bias=None):
    return F.linear(x, weight.to(x.dtype), None if bias is None else bias.to(x.dtype))


def compiled(function):
    return torch.compile(function, dynamic=False) if IS_GPU else function


def attend(q, k, v):
    if IS_GPU:
        return F.scaled_dot_product_attention(q, k, v)
    scores = (q * (1 / math.sqrt(q.shape[-1]))) @ k.transpose(-1, -2)
    return scores.softmax(-1) @ v


class Model:
    """One segment; parameters are a dict by the names of the published checkpoints. B batch, T tokens, D hidden."""

    def __init__(self, task):
        self.task = task
        self.total = task["puzzleTokens"] + task["sequence"]
        self.width = task["hidden"] // task["heads"]
        frequencies = 10000.0 ** (-torch.arange(0, self.width, 2, dtype=torch.float64) / self.width)
        angles = torch.outer(torch.arange(self.total, dtype=torch.float64), frequencies)
        angles = torch.cat([angles, angles], -1)
        self.cos, self.sin = angles.cos().to(DTYPE), angles.sin().to(DTYPE)
        self.thinking = compiled(self.segment)

    def rotary(self, x):
        first, second = x.chunk(2, -1)
        return x * self.cos + torch.cat([-second, first], -1) * self.sin

    def attention(self, p, at, x):
        batch = x.shape[0]
        qkv = linear(x, p[at + ".qkv_proj.weight"])
        qkv = qkv.view(batch, self.total, 3, self.task["heads"], self.width).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        mixed = attend(self.rotary(q), self.rotary(k), v)
        return linear(mixed.transpose(1, 2).reshape(batch, self.total, -1), p[at + ".o_proj.weight"])

    def swiglu(self, p, at, x):
        gate, up = linear(x, p[at + ".gate_up_proj.weight"]).chunk(2, -1)
        return linear(F.silu(gate) * up, p[at + ".down_proj.weight"])

    def level(self, p, name, layers, x):
        for i in range(layers):
            at = f"{name}_level.layers.{i}"
            x = rms(x + self.attention(p, at + ".self_attn", x))
            x = rms(x + self.swiglu(p, at + ".mlp", x))
        return x

    def low(self, p, z_h, z_l, x):
        return self.level(p, "L", self.task["layers"]["low"], z_l + (z_h + x))

    def high(self, p, z_h, z_l):
        return self.level(p, "H", self.task["layers"]["high"], z_h + z_l)

    def embed(self, p, tokens, rows):
        puzzle = rows.view(rows.shape[0], self.task["puzzleTokens"], self.task["hidden"])
        words = F.embedding(tokens, p["embed_tokens.embedding_weight"])
        return (math.sqrt(self.task["hidden"]) * torch.cat([puzzle, words], 1)).to(DTYPE)

    def segment(self, p, x, z_h, z_l):
        """The new states, logits [B, S, V], q_halt and q_continue [B]; only the last calls are differentiated."""
        cycles, steps = self.task["cycles"], self.task["steps"]
        with torch.no_grad():
            for i in range(cycles):
                for j in range(steps):
                    if not (i == cycles - 1 and j == steps - 1):
                        z_l = self.low(p, z_h, z_l, x)
                if i != cycles - 1:
                    z_h = self.high(p, z_h, z_l)
        z_l = self.low(p, z_h, z_l, x)
        z_h = self.high(p, z_h, z_l)
        logits = linear(z_h[:, self.task["puzzleTokens"] :], p["lm_head.weight"]).float()
        q = linear(z_h[:, 0], p["q_head.weight"], p["q_head.bias"]).float()
        return z_h, z_l, logits, q[:, 0], q[:, 1]


class Evaluation:
    def __init__(self, task, folder):
        self.p = read_tensors(folder, "inputs")
        self.model, self.task = Model(task), task
        predictions, q_halt = self.run()
        write_tensors(folder, NAME, {"predictions": predictions.int(), "q_halt": q_halt})

    @torch.no_grad()
    def run(self):
        p, model = self.p, self.model
        rows = p["puzzle_emb.weights"][p["batch.puzzle_identifiers"].long()]
        x = model.embed(p, p["batch.inputs"], rows)
        shape = (self.task["batch"], model.total, self.task["hidden"])
        z_h, z_l = (p[name].to(DTYPE).expand(shape) for name in ("H_init", "L_init"))
        _, _, logits, q_halt, _ = model.thinking(p, x, z_h, z_l)
        predictions = logits.argmax(-1)
        (predictions == p["batch.labels"]).all(-1)
        return predictions, q_halt


class Training:
    def __init__(self, task, folder):
        given = read_tensors(folder, "inputs")
        self.model, self.task, self.t = Model(task), task, 0
        self.stream = {k: v for k, v in given.items() if k.startswith(("batch.", "explore."))}
        self.p = {k: v for k, v in given.items() if k not in self.stream}
        self.dense = [k for k in self.p if not k.endswith("_init") and k != "puzzle_emb.weights"]
        for key in self.dense:
            self.p[key].requires_grad_()
        self.m = {k: torch.zeros_like(self.p[k]) for k in self.dense}
        self.v = {k: torch.zeros_like(self.p[k]) for k in self.dense}
        self.move = compiled(self.move_dense)
        batch, sequence = task["batch"], task["sequence"]
        state = (batch, self.model.total, task["hidden"])
        self.carry = {
            "z_h": torch.zeros(state, dtype=DTYPE),
            "z_l": torch.zeros(state, dtype=DTYPE),
            "steps": torch.zeros(batch, dtype=torch.int32),
            "halted": torch.ones(batch, dtype=torch.bool),
            "inputs": torch.zeros(batch, sequence, dtype=torch.int32),
            "labels": torch.zeros(batch, sequence, dtype=torch.int32),
            "ids": torch.zeros(batch, dtype=torch.int32),
        }
        self.run()
        outcome = {"losses": self.losses, **{"m." + k: m for k, m in self.m.items()}}
        outcome = {k: v.clone() for k, v in outcome.items()}
        self.run()
        self.run()
        finals = {"final." + k: self.p[k] for k in [*self.dense, "puzzle_emb.weights"]}
        write_tensors(folder, NAME, {**outcome, **finals})

    def run(self):
        p, task, old, fresh = self.p, self.task, self.carry, self.stream
        self.t += 1
        halted = old["halted"]
        z_h = torch.where(halted[:, None, None], p["H_init"].to(DTYPE), old["z_h"])
        z_l = torch.where(halted[:, None, None], p["L_init"].to(DTYPE), old["z_l"])
        inputs = torch.where(halted[:, None], fresh["batch.inputs"], old["inputs"])
        labels = torch.where(halted[:, None], fresh["batch.labels"], old["labels"])
        ids = torch.where(halted, fresh["batch.puzzle_identifiers"], old["ids"])
        steps = torch.where(halted, 0, old["steps"]).int() + 1

        rows = p["puzzle_emb.weights"][ids.long()].requires_grad_()
        x = self.model.embed(p, inputs, rows)
        z_h, z_l, logits, q_halt, q_continue = self.model.thinking(p, x, z_h, z_l)
        z_h, z_l = z_h.detach(), z_l.detach()

        with torch.no_grad():
            right = (logits.argmax(-1) == labels).all(-1)
            last = steps >= task["maxSegments"]
            least = torch.where(fresh["explore.uniform"] < task["exploration"], fresh["explore.min_steps"], 0)
            halted = (last | (q_halt > q_continue)) & (steps >= least)
            _, _, _, later_halt, later_continue = self.model.thinking(p, x, z_h, z_l)
            target = torch.sigmoid(torch.where(last, later_halt, torch.maximum(later_halt, later_continue)))

        stable = logits.sign() * torch.log1p(logits.abs())
        losses = F.cross_entropy(stable.flatten(0, 1), labels.flatten().long(), reduction="none")
        lm = losses.view(labels.shape).mean(-1).sum()
        q_halt_loss = F.binary_cross_entropy_with_logits(q_halt, right.float(), reduction="sum")
        q_continue_loss = F.binary_cross_entropy_with_logits(q_continue, target, reduction="sum")
        loss = lm + 0.5 * (q_halt_loss + q_continue_loss)
        weights = [p[k] for k in self.dense]
        *gradients, row_gradients = torch.autograd.grad(loss / task["batch"], [*weights, rows])
        self.losses = torch.stack([loss, lm, q_halt_loss, q_continue_loss]).detach()
        self.update(gradients, ids.long(), row_gradients)
        self.carry = dict(z_h=z_h, z_l=z_l, steps=steps, halted=halted, inputs=inputs, labels=labels, ids=ids)

    @torch.no_grad()
    def update(self, gradients, ids, row_gradients):
        task, t = self.task, self.t
        # Tensors, so that a compiled update does not depend on the step.
        rates = torch.tensor([1 / (1 - task["beta1"] ** t), 1 / math.sqrt(1 - task["beta2"] ** t)])
        self.move(gradients, rates)
        table = self.p["puzzle_emb.weights"]
        unique, inverse = ids.unique(return_inverse=True)
        summed = torch.zeros(len(unique), table.shape[1]).index_add_(0, inverse, row_gradients)
        decayed = table[unique] * (1 - task["puzzleLr"] * task["puzzleWeightDecay"])
        table[unique] = decayed - task["puzzleLr"] * summed.sign()

    def move_dense(self, gradients, rates):
        task = self.task
        for key, g in zip(self.dense, gradients):
            w, m, v = self.p[key], self.m[key], self.v[key]
            m.lerp_(g, 1 - task["beta1"])
            v.mul_(task["beta2"]).addcmul_(g, g, value=1 - task["beta2"])
            w.mul_(1 - task["lr"] * task["weightDecay"])
            w.sub_(torch.atan2(m, v.sqrt() * rates[1]) * (task["lr"] * rates[0]))


class Matmul:
    def __init__(self, task, folder):
        tensors = read_tensors(folder, "inputs")
        a, b = tensors["a"], tensors["b"]
        self.a = a.t() if task["layout"] == "tn" else a
        self.b = b.t() if task["layout"] == "nt" else b
        write_tensors(folder, NAME, {"c": self.run()})

    def run(self):
        return self.a @ self.b


KINDS = {"matmul": Matmul, "train": Training, "evaluate": Evaluation}


def choose_threads(prepared):
    """Keeps the number of threads that is fastest for this task: more than one need not be."""
    times = {}
    for threads in sorted({1, os.cpu_count()}):
        torch.set_num_threads(threads)
        prepared.run()
        start = time.perf_counter()
        prepared.run()
        times[threads] = time.perf_counter() - start
    torch.set_num_threads(min(times, key=times.get))


def main():
    prepared = None
    for line in sys.stdin:
        request = json.loads(line)
        start, used = time.perf_counter(), time.process_time()
        try:
            if request["do"] == "close":
                break
            if request["do"] == "open":
                threads = f"CPU, 1 or {os.cpu_count()} threads, whichever is faster for a case"
                adapter = f"{torch.cuda.get_device_name()}, {MODE}, compiled" if IS_GPU else threads
                answer = {"library": "pytorch", "version": torch.__version__, "adapter": adapter}
            elif request["do"] == "prepare":
                prepared = KINDS[request["task"]["kind"]](request["task"], request["folder"])
                answer = {"seconds": time.perf_counter() - start}
                if not IS_GPU:
                    choose_threads(prepared)
            else:
                for _ in range(request["repeats"]):
                    prepared.run()
                if IS_GPU:
                    torch.cuda.synchronize()
                answer = {"seconds": time.perf_counter() - start, "processor": time.process_time() - used}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print("@" + json.dumps(answer), flush=True)


main()
