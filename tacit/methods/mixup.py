"""mixup: Beyond Empirical Risk Minimization.
Zhang, Cisse, Dauphin & Lopez-Paz, 2018. https://arxiv.org/abs/1710.09412

Departures: a mixing share is drawn for each item, not for each batch, and is at least a half, which for a share and a
partner drawn at random makes the same mixtures; the trunk all methods here share, and AdamW with a cosine, as
`supervised` has them; light changes before items are mixed.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from tacit.data.change import Change
from tacit.data.feeds import Labeled, labeled
from tacit.data.mixing import check_alpha, mixup
from tacit.data.spec import ItemSpec
from tacit.methods.beginning import check_classes, encoder_of, options_of, take_over
from tacit.methods.method import Method, Recipe, Terms
from tacit.objectives.consistency import soft_cross_entropy


class MixUp(Method):
    """A classifier of mixtures of two answered items, whose answers are mixed as the items are.

    - `alpha`: of the Beta distribution of mixing shares. 0 mixes nothing, 1 makes all shares alike likely.
    - `augment`, `flip`: as `supervised` has them, so that the two can be compared.

    Shown: `accuracy`, how often the answer of the item with the larger share is the likeliest.
    """

    feed = staticmethod(labeled)
    recipe = Recipe(steps=1000, batch=64, lr=2e-3, optimizer="adamw", weight_decay=0.01, schedule="cosine")
    paper = "Zhang et al. 2018, https://arxiv.org/abs/1710.09412"
    use_when = "you want a baseline of labelled items alone that is less sure of itself than supervised"
    options_of = staticmethod(options_of)

    def __init__(
        self,
        spec: ItemSpec,
        *,
        alpha: float = 1.0,
        trunk: str = "auto",
        width: int | None = None,
        depth: int | None = None,
        norm: str = "batch",
        features: int | None = None,
        augment: str = "light",
        flip: bool = False,
    ) -> None:
        super().__init__(spec)
        check_classes(spec)
        check_alpha(alpha)
        self.change = Change(spec, augment, flip)
        self.encoder = encoder_of(spec, trunk, width, depth, norm, features)
        self.head = nn.Linear(self.encoder.out_dim, len(spec.classes))
        self.alpha = alpha

    def loss(self, batch: Labeled) -> Terms:
        x, p = batch.x, F.one_hot(batch.y, len(self.spec.classes)).float()
        if self.training:
            x, p = mixup(self.change(x), p, self.alpha)
        logits = self.logits(x).float()
        right = logits.detach().argmax(1) == batch.y
        return {"loss": soft_cross_entropy(logits, p), "accuracy": right.float().mean()}

    def embed(self, x: Tensor) -> Tensor:
        return self.encoder(x)

    def logits(self, x: Tensor) -> Tensor:
        """Before softmax, (B, *item) -> (B, K)."""
        return self.head(self.embed(x))

    def take_over(self, learned: Method) -> None:
        """Begin with the trunk of a method learned without labels."""
        take_over([self.encoder], learned, self.spec)
