"""Principal components: the linear code that loses the least squared error of an item."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tacit.errors import BadData, WrongUsage


class PrincipalComponents(nn.Module):
    """Items (B, *item) as their D principal components, and the way back. Random directions until `fit`.

    `axes` (V, D) are orthonormal, of falling variance; `left_variance` is the mean variance in a direction left out.
    """

    middle: Tensor
    axes: Tensor
    left_variance: Tensor
    fitted: Tensor

    def __init__(self, shape: tuple[int, ...], dim: int) -> None:
        super().__init__()
        values = math.prod(shape)
        if not 1 <= dim <= values:
            raise WrongUsage(
                f"an item of {values} values has 1 to {values} principal components, not {dim}\n"
                f"  try: --latent-dim {min(40, values)}"
            )
        self.shape, self.dim, self.left_out = shape, dim, values - dim
        self.register_buffer("middle", torch.zeros(values))
        self.register_buffer("axes", nn.init.orthogonal_(torch.empty(values, dim)))
        self.register_buffer("left_variance", torch.ones(()))
        self.register_buffer("fitted", torch.tensor(False))

    @torch.no_grad()
    def fit(self, x: Float[Tensor, "N *item"]) -> None:
        """Take the components of these items. The largest loading of each is positive: a sign of one's own choice."""
        x = x.flatten(1).double()
        n, v = x.shape
        if n <= self.dim:
            raise BadData(
                f"{self.dim} principal components need more than {self.dim} items; there are {n}\n"
                f"  try: --latent-dim {max(1, n - 1)}"
            )
        middle = x.mean(0)
        x = x - middle
        total = x.square().sum()
        if total == 0:
            raise BadData(f"all {n} items looked at are the same: they have no principal components")
        if v <= n:
            axes = torch.linalg.eigh(x.T @ x).eigenvectors[:, -self.dim :].flip(1)
        else:  # the smaller product of the two; QR gives unit length, and some direction where no variance is left
            axes = torch.linalg.qr(x.T @ torch.linalg.eigh(x @ x.T).eigenvectors[:, -self.dim :].flip(1)).Q
        axes = axes * axes.gather(0, axes.abs().argmax(0, keepdim=True)).sign()
        left = (total - (x @ axes).square().sum()).clamp(min=0)
        # as many degrees of freedom as the mean and the components leave: few items would look too close to their plane
        left = left / max(1, self.left_out * (n - 1 - self.dim))
        for kept, found in ((self.middle, middle), (self.axes, axes), (self.left_variance, left)):
            kept.copy_(found)
        self.fitted.fill_(True)

    def forward(self, x: Float[Tensor, "B *item"]) -> Float[Tensor, "B D"]:
        return (x.flatten(1) - self.middle) @ self.axes

    def back(self, z: Float[Tensor, "B D"]) -> Float[Tensor, "B *item"]:
        """The item in the plane of the components, (B, D) -> (B, *item)."""
        return torch.addmm(self.middle, z, self.axes.T).unflatten(1, self.shape)
