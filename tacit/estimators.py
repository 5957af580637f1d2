"""Tacit's methods as estimators of scikit-learn, over arrays: no project and no folder.

>>> from tacit import Encoder, FewLabelClassifier
>>> codes = Encoder(random_state=0).fit_transform(X)
>>> model = FewLabelClassifier(random_state=0).fit(X, y)  # -1 in y where nobody has answered

scikit-learn is imported at the top, since these classes are built on its own; `import tacit` does not read this file.
"""

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import assert_all_finite, check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from tacit import methods
from tacit.data.form import Form
from tacit.data.in_memory import prepare
from tacit.data.pool import Pool
from tacit.data.spec import UNLABELED
from tacit.engine.apply import apply
from tacit.engine.fit import fit
from tacit.errors import TacitError, WrongUsage
from tacit.methods.method import Method, Recipe
from tacit.project.learning import automatic
from tacit.project.starting import automatic_recipe

STEPS = 1000  # of a classifier that is told nothing else; `tacit train` takes the method's own number, up to 3,000


class Learner(BaseEstimator):
    """What both estimators share: settings, how arrays become items, and the training.

    `X` is (N, F) vectors, standardized inside, or images (N, H, W), (N, H, W, C) or (N, C, H, W) with 1, 3 or 4 channels,
    which are read as `tacit init` reads an `.npz`.

    - `method`: a name of `tacit methods`, `file.py:Class`, or `auto`; what was chosen, and why, is in `chosen_`, `why_`.
    - `steps`, `batch`, `lr`: of the training; None leaves the choice to the estimator.
    - `options`: the method's own settings and its other training settings, by name.
    - `size`: pixels of the square that images are brought to; None keeps images of one size up to 64 pixels.
    - `random_state`: equal numbers give equal models on one machine.
    - `device`: `auto`, `cpu`, `cuda` ...

    `method_` is the trained method. Whatever does not fit is a ValueError with a sentence.
    """

    _shape: tuple[int, ...]  # of an item of the first array, as it was handed over
    _form: Form  # how it became an item

    def __init__(
        self,
        method: Any = "auto",
        *,
        steps: Any = None,
        batch: Any = None,
        lr: Any = None,
        options: Any = None,
        size: Any = None,
        random_state: Any = None,
        device: Any = "auto",
    ) -> None:
        self.method = method
        self.steps = steps
        self.batch = batch
        self.lr = lr
        self.options = options
        self.size = size
        self.random_state = random_state
        self.device = device

    def _pool(self, X: Any, *, first: bool) -> Pool:
        """The items of an array; the first one says how all later ones are read."""
        x = validate_data(self, X, reset=first, allow_nd=True)
        if first:
            self._shape = x.shape[1:]
            if x.ndim > 2:
                del self.n_features_in_  # scikit-learn counts the second axis, which is a side of an image here
        elif x.shape[1:] != self._shape:
            raise ValueError(f"items have shape {x.shape[1:]}; those of fit had shape {self._shape}")
        form, rows, notes = prepare(x, self.size, None if first else self._form)
        if first:
            self._form = form
        for note in notes:
            warnings.warn(note, stacklevel=3)
        return Pool(form.spec, rows)

    def _settings(self) -> dict[str, Any]:
        """All that was asked for, by name."""
        training = {"steps": self.steps, "batch": self.batch, "lr": self.lr}
        return {**(self.options or {}), **{name: value for name, value in training.items() if value is not None}}

    def _train(self, pool: Pool, labels: Tensor | None, options: dict[str, Any], recipe: Recipe) -> None:
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        method = methods.seeded(self.chosen_, pool.spec, seed, options)
        fit(method, pool, labels, recipe=recipe, seed=seed, device=self.device)
        self.method_ = method.double() if pool.spec.kind == "vector" else method

    def _answers(self, ability: str, X: Any) -> Tensor:
        """What the trained method says of every item of an array, (N, ...) float32."""
        check_is_fitted(self)
        with as_value_errors():
            return self._ask(ability, self._pool(X, first=False))

    def _ask(self, ability: str, pool: Pool) -> Tensor:
        """The same of a pool. Of vectors in 64 bits: products of 32 bits round otherwise in a batch of another size, and an
        answer would depend on the rows beside it."""
        items = pool.floats(slice(None)).double() if pool.spec.kind == "vector" else pool
        return apply(self.method_, getattr(self.method_, ability), items)

    def __getstate__(self) -> dict[str, Any]:
        """With weights on the CPU, so that a pickle wakes up where there is no other device."""
        state = dict(super().__getstate__())
        if "method_" in state:
            state["method_"] = copy.deepcopy(state["method_"]).cpu()
        return state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


class Encoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Learner):
    """Codes (N, D) of items, float32, by a method that learns without labels.

    `method="auto"` and `steps=None` choose as `tacit learn` does: an autoencoder for vectors, simclr for 2,000 pictures in
    color or more, a vae for other images; 40 passes over the items, at least 1,000 steps and at most 20,000.
    """

    def fit(self, X: Any, y: Any = None) -> "Encoder":
        """Learn from the items; `y` is not looked at."""
        with as_value_errors():
            pool = self._pool(X, first=True)
            self.chosen_, self.why_ = asked_for(self.method) or automatic(pool)
            cls = methods.find(self.chosen_)
            if hasattr(cls, "logits"):
                raise WrongUsage(
                    f"{self.chosen_} needs labels: it classifies\n  use FewLabelClassifier, or method='auto'"
                )
            settings = self._settings()
            options, recipe = methods.split_settings(cls, settings)
            self._train(pool, None, options, automatic_recipe(recipe, pool, settings))
            self._n_features_out = self._ask("embed", pool.take(np.arange(1))).shape[1]
        return self

    def transform(self, X: Any) -> Any:
        """Codes of items, (N, D)."""
        return self._answers("embed", X).numpy()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class FewLabelClassifier(ClassifierMixin, Learner):
    """A classifier from few labels, and all items that have none.

    - `method="auto"`: `supervised` where every item has a label, else `fixmatch` for images and `mixmatch` for vectors.
      `steps=None` is the method's own number, and at most 1,000.
    - `unlabeled`: what stands in y where nobody has answered. `auto`: -1 among numbers, and among texts "" or None (or
      NaN, as pandas has it). Set it where -1 is the name of a class.
    """

    def __init__(
        self,
        method: Any = "auto",
        *,
        unlabeled: Any = "auto",
        steps: Any = None,
        batch: Any = None,
        lr: Any = None,
        options: Any = None,
        size: Any = None,
        random_state: Any = None,
        device: Any = "auto",
    ) -> None:
        super().__init__(
            method,
            steps=steps,
            batch=batch,
            lr=lr,
            options=options,
            size=size,
            random_state=random_state,
            device=device,
        )
        self.unlabeled = unlabeled

    def fit(self, X: Any, y: Any) -> "FewLabelClassifier":
        """Learn from the items and the labels there are; `classes_` are those that have a label."""
        with as_value_errors():
            pool = self._pool(X, first=True)
            if y is None:
                raise ValueError("FewLabelClassifier requires y to be passed, but the target y is None")
            known, answers = read_labels(y, self.unlabeled)
            check_consistent_length(X, known)
            self.classes_, codes = np.unique(answers, return_inverse=True)
            check_classes(self.classes_, answers)
            labels = torch.full((len(pool),), UNLABELED)
            labels[torch.from_numpy(known)] = torch.from_numpy(codes)
            pool = pool.with_classes(tuple(str(name) for name in self.classes_))
            self.chosen_, self.why_ = asked_for(self.method) or automatic_classifier(pool, labels)
            cls = methods.find(self.chosen_)
            check_method(self.chosen_, cls)
            settings = self._settings()
            options, recipe = methods.split_settings(cls, settings)
            if "steps" not in settings:
                recipe = replace(recipe, steps=min(recipe.steps, STEPS))
            self._train(pool, labels, options, recipe)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (N, K), in the order of `classes_`."""
        return self._answers("logits", X).double().softmax(1).numpy()

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of each item, (N,)."""
        p = self.predict_proba(X)
        return self.classes_[p.argmax(1)]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy on the items that have a label in y."""
        known, answers = read_labels(y, self.unlabeled)
        if not known.any():
            raise ValueError("y holds no label to compare with")
        weight = None if sample_weight is None else np.asarray(sample_weight)[known]
        return float(accuracy_score(answers, self.predict(X)[known], sample_weight=weight))


@contextmanager
def as_value_errors() -> Iterator[None]:
    """Every sentence of Tacit's as the error that users of scikit-learn catch."""
    try:
        yield
    except TacitError as error:
        raise ValueError(str(error)) from error


def asked_for(method: str) -> tuple[str, str] | None:
    """Name and reason of a method that was named."""
    return None if method == "auto" else (method, "you asked for it")


def automatic_classifier(pool: Pool, labels: Tensor) -> tuple[str, str]:
    """A method for these items and labels, and why."""
    if bool((labels >= 0).all()):
        return "supervised", "chosen because: every item has a label"
    if pool.spec.kind == "image":
        return "fixmatch", "chosen because: some images have no label, and it is known what may change about an image"
    return "mixmatch", "chosen because: some vectors have no label, and mixtures of vectors are vectors"


def check_method(name: str, cls: type[Method]) -> None:
    if not hasattr(cls, "logits"):
        raise WrongUsage(f"{name} does not classify: it learns without labels\n  use Encoder, or method='auto'")
    if cls.needs_trunk:
        raise WrongUsage(
            f"{name} begins with what another method has learned, which takes a project\n"
            "  use method='auto', or an Encoder and a classifier of scikit-learn in a Pipeline"
        )


def check_classes(classes: np.ndarray, answers: np.ndarray) -> None:
    """At least two classes with a label."""
    if len(classes) == 0:
        raise ValueError("y holds no label, so there are no classes to learn\n  try: Encoder, which needs none")
    if len(classes) == 1:
        raise ValueError(f"all {len(answers)} labels are of one class, {classes[0]!s}; a classifier needs two")


def read_labels(y: Any, unlabeled: Any) -> tuple[np.ndarray, np.ndarray]:
    """Which items have a label, (N,) bool, and these labels, one type for all: texts, whole numbers or yes and no."""
    y = column_or_1d(y, warn=True)
    if y.dtype.kind == "f":
        assert_all_finite(y, input_name="y")
    known = np.array([not is_unlabeled(value, unlabeled) for value in y.tolist()], dtype=bool)
    answers = y[known]
    if answers.dtype.kind == "O":
        values = answers.tolist()
        if len({isinstance(value, str) for value in values}) > 1:
            raise ValueError("Unknown label type: texts and numbers side by side\n  write all classes as texts")
        answers = np.array(values, dtype=None if values else int)
    if answers.ndim != 1 or answers.dtype.kind not in "Ubiuf":
        raise ValueError(f"Unknown label type: {answers.dtype}. Classes are texts or whole numbers")
    if answers.dtype.kind == "f" and (wrong := answers[answers != np.rint(answers)]).size:
        raise ValueError(f"Unknown label type: continuous. Classes are texts or whole numbers; y holds {wrong[0]:g}")
    return known, answers


def is_unlabeled(value: Any, unlabeled: Any) -> bool:
    if isinstance(unlabeled, str) and unlabeled == "auto":
        return value is None or value != value or value in ("", -1)
    return bool(value == unlabeled)
