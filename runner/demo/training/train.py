"""Trains the embedded language model: a Qwen3-architecture decoder of 1.3 M parameters, on a CPU.

torch 2.15.0, safetensors 0.8.0. See README.md for the commands and the figures.

    python runner/demo/training/train.py rows.bin [--minutes 25] [--threads 2]

rows.bin: packed rows of 256 tokens from write-text.ts. The training stops at the end of the rows or when the minutes
are over; the learning rate follows whichever comes first. Writes runner/demo/model/{config.json,model.safetensors}, or into --folder.
"""

import argparse
import json
import math
import os
import time
from pathlib import Path

import numpy as np
# Some virtual machines announce AMX without having it, and Muon computes in bfloat16.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

FOLDER = Path(__file__).resolve().parents[1] / "model"
ROW = 256
CONFIG = {
    "architectures": ["Qwen3ForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": None,
    "dtype": "float16",
    "eos_token_id": 2045,
    "head_dim": 32,
    "hidden_act": "silu",
    "hidden_size": 128,
    "initializer_range": 0.02,
    "intermediate_size": 320,
    "max_position_embeddings": 1024,
    "max_window_layers": 6,
    "model_type": "qwen3",
    "num_attention_heads": 4,
    "num_hidden_layers": 6,
    "num_key_value_heads": 2,
    "pad_token_id": 2043,
    "rms_norm_eps": 1e-06,
    "rope_scaling": None,
    "rope_theta": 10000.0,
    "sliding_window": None,
    "tie_word_embeddings": True,
    "torch_dtype": "float16",
    "use_cache": True,
    "use_sliding_window": False,
    "vocab_size": 2048,
}
D, HEADS, KV, HEAD, LAYERS = 128, 4, 2, 32, 6


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        linear = lambda i, o: torch.nn.Linear(i, o, bias=False)
        self.input_layernorm = torch.nn.RMSNorm(D, eps=1e-6)
        self.q_proj, self.k_proj, self.v_proj = linear(D, HEADS * HEAD), linear(D, KV * HEAD), linear(D, KV * HEAD)
        self.o_proj = linear(HEADS * HEAD, D)
        self.q_norm, self.k_norm = torch.nn.RMSNorm(HEAD, eps=1e-6), torch.nn.RMSNorm(HEAD, eps=1e-6)
        self.post_attention_layernorm = torch.nn.RMSNorm(D, eps=1e-6)
        width = CONFIG["intermediate_size"]
        self.gate_proj, self.up_proj, self.down_proj = linear(D, width), linear(D, width), linear(width, D)

    def forward(self, x, cos, sin):
        b, t, _ = x.shape
        h = self.input_layernorm(x)
        q = rotate(self.q_norm(self.q_proj(h).view(b, t, HEADS, HEAD)).transpose(1, 2), cos, sin)
        k = rotate(self.k_norm(self.k_proj(h).view(b, t, KV, HEAD)).transpose(1, 2), cos, sin)
        v = self.v_proj(h).view(b, t, KV, HEAD).transpose(1, 2)
        k, v = (y.repeat_interleave(HEADS // KV, 1) for y in (k, v))
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o_proj(a.transpose(1, 2).reshape(b, t, HEADS * HEAD))
        h = self.post_attention_layernorm(x)
        return x + self.down_proj(F.silu(self.gate_proj(h)) * self.up_proj(h))


def rotate(x, cos, sin):
    left, right = x.chunk(2, -1)
    return x * cos + torch.cat((-right, left), -1) * sin


class Decoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed_tokens = torch.nn.Embedding(CONFIG["vocab_size"], D)
        self.layers = torch.nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm = torch.nn.RMSNorm(D, eps=1e-6)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                last = name.endswith(("o_proj.weight", "down_proj.weight"))
                torch.nn.init.normal_(p, std=0.02 if "embed" in name else D**-0.5 / (math.sqrt(2 * LAYERS) if last else 1))
        angle = torch.outer(torch.arange(1024.0), CONFIG["rope_theta"] ** -(torch.arange(0, HEAD, 2) / HEAD))
        self.cos, self.sin = torch.cat((angle, angle), -1).cos(), torch.cat((angle, angle), -1).sin()

    def forward(self, ids):
        x = self.embed_tokens(ids)
        cos, sin = self.cos[: ids.shape[1]], self.sin[: ids.shape[1]]
        for layer in self.layers:
            x = layer(x, cos, sin)
        return F.linear(self.norm(x), self.embed_tokens.weight)

    def loss(self, ids):
        logits = self(ids[:, :-1])
        return F.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten())


def published(model):
    """Weights under the names of the ordinary layout, in float16."""
    attention = ("q_proj", "k_proj", "v_proj", "o_proj", "q_norm", "k_norm")
    named = {}
    for name, p in model.state_dict().items():
        parts = name.split(".")
        if parts[0] == "layers" and parts[2] in attention:
            parts.insert(2, "self_attn")
        elif parts[0] == "layers" and parts[2] in ("gate_proj", "up_proj", "down_proj"):
            parts.insert(2, "mlp")
        named["model." + ".".join(parts)] = p.detach().to(torch.float16).contiguous()
    return named


def save(model, folder):
    folder.mkdir(exist_ok=True)
    temporary = folder / "model.safetensors.tmp"
    save_file(published(model), temporary, metadata={"format": "pt"})
    os.replace(temporary, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("rows")
    options.add_argument("--folder", type=Path, default=FOLDER)
    options.add_argument("--minutes", type=float, default=25)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--batch", type=int, default=16)
    options.add_argument("--rate", type=float, default=4e-3)
    options.add_argument("--seed", type=int, default=1)
    o = options.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)
    rows = np.fromfile(o.rows, dtype="<u2").reshape(-1, ROW)
    order = np.random.default_rng(o.seed).permutation(len(rows))
    model = Decoder()
    # Hidden matrices by Muon, which needs about half the tokens here; the embedding and the norms by AdamW.
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.dim() == 1 or "embed" in n]
    optimisers = [
        torch.optim.Muon(matrices, lr=o.rate, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=o.rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]
    steps = len(rows) // o.batch
    loss_of = torch.compile(model.loss)
    loss_of(torch.zeros(o.batch, ROW, dtype=torch.int64)).backward()
    print(sum(p.numel() for p in model.parameters()), "parameters,", steps, "steps at most", flush=True)
    start, mean = time.time(), None
    for step in range(steps):
        done = max(step / steps, (time.time() - start) / (o.minutes * 60))
        if done >= 1:
            break
        rate = o.rate * min(1, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        for optimiser in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate
        batch = torch.from_numpy(rows[order[step * o.batch : (step + 1) * o.batch]].astype(np.int64))
        loss = loss_of(batch)
        model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
        mean = loss.item() if mean is None else 0.95 * mean + 0.05 * loss.item()
        if step % 50 == 49:
            tokens = (step + 1) * o.batch * ROW
            print(f"step {step + 1} tokens {tokens} loss {mean:.4f} rate {rate:.2e} {tokens / (time.time() - start):.0f} tokens/s", flush=True)
    save(model, o.folder)
    print(f"saved after {step + 1} steps, {(time.time() - start) / 60:.1f} minutes", flush=True)


if __name__ == "__main__":
    main()
