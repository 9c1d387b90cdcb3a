"""Held-out loss of the embedded model against a unigram and a 5-gram model of the same text, in nats per token.

torch 2.15.0, transformers 5.23.0, numpy 2.4.6. The 5-gram is interpolated Kneser-Ney (Chen and Goodman 1998, one
discount per order), trained on the very tokens that the language model was trained on. All three are measured on the
same predictions: positions 2 to 256 of each held-out row, which comes from another seed. The n-gram models may look
back over the start of a row's text as far as the row goes, as the language model does.

    python runner/demo/training/heldout.py rows.bin TOKENS heldout.bin    # TOKENS: how many of rows.bin were trained on
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import Qwen3ForCausalLM

HERE = Path(__file__).resolve().parent
ROW, VOCABULARY, ORDER, BITS = 256, 2048, 5, 11


def grams(rows, n):
    """Each row's n-grams as whole numbers, last token in the lowest bits."""
    width = rows.shape[1] - n + 1
    key = np.zeros((rows.shape[0], width), np.uint64)
    for i in range(n):
        key = (key << np.uint64(BITS)) | rows[:, i : i + width].astype(np.uint64)
    return key


def look_up(keys, values, wanted):
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0)


class KneserNey:
    def __init__(self, rows):
        self.orders = []
        higher = None
        for n in range(ORDER, 0, -1):
            if higher is None:
                keys, counts = np.unique(grams(rows, n).ravel(), return_counts=True)
            else:  # in how many different contexts a shorter gram was seen
                keys, counts = np.unique(higher & np.uint64((1 << (BITS * n)) - 1), return_counts=True)
            ones, twos = (counts == 1).sum(), (counts == 2).sum()
            discount = ones / (ones + 2 * twos) if ones else 0.5
            contexts, start = np.unique(keys >> np.uint64(BITS), return_index=True)
            totals, kinds = np.add.reduceat(counts, start), np.diff(np.append(start, len(keys)))
            self.orders.append((n, keys, counts, contexts, totals, kinds, discount))
            higher = keys
        self.orders.reverse()

    def nll(self, rows):
        """-log p of tokens 2.. of each row; [rows, ROW - 1]."""
        p = np.full((rows.shape[0], ROW - 1), 1 / VOCABULARY)
        for n, keys, counts, contexts, totals, kinds, discount in self.orders:
            first = max(n - 2, 0)  # the first prediction whose context of n - 1 tokens lies in the row
            gram = grams(rows, n)[:, 1 if n == 1 else 0 :]
            count = look_up(keys, counts, gram)
            context = gram >> np.uint64(BITS)
            total, kind = look_up(contexts, totals, context), look_up(contexts, kinds, context)
            lower = p[:, first:]
            seen = total > 0
            total = np.maximum(total, 1)
            p[:, first:] = np.where(seen, (np.maximum(count - discount, 0) + discount * kind * lower) / total, lower)
        return -np.log(p)


def unigram_nll(train, rows):
    counts = np.bincount(train.ravel(), minlength=VOCABULARY) + 1.0
    return -np.log(counts / counts.sum())[rows[:, 1:]]


def model_nll(rows):
    model = Qwen3ForCausalLM.from_pretrained(HERE.parent / "model", dtype=torch.float32).eval()
    parts = []
    with torch.no_grad():
        for i in range(0, len(rows), 16):
            ids = torch.from_numpy(rows[i : i + 16].astype(np.int64))
            logp = torch.log_softmax(model(input_ids=ids).logits[:, :-1].double(), -1)
            parts.append(-logp.gather(-1, ids[:, 1:, None])[..., 0].numpy())
    return np.concatenate(parts)


def main(train_path, tokens, heldout_path):
    train = np.fromfile(train_path, dtype="<u2").reshape(-1, ROW)
    order = np.random.default_rng(1).permutation(len(train))  # train.py's order
    train = train[order[: int(tokens) // ROW]]
    rows = np.fromfile(heldout_path, dtype="<u2").reshape(-1, ROW)[:800]
    figures = {
        "model": round(float(model_nll(rows).mean()), 4),
        "unigram": round(float(unigram_nll(train, rows).mean()), 4),
        "fivegram": round(float(KneserNey(train).nll(rows).mean()), 4),
        "tokens": {"trained": int(train.size), "heldout": int(rows.size - len(rows))},
        "seeds": {"trained": 42, "heldout": 43},
        "unit": "nats per token",
        "fivegramKind": "interpolated Kneser-Ney, trained on the model's own training tokens",
    }
    (HERE / "heldout.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    torch.set_num_threads(2)
    main(*sys.argv[1:])
