"""Training speed of a VAE 784-300-300-40: the engine's own loop beside a bare hand-written one, turn by turn.

    python bench/vae_speed.py --data FOLDER [--write docs/results.md]      (FOLDER has mnist/train.npz and test.npz)

Both train the same network on the same items in the same precision for the same number of steps; the bare loop has its
items as one tensor in memory and nothing else: no progress, no feed, no checks. pythae joins where it is installed.
A ratio is engine / bare of one turn; the median of the turns counts.
"""

import argparse
import json
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "0")

import numpy as np
import torch

from tacit.bench.results import markdown, provenance, write_section
from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.engine.device import Device, onednn_is_exact
from tacit.engine.fit import fit
from tacit.methods.method import Recipe
from tacit.methods.vae import VAE


def images(folder: str, split: str, n: int) -> np.ndarray:
    with np.load(Path(folder) / "mnist" / f"{split}.npz", allow_pickle=False) as data:
        return data["x"][:n, None]


def fresh(spec: ItemSpec) -> VAE:
    torch.manual_seed(0)
    return VAE(spec, trunk="mlp", latent_dim=40)


def engine(x: np.ndarray, steps: int, batch: int, where: Device) -> tuple[VAE, float]:
    pool = Pool(ItemSpec((1, 28, 28)), x)
    method = fresh(pool.spec)
    began = time.perf_counter()
    fit(method, pool, recipe=Recipe(steps=steps, batch=batch, lr=1e-3), device=where)
    return method, time.perf_counter() - began


def bare(x: np.ndarray, steps: int, batch: int, where: Device) -> tuple[VAE, float]:
    """What one would write for this network alone."""
    items = torch.from_numpy(x)
    method = fresh(ItemSpec((1, 28, 28)))
    optimizer = torch.optim.Adam(method.parameters(), lr=1e-3, fused=True)
    encoder, head, decoder = method.encoder, method.to_posterior, method.decoder
    began, step = time.perf_counter(), 0
    with where.products():
        while step < steps:
            order = torch.randperm(len(items))
            for i in range(0, len(items) - batch + 1, batch):
                seen = items[order[i : i + batch]].float().mul_(1 / 255)
                seen = torch.rand_like(seen).lt_(seen)
                with where.autocast():
                    mean, log_var = head(encoder(seen)).float().chunk(2, 1)
                    log_var = log_var.clamp(-6, 2)
                    logits = decoder(mean + (0.5 * log_var).exp() * torch.randn_like(mean))
                    rebuilt = torch.nn.functional.binary_cross_entropy_with_logits(
                        logits.float(), seen, reduction="none"
                    ).sum((1, 2, 3))
                    kl = 0.5 * (mean.square() + log_var.exp() - 1 - log_var).sum(1)
                    loss = (rebuilt + kl).mean()
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                step += 1
                if step == steps:
                    break
    return method, time.perf_counter() - began


