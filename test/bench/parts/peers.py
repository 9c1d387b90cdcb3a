"""One training step of a peer's own trainer, on command.

What: builds the trainer of one peer (sae_lens, dictionary_learning or sparsify) on PyTorch CPU in float32, reads
activations from a raw float32 file, then for every line "step" on standard input takes one optimiser step and
answers "seconds WALL CPU". Before each step the peer's own record of silent latents is set so that the given number of
latents count as dead and the others as alive: AuxK is on, over the same number of latents for everyone.

The libraries print to standard output while they work; answers begin with "interpboard ".

Written for torch 2.15, sae-lens 6.54, dictionary-learning 0.1.0, eai-sparsify 1.3 (any recent ones will do).
Command: python test/bench/parts/peers.py PEER FILE D_IN D_SAE K BATCH DEAD THREADS   (run by npm run bench -- train-peers)
"""

import os
import sys
import time

# Its Triton kernels need a GPU; this is its own way to ask for its PyTorch path.
os.environ["SPARSIFY_DISABLE_TRITON"] = "1"
os.environ["WANDB_MODE"] = "disabled"

import torch

SILENT = 1_000_000_000
ALPHA = 1 / 32
STEPS = 100_000


def answer(text):
    print(f"interpboard {text}", flush=True)


def wait_for_step():
    """Returns at the next "step", ends the process when there is none."""
    if sys.stdin.readline().strip() != "step":
        os._exit(0)


class Clock:
    """Times steps that a library's own loop takes: the loop asks for a batch before each."""

    def __init__(self):
        self.started = None
        self.cpu = 0.0

    def before_step(self, prepare):
        if self.started is None:
            answer("ready")
        else:
            answer(f"seconds {time.perf_counter() - self.started} {time.process_time() - self.cpu}")
        wait_for_step()
        prepare()
        self.cpu = time.process_time()
        self.started = time.perf_counter()


def silence(counter, dead):
    counter.zero_()
    counter[:dead] = SILENT


def sae_lens(batches, d_in, d_sae, k, dead):
    from sae_lens.config import SAETrainerConfig
    from sae_lens.saes.topk_sae import TopKTrainingSAE, TopKTrainingSAEConfig
    from sae_lens.training.sae_trainer import SAETrainer

    sae = TopKTrainingSAE(
        TopKTrainingSAEConfig(
            d_in=d_in, d_sae=d_sae, k=k, aux_loss_coefficient=ALPHA, dtype="float32", device="cpu",
        )
    )
    clock = Clock()

    def provider():
        i = 0
        while True:
            clock.before_step(lambda: silence(trainer.n_forward_passes_since_fired, dead))
            yield batches[i % len(batches)]
            i += 1

    batch = batches.shape[1]
    config = SAETrainerConfig(
        total_training_samples=STEPS * batch, train_batch_size_samples=batch, device="cpu", lr=2e-4, lr_end=2e-4
    )
    trainer = SAETrainer(config, sae, provider())
    trainer.fit()


def dictionary_learning(batches, d_in, d_sae, k, dead):
    from dictionary_learning.trainers.top_k import TopKTrainer

    trainer = TopKTrainer(
        steps=STEPS, activation_dim=d_in, dict_size=d_sae, k=k, layer=0, lm_name="none", lr=2e-4,
        auxk_alpha=ALPHA, device="cpu", seed=0,
    )
    clock = Clock()
    for step in range(STEPS):
        clock.before_step(lambda: silence(trainer.num_tokens_since_fired, dead))
        trainer.update(step, batches[step % len(batches)])


def sparsify(batches, d_in, d_sae, k, dead):
    from sparsify.config import SparseCoderConfig, TrainConfig
    from sparsify.trainer import Trainer

    class Source(torch.nn.Module):
        """Stands where the language model would: its one module gives the stored activations, at no cost."""

        def __init__(self):
            super().__init__()
            self.hook = torch.nn.Identity()
            self.device = torch.device("cpu")
            self.dummy_inputs = {"x": torch.zeros(1, 1, dtype=torch.long)}
            self.at = 0

        @property
        def base_model(self):
            return self

        def forward(self, x):
            return self.hook(batches[self.at % len(batches)].unsqueeze(0))

    class Tokens(torch.utils.data.Dataset):
        def __len__(self):
            return STEPS

        def __getitem__(self, i):
            clock.before_step(lambda: silence(trainer.num_tokens_since_fired["hook"], dead))
            model.at = i
            return {"input_ids": tokens}

    tokens = torch.arange(batches.shape[1])
    model = Source()
    clock = Clock()
    config = TrainConfig(
        SparseCoderConfig(num_latents=d_sae, k=k), batch_size=1, optimizer="adam", lr=2e-4, auxk_alpha=ALPHA,
        hookpoints=["hook"], save_every=10 * STEPS, log_to_wandb=False,
    )
    trainer = Trainer(config, Tokens(), model)
    trainer.fit()


PEERS = {peer.__name__: peer for peer in (sae_lens, dictionary_learning, sparsify)}


def main():
    peer, file = sys.argv[1:3]
    d_in, d_sae, k, batch, dead, threads = map(int, sys.argv[3:])
    torch.set_num_threads(threads)
    batches = torch.from_file(file, size=os.path.getsize(file) // 4).clone().reshape(-1, batch, d_in)
    PEERS[peer](batches, d_in, d_sae, k, dead)


main()
