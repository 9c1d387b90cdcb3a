"""The reference procedure of evaluating SAEs, in transformers + PyTorch on the CPU, as a notebook has it: layer by layer, a
forward hook on the block, four forward passes a row of text (activations, clean, SAE spliced in, zero spliced in), one a
probe text and one more for those of the ablation.

Arguments: a folder with config.json and model.safetensors, a JSON file that says what to do, threads. Each line of stdin
is a round; the answer is one line of JSON, pooled latents go to the file that the JSON names.
"""

import json
import sys
import time

import numpy as np
import torch
import transformers

folder, job, threads = sys.argv[1], json.load(open(sys.argv[2])), int(sys.argv[3])
torch.set_num_threads(threads)
model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
d, n, k = job["d"], job["n"], job["k"]
rows = [torch.tensor([row]) for row in job["rows"]]
texts = [torch.tensor([text]) for text in job["texts"]]


def read(name, *shape):
    return torch.from_numpy(np.fromfile(name, dtype=np.float32).reshape(*shape))


class TopK:
    def __init__(self, files):
        self.W_enc = read(files["W_enc"], d, n)
        self.W_dec = read(files["W_dec"], n, d)

    def encode(self, x):
        top = (x @ self.W_enc).topk(k, dim=-1, sorted=False)
        return torch.zeros(x.shape[0], n).scatter_(-1, top.indices, top.values.relu())

    def reconstruct(self, x):
        return self.encode(x) @ self.W_dec


def residual(block, ids):
    kept = []
    handle = block.register_forward_hook(lambda _module, _inputs, out: kept.append(out[0] if isinstance(out, tuple) else out))
    model(input_ids=ids, use_cache=False)
    handle.remove()
    return kept[0][0]


def loss(ids, block=None, replace=None):
    handle = None
    if block is not None:
        def splice(_module, _inputs, out):
            x = out[0] if isinstance(out, tuple) else out
            new = replace(x[0])[None]
            return (new, *out[1:]) if isinstance(out, tuple) else new
        handle = block.register_forward_hook(splice)
    logits = model(input_ids=ids, use_cache=False).logits
    if handle is not None:
        handle.remove()
    return torch.nn.functional.cross_entropy(logits[0, :-1], ids[0, 1:], reduction="sum").item()


def one_layer(layer, sae):
    block = model.model.layers[layer]
    found = {"clean": [], "sae": [], "zero": []}
    mean, squares, errors, tokens = torch.zeros(d, dtype=torch.float64), 0.0, 0.0, 0
    for ids in rows:
        x = residual(block, ids)
        mean += x.double().sum(0)
        squares += x.double().square().sum().item()
        errors += (x - sae.reconstruct(x)).double().square().sum().item()
        tokens += x.shape[0]
        found["clean"].append(loss(ids))
        found["sae"].append(loss(ids, block, sae.reconstruct))
        found["zero"].append(loss(ids, block, torch.zeros_like))
    pooled = torch.zeros(len(texts), n)
    for i, ids in enumerate(texts):
        pooled[i] = sae.encode(residual(block, ids)).mean(0)
    for ids in texts[: job["ablation"]]:
        sae.encode(residual(block, ids)).mean(0)
    found["varExp"] = 1 - errors / (squares - (mean.square().sum() / tokens).item())
    return found, pooled


saes = [TopK(files) for files in job["saes"]]
print(json.dumps({"versions": f"transformers {transformers.__version__}, torch {torch.__version__}"}), flush=True)
for _ in sys.stdin:
    began, cpu = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        answers = [one_layer(layer, sae) for layer, sae in zip(job["layers"], saes)]
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    for (_found, pooled), files in zip(answers, job["saes"]):
        pooled.numpy().tofile(files["pooled"])
    print(json.dumps({"seconds": seconds, "cpu": used, "layers": [found for found, _pooled in answers]}), flush=True)
