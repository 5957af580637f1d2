"""What the nearest labeled items say: a classifier without training, and so a measure of the codes alone.

Wu et al. 2018 (https://arxiv.org/abs/1805.01978), sec. 3.4. k and temperature are fixed in advance, never tuned on what
is measured: for cosines k = 20 and 0.07 are the ones Caron et al. 2021 found best (https://arxiv.org/abs/2104.14294);
for Euclidean distances 0.2 was best or nearly so on MNIST and Fashion-MNIST, raw and encoded, with 50 to 5000 labels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from tacit.errors import NotEnoughLabels, WrongUsage
from tacit.latent.neighbours import nearest

TEMPERATURE = {"cosine": 0.07, "euclidean": 0.2}


def vote(
    codes: Tensor,
    bank: Tensor,
    bank_y: Tensor,
    *,
    classes: int,
    k: int = 20,
    temperature: float | None = None,
    distance: str = "cosine",
) -> Tensor:
    """Shares of the votes (n, K) for codes (n, D) from the k nearest labeled codes of the bank (M, D), y (M,).

    A neighbour's vote weighs exp(s / temperature), with s its cosine, or minus its squared distance over the mean of
    the k: no scale of the codes matters. Bank items with y < 0 have no vote; a tie goes to the nearer.
    """
    if distance not in TEMPERATURE:
        raise WrongUsage(f"distance is {distance!r}, expected one of {', '.join(TEMPERATURE)}")
    temperature = TEMPERATURE[distance] if temperature is None else temperature
    known = bank_y >= 0
    bank, y = bank[known], bank_y[known]
    if len(y) == 0:
        raise NotEnoughLabels("there are no labels to vote with\n  try: tacit choose -k 20, then tacit label")
    if distance == "cosine":
        codes, bank = F.normalize(codes, dim=1), F.normalize(bank, dim=1)
    far, index = nearest(codes, bank, min(k, len(bank)))  # (n, k), nearest first
    far = far.double().square()
    # the cosine of unit codes is 1 - far / 2; the 1 is lost in the next line
    s = -far / 2 if distance == "cosine" else -far / far.mean(1, keepdim=True).clamp(min=1e-300)
    weight = ((s - s[:, :1]) / temperature).exp()  # over the nearest's weight: exp(1 / 0.001) would be infinite
    weight = weight * torch.linspace(1, 1 - 1e-6, weight.shape[1], dtype=weight.dtype)  # a tie goes to the nearer
    shares = weight.new_zeros(len(codes), classes).scatter_add_(1, y[index], weight)
    return (shares / shares.sum(1, keepdim=True)).float()