def peer(x: np.ndarray, steps: int, batch: int) -> float | None:
    """Seconds pythae 0.1.2 takes for the same network and number of steps (fp32: it has no other)."""
    try:
        import logging
        import tempfile

        from pythae.data.datasets import BaseDataset
        from pythae.models import VAE as Peer
        from pythae.models import VAEConfig
        from pythae.models.base.base_utils import ModelOutput
        from pythae.models.nn import BaseDecoder, BaseEncoder
        from pythae.trainers import BaseTrainer, BaseTrainerConfig
    except Exception:  # also a torchvision that does not fit this torch
        return None
    nn = torch.nn
    logging.disable(logging.WARNING)

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 300), nn.ReLU())
            self.mean, self.log_var = nn.Linear(300, 40), nn.Linear(300, 40)

        def forward(self, x):
            h = self.body(x.flatten(1))
            return ModelOutput(embedding=self.mean(h), log_covariance=self.log_var(h))

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            body = [nn.Linear(40, 300), nn.ReLU(), nn.Linear(300, 300), nn.ReLU(), nn.Linear(300, 784), nn.Sigmoid()]
            self.body = nn.Sequential(*body)

        def forward(self, z):
            return ModelOutput(reconstruction=self.body(z).view(-1, 1, 28, 28))

    items = torch.from_numpy(x).float().div_(255)
    data = BaseDataset(items, torch.zeros(len(items)))
    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=40, reconstruction_loss="bce")
    model = Peer(config, encoder=Encoder(), decoder=Decoder())
    epochs = max(1, round(steps * batch / len(items)))
    with tempfile.TemporaryDirectory() as out:
        settings = BaseTrainerConfig(
            output_dir=out, learning_rate=1e-3, per_device_train_batch_size=batch, num_epochs=epochs, no_cuda=True
        )
        trainer = BaseTrainer(model=model, train_dataset=data, training_config=settings)
        began = time.perf_counter()
        trainer.train()
        return (time.perf_counter() - began) * steps / (epochs * -(-len(items) // batch))


@torch.no_grad()
def elbo(method: VAE, x: np.ndarray) -> float:
    """Nats per test item, one fixed binarization, one sample of the code."""
    torch.manual_seed(777)
    method.eval()
    seen = torch.from_numpy(x).float() / 255
    seen = (torch.rand_like(seen) < seen).float()
    mean, log_var = method.posterior(seen)
    decoded = method.decoder(mean + (0.5 * log_var).exp() * torch.randn_like(mean))
    kl = 0.5 * (mean.square() + log_var.exp() - 1 - log_var).sum(1)
    return float((method.log_likelihood(seen, decoded) - kl).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--write", default="")
    args = parser.parse_args()
    x, test = images(args.data, "train", args.n), images(args.data, "test", 10_000)
    rows = [
        [
            "batch",
            "precision",
            "engine, items/s",
            "bare loop",
            "engine / bare",
            "pythae",
            "engine / pythae",
            "test ELBO: engine, bare",
        ]
    ]
    for batch in (100, 500):
        for bf16 in (False, True):
            where = Device(torch.device("cpu"), bf16, onednn_is_exact())
            steps = args.passes * len(x) // batch
            engine(x, 50, batch, where), bare(x, 50, batch, where)
            mine, theirs, peers, bounds = [], [], [], []
            for _ in range(args.turns):
                method, seconds = engine(x, steps, batch, where)
                mine.append(steps * batch / seconds)
                other, seconds = bare(x, steps, batch, where)
                theirs.append(steps * batch / seconds)
                bounds = [elbo(method, test), elbo(other, test)]
                if (seconds_of_peer := peer(x, steps, batch)) is not None:
                    peers.append(steps * batch / seconds_of_peer)
            ratios = [a / b for a, b in zip(mine, theirs, strict=True)]
            line = {
                "batch": batch,
                "bf16": bf16,
                "engine": mine,
                "bare": theirs,
                "ratio": statistics.median(ratios),
                "peer": peers,
                "elbo": bounds,
                "load": os.getloadavg()[0],
            }
            print(json.dumps(line), flush=True)
            beside = ["not installed", ""]
            if peers:
                over = [a / b for a, b in zip(mine, peers, strict=True)]
                beside = [spread(peers), f"{statistics.median(over):.1f} ({min(over):.1f}-{max(over):.1f})"]
            rows.append(
                [
                    str(batch),
                    "bf16" if bf16 else "fp32",
                    spread(mine),
                    spread(theirs),
                    f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})",
                    *beside,
                    f"{bounds[0]:.1f}, {bounds[1]:.1f}",
                ]
            )
    if args.write:
        text = f"Training a VAE 784-300-300-40 on {len(x):,} MNIST images, {torch.get_num_threads()} threads, {args.turns} turns; median (smallest-largest).\n\n"
        command = "python bench/vae_speed.py --data FOLDER"
        write_section(
            Path(args.write),
            "vae-speed",
            f"## Speed: training a VAE\n\n{provenance(command, [0])}\n\n{text}{markdown(rows)}",
        )


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):,.0f} ({min(values):,.0f}-{max(values):,.0f})"


if __name__ == "__main__":
    main()
