"""How hard the probe sets are: the best single word, a bag of words, and the model's mean residual after each block.

scikit-learn 1.9.1, torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3.

    node runner/demo/training/write-text.ts probes 1 1500 probes-texts.json
    python runner/demo/training/probes.py probes-texts.json

First 80 % of the rows train, the rest test; L2 logistic regression, C = 1 (residuals standardised). Writes probes.json.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tokenizers import Tokenizer
from transformers import Qwen3ForCausalLM

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "model"


def auroc(features, labels):
    cut = len(labels) * 4 // 5
    probe = make_pipeline(StandardScaler(with_mean=False), LogisticRegression(C=1, max_iter=3000))
    probe.fit(features[:cut], labels[:cut])
    return round(float(roc_auc_score(labels[cut:], probe.decision_function(features[cut:]))), 4)


def bag_of_words(texts, labels):
    cut = len(labels) * 4 // 5
    words = CountVectorizer(token_pattern=r"\w+|[^\w\s]", binary=True).fit(texts[:cut])
    here = words.transform(texts).toarray().astype(bool)
    agree = (here == labels[:, None].astype(bool)).mean(0)
    single = np.maximum(agree, 1 - agree)
    probe = LogisticRegression(C=1, max_iter=3000).fit(here[:cut], labels[:cut])
    score = roc_auc_score(labels[cut:], probe.decision_function(here[cut:]))
    best = int(single.argmax())
    return {"bestWord": str(words.get_feature_names_out()[best]), "bestWordAccuracy": round(float(single[best]), 4),
            "bagOfWordsAuroc": round(float(score), 4)}


def mean_residuals(model, tokenizer, texts):
    kept = []

    def keep(_module, _inputs, output):
        kept.append((output[0] if isinstance(output, tuple) else output)[0].mean(0).numpy())

    handles = [layer.register_forward_hook(keep) for layer in model.model.layers]
    with torch.no_grad():
        for text in texts:
            model(input_ids=torch.tensor([tokenizer.encode(text).ids]))
    for handle in handles:
        handle.remove()
    return np.stack(kept).reshape(len(texts), len(handles), -1)


def main(path):
    model = Qwen3ForCausalLM.from_pretrained(FOLDER, dtype=torch.float32).eval()
    tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    figures = {}
    for name, rows in json.loads(Path(path).read_text()).items():
        texts, labels = [row["text"] for row in rows], np.array([row["label"] for row in rows])
        lengths = [len(tokenizer.encode(text).ids) for text in texts]
        residuals = mean_residuals(model, tokenizer, texts)
        figures[name] = {
            "rows": len(rows),
            "tokens": {"least": min(lengths), "median": float(np.median(lengths)), "most": max(lengths)},
            **bag_of_words(texts, labels),
            "residualAuroc": {str(block): auroc(residuals[:, block], labels) for block in range(residuals.shape[1])},
        }
    (HERE / "probes.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    torch.set_num_threads(2)
    main(sys.argv[1])
