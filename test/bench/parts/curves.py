"""The losses of training steps of a TopK SAE in PyTorch, in float32 and in float64.

What: the recipe as PyTorch's own parts compute it (autograd, torch.optim.Adam, clip_grad_norm_), from the weights and
activations of raw float32 files; AuxK in its reference form, with the dead clock of the recipe.

Versions: torch 2.15 (any recent one will do).
Command: python test/bench/parts/curves.py FOLDER   (run by npm run bench -- train-curves)
"""

import json
import math
import sys
from pathlib import Path

import torch


def train(job, folder, dtype):
    d, n, k, k_aux, batch = (job[key] for key in ("d_in", "dSae", "k", "kAux", "batchTokens"))
    shapes = {"W_enc": (d, n), "W_dec": (n, d), "b_enc": (n,), "b_dec": (d,)}

    def read(name, shape):
        return torch.from_file(str(folder / f"{name}.f32"), size=math.prod(shape)).clone().reshape(shape).to(dtype)

    p = {name: torch.nn.Parameter(read(name, shape)) for name, shape in shapes.items()}
    data = read("x", (job["batches"], batch, d))
    adam = torch.optim.Adam(p.values(), lr=1.0, betas=(job["adamBeta1"], job["adamBeta2"]), eps=job["adamEpsilon"])
    silent = torch.zeros(n, dtype=torch.int64)
    losses = []
    for step, rate in enumerate(job["rates"]):
        x = data[step % job["batches"]]
        dead = silent >= job["deadThresholdTokens"]
        adam.param_groups[0]["lr"] = rate
        pre = (x - p["b_dec"]) @ p["W_enc"] + p["b_enc"]
        top, at = pre.topk(k, dim=-1)
        z = torch.zeros_like(pre).scatter(-1, at, top.relu())
        error = x - (z @ p["W_dec"] + p["b_dec"])
        loss = error.pow(2).mean()
        losses.append(loss.item())
        if dead.sum() >= k_aux:
            aux_top, aux_at = pre.masked_fill(~dead, -math.inf).topk(k_aux, dim=-1)
            aux_z = torch.zeros_like(pre).scatter(-1, aux_at, aux_top.relu())
            loss = loss + job["alphaAux"] * (aux_z @ p["W_dec"] - error.detach()).pow(2).mean()
        adam.zero_grad()
        loss.backward()
        with torch.no_grad():
            torch.nn.utils.clip_grad_norm_(p.values(), job["gradientClip"])
            adam.step()
            p["W_dec"] /= p["W_dec"].norm(dim=1, keepdim=True)
            fired = torch.zeros(n, dtype=torch.bool)
            fired[at.flatten()] = True
            silent = torch.where(fired, 0, silent + batch)
    return losses


folder = Path(sys.argv[1])
job = json.loads((folder / "job.json").read_text())
torch.set_num_threads(job["threads"])
print(json.dumps({"float32": train(job, folder, torch.float32), "float64": train(job, folder, torch.float64)}))
