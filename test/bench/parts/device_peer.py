"""The same work in PyTorch, on a card where torch sees one: answers each line of stdin with the milliseconds of one pass.

    "hook N ROWS TOKENS"     the residual after block N, by a forward hook (the whole model runs, as its users' does)
    "full ROWS TOKENS"       mean next-token loss
    "step D N K B"           one step of a TopK SAE (float32): product, topk, dense product back, clip, Adam, unit rows

Written for torch 2.15, transformers 5.24.  Command: python test/bench/parts/device_peer.py FOLDER bfloat16|float32 [tf32]
"""

import sys
import time

import torch
import transformers

folder, dtype = sys.argv[1:3]
# As asked, and not as some later default of torch.
torch.backends.cuda.matmul.allow_tf32 = sys.argv[3:] == ["tf32"]
device = "cuda" if torch.cuda.is_available() else "cpu"
model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).eval().to(device)
name = torch.cuda.get_device_name(0) if device == "cuda" else "cpu"
print(f"torch {torch.__version__}, transformers {transformers.__version__}, {name}", flush=True)


def ids_of(rows, tokens):
    count = rows * tokens
    return torch.tensor([(i * 7919) % model.config.vocab_size for i in range(count)], device=device).reshape(rows, tokens)


class Trainer:
    def __init__(self, d, n, k, batch):
        self.k = k
        self.enc = torch.nn.Parameter(torch.randn(d, n, device=device) / d**0.5)
        self.dec = torch.nn.Parameter(torch.randn(n, d, device=device) / n**0.5)
        self.b_enc = torch.nn.Parameter(torch.zeros(n, device=device))
        self.b_dec = torch.nn.Parameter(torch.zeros(d, device=device))
        self.parameters = [self.enc, self.dec, self.b_enc, self.b_dec]
        self.optimiser = torch.optim.Adam(self.parameters, lr=1e-4, fused=device == "cuda")
        self.x = torch.randn(batch, d)

    def step(self):
        x = self.x.to(device)
        pre = (x - self.b_dec) @ self.enc + self.b_enc
        top, at = pre.topk(self.k, sorted=False)
        z = torch.zeros_like(pre).scatter(1, at, top.relu())
        loss = (z @ self.dec + self.b_dec - x).square().mean()
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        with torch.no_grad():
            self.dec /= self.dec.norm(dim=1, keepdim=True).clamp_min(1e-12)
        return loss.item()


trainer, shape = None, None
for line in sys.stdin:
    what, *rest = line.split()
    numbers = [int(each) for each in rest]
    if what == "step" and numbers != shape:
        trainer = None
        trainer, shape = Trainer(*numbers), numbers
    began = time.perf_counter()
    if what == "step":
        trainer.step()
    else:
        with torch.inference_mode():
            ids = ids_of(*numbers[-2:])
            if what == "full":
                logits = model(input_ids=ids, use_cache=False).logits
                torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1).float(), ids[:, 1:].flatten()).item()
            else:
                kept = []
                handle = model.model.layers[numbers[0]].register_forward_hook(
                    lambda _m, _i, output: kept.append(output[0] if isinstance(output, tuple) else output))
                model(input_ids=ids, use_cache=False)
                handle.remove()
                kept[0].float().cpu()
    print((time.perf_counter() - began) * 1000, flush=True)
