"""Trains SAEs of five architectures with sae_lens' own trainer on a synthetic model that it reads from a folder.

usage: python truth_peer.py MODEL OUT JSON, with {steps, batch, rate, warmup, width, k, l1, seeds}; one folder an SAE.
"""

import json
import sys
from pathlib import Path

import torch
from sae_lens import (
    BatchTopKTrainingSAE,
    BatchTopKTrainingSAEConfig,
    GatedTrainingSAE,
    GatedTrainingSAEConfig,
    JumpReLUTrainingSAE,
    JumpReLUTrainingSAEConfig,
    MatryoshkaBatchTopKTrainingSAE,
    MatryoshkaBatchTopKTrainingSAEConfig,
    TopKTrainingSAE,
    TopKTrainingSAEConfig,
)
from sae_lens.synthetic import SyntheticModel, train_toy_sae

torch.set_num_threads(1)
model_folder, out, given = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
model = SyntheticModel.load_from_disk(model_folder)
d, width, k = model.cfg.hidden_dim, given["width"], given["k"]
plain = {"d_in": d, "d_sae": width}


def sae_of(architecture):
    match architecture:
        case "topk":
            return TopKTrainingSAE(TopKTrainingSAEConfig(**plain, k=k))
        case "batchtopk":
            return BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(**plain, k=k))
        case "matryoshka":
            return MatryoshkaBatchTopKTrainingSAE(
                MatryoshkaBatchTopKTrainingSAEConfig(**plain, k=k, matryoshka_widths=given["groups"])
            )
        case "jumprelu":
            return JumpReLUTrainingSAE(
                JumpReLUTrainingSAEConfig(
                    **plain,
                    l0_coefficient=given["penalty"],
                    l0_warm_up_steps=given["warmup"],
                    jumprelu_sparsity_loss_mode="quadratic",
                    target_l0=k,
                    jumprelu_init_threshold=given["threshold"],
                    jumprelu_bandwidth=given["bandwidth"],
                )
            )
        case "gated":
            return GatedTrainingSAE(
                GatedTrainingSAEConfig(**plain, l1_coefficient=given["l1"], l1_warm_up_steps=given["warmup"])
            )


for seed in given["seeds"]:
    for architecture in given["architectures"]:
        torch.manual_seed(seed)
        sae = sae_of(architecture)
        train_toy_sae(
            sae,
            model.feature_dict,
            model.activation_generator,
            training_samples=given["steps"] * given["batch"],
            batch_size=given["batch"],
            lr=given["rate"],
            lr_warm_up_steps=given["warmup"],
        )
        sae.save_inference_model(str(out / f"{architecture}-{seed}"))
