"""Trains SAEs of five architectures with sae_lens' own trainer on samples that lie in a file, float32 [steps * batch, d].

usage: python truth_peer.py FOLDER JSON, with {d, steps, batch, rate, warmup, width, runs, seed, ...}; FOLDER holds
samples.f32 and gets a folder an SAE, named as its run.
"""

import json
import sys
from pathlib import Path

import numpy as np
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
from sae_lens.config import LoggingConfig, SAETrainerConfig
from sae_lens.training.sae_trainer import SAETrainer

torch.set_num_threads(1)
folder, given = Path(sys.argv[1]), json.loads(sys.argv[2])
d, steps, batch = given["d"], given["steps"], given["batch"]
samples = torch.from_numpy(np.fromfile(folder / "samples.f32", dtype=np.float32).reshape(steps, batch, d))
plain = {"d_in": d, "d_sae": given["width"]}
threshold_lr = 1 - given["thresholdDecay"]


def sae_of(architecture, sparsity):
    match architecture:
        case "topk":
            return TopKTrainingSAE(TopKTrainingSAEConfig(**plain, k=int(sparsity)))
        case "batchtopk":
            return BatchTopKTrainingSAE(
                BatchTopKTrainingSAEConfig(**plain, k=int(sparsity), topk_threshold_lr=threshold_lr)
            )
        case "matryoshka":
            return MatryoshkaBatchTopKTrainingSAE(
                MatryoshkaBatchTopKTrainingSAEConfig(
                    **plain,
                    k=int(sparsity),
                    topk_threshold_lr=threshold_lr,
                    matryoshka_widths=[int(each) for each in given["groups"]],
                )
            )
        case "jumprelu":
            return JumpReLUTrainingSAE(
                JumpReLUTrainingSAEConfig(
                    **plain,
                    # Thresholds are given in the scale of rows of unit norm.
                    decoder_init_norm=1.0,
                    l0_coefficient=given["penalty"],
                    l0_warm_up_steps=given["warmup"],
                    jumprelu_sparsity_loss_mode="quadratic",
                    target_l0=sparsity,
                    jumprelu_init_threshold=given["threshold"],
                    jumprelu_bandwidth=given["bandwidth"],
                )
            )
        case "gated":
            return GatedTrainingSAE(
                GatedTrainingSAEConfig(**plain, l1_coefficient=sparsity, l1_warm_up_steps=given["warmup"])
            )


for run in given["runs"]:
    torch.manual_seed(given["seed"])
    sae = sae_of(run["architecture"], run["sparsity"])
    trainer = SAETrainer(
        cfg=SAETrainerConfig(
            n_checkpoints=0,
            checkpoint_path=None,
            save_final_checkpoint=False,
            total_training_samples=steps * batch,
            device="cpu",
            autocast=False,
            lr=given["rate"],
            lr_end=given["rate"],
            lr_scheduler_name="constant",
            lr_warm_up_steps=given["warmup"],
            adam_beta1=0.9,
            adam_beta2=0.999,
            lr_decay_steps=0,
            n_restart_cycles=1,
            train_batch_size_samples=batch,
            # 50,000 samples, as ours.
            dead_feature_window=50_000 // batch,
            feature_sampling_window=2_000,
            logger=LoggingConfig(log_to_wandb=False, eval_every_n_wandb_logs=2**31 - 1),
        ),
        sae=sae,
        data_provider=iter(samples),
    )
    trainer.fit()
    sae.save_inference_model(str(folder / run["name"]))
