"""Encoder and FewLabelClassifier are estimators as scikit-learn means them."""

import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_classifiers_classes, check_estimator

import tacit
from tacit import Encoder, FewLabelClassifier

QUICK = {"steps": 12, "lr": 0.03, "options": {"width": 16}, "random_state": 0}
CANNOT_APPLY = {  # checks of scikit-learn, each with the reason; it makes this very exception for its own classifiers
    "check_classifiers_classes": "its two classes are called -1 and 1, and -1 says that nobody has answered",
}


@pytest.fixture(scope="module")
def vectors(digits):
    x, y = digits
    return x[:300].reshape(300, -1).astype(np.float64), y[:300]


@pytest.fixture(scope="module")
def images(digits):
    """Digits of 28 x 28 pixels."""
    x, y = digits
    return np.pad(x[:60, 0].repeat(3, 1).repeat(3, 2), ((0, 0), (2, 2), (2, 2))), y[:60]


def partly(y, known=40):
    return np.where(np.arange(len(y)) < known, y, -1)


# what scikit-learn demands


@pytest.mark.parametrize(
    ("estimator", "cannot_apply"),
    [(Encoder(**QUICK), {}), (FewLabelClassifier(**QUICK), CANNOT_APPLY)],
    ids=["Encoder", "FewLabelClassifier"],
)
def test_it_passes_the_checks_of_scikit_learn(estimator, cannot_apply):
    results = check_estimator(estimator, expected_failed_checks=cannot_apply, on_skip=None, on_fail=None)
    failed = {found["check_name"]: found["exception"] for found in results if found["status"] == "failed"}
    excepted = {found["check_name"] for found in results if found["status"] == "xfail"}
    assert not failed and excepted == set(cannot_apply)
    assert sum(found["status"] == "passed" for found in results) > 40


def test_a_class_may_be_called_minus_one_where_something_else_says_unlabeled():
    check_classifiers_classes("FewLabelClassifier", FewLabelClassifier(unlabeled=-2, **QUICK))


def test_a_clone_has_the_settings_and_nothing_learned(vectors):
    fitted = Encoder(**QUICK).fit(vectors[0])
    again = clone(fitted)
    assert again.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        again.transform(vectors[0])


def test_a_pipeline_of_codes_and_a_linear_classifier_is_cross_validated(vectors):
    pipeline = make_pipeline(Encoder(**{**QUICK, "steps": 100}), LogisticRegression(max_iter=300))
    scores = cross_val_score(pipeline, *vectors, cv=3)
    assert scores.shape == (3,) and scores.min() > 0.5  # of ten classes; 0.77 to 0.89 where this was written


def test_settings_are_searched_for(vectors):
    grid = {"options": [{"width": 8}, {"width": 16}], "steps": [np.int64(12)]}
    search = GridSearchCV(FewLabelClassifier(**QUICK), grid, cv=2, error_score="raise").fit(*vectors)
    assert search.best_estimator_.method_.options["width"] == search.best_params_["options"]["width"]


@pytest.mark.parametrize("kind", ["vectors", "images"])
def test_what_comes_out_of_a_pickle_answers_the_same(kind, request):
    x, y = request.getfixturevalue(kind)
    model = FewLabelClassifier(**QUICK).fit(x, partly(y))
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict_proba(x), model.predict_proba(x))
    codes = Encoder(**QUICK).fit(x)
    assert np.array_equal(pickle.loads(pickle.dumps(codes)).transform(x), codes.transform(x))


def test_equal_numbers_give_equal_models_and_others_do_not(vectors):
    x, y = vectors
    first, same, other = (
        FewLabelClassifier(**{**QUICK, "random_state": seed}).fit(x, partly(y)).predict_proba(x)
        for seed in (3, np.random.RandomState(3), 4)
    )
    assert np.array_equal(first, same) and not np.array_equal(first, other)


def test_the_caller_keeps_their_random_numbers(vectors):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    Encoder(**QUICK).fit_transform(vectors[0])
    assert torch.equal(torch.rand(3), expected)


def test_codes_have_names(vectors):
    encoder = Encoder(**{**QUICK, "options": {"width": 16, "latent_dim": 3}}).fit(vectors[0])
    assert encoder.get_feature_names_out().tolist() == ["encoder0", "encoder1", "encoder2"]
    codes = encoder.transform(vectors[0])
    assert codes.shape == (300, 3) and codes.dtype == np.float32


# which method


def test_the_encoder_chooses_as_learn_does(vectors, images):
    for x, name in ((vectors[0], "autoencoder"), (images[0], "vae")):
        encoder = Encoder(**QUICK).fit(x)
        assert encoder.chosen_ == name and encoder.why_.startswith("chosen because")


def test_the_classifier_chooses_by_labels_and_items(vectors, images):
    asked = [
        (vectors[0], vectors[1], "supervised"),
        (vectors[0], partly(vectors[1]), "mixmatch"),
        (images[0], partly(images[1]), "fixmatch"),
    ]
    for x, y, name in asked:
        assert FewLabelClassifier(**QUICK).fit(x, y).chosen_ == name


@pytest.mark.parametrize("name", ["vae", "exemplar_vae", "simclr", "parzen_window"])
def test_other_methods_are_asked_for_by_name(name, vectors):
    encoder = Encoder(name, steps=3, random_state=0)
    assert len(encoder.fit_transform(vectors[0])) == 300 and encoder.why_ == "you asked for it"


def test_training_settings_reach_the_training_and_others_the_method(vectors):
    short, long = (
        FewLabelClassifier("supervised", steps=n, options={"width": 16, "weight_decay": 0.5}, random_state=0)
        for n in (1, 2)
    )
    first, second = (model.fit(*vectors).method_.state_dict()["head.weight"] for model in (short, long))
    assert not torch.equal(first, second)
    plain = FewLabelClassifier("supervised", steps=1, options={"width": 16}, random_state=0).fit(*vectors)
    assert not torch.equal(first, plain.method_.state_dict()["head.weight"])  # without the weight decay


# items


def test_images_are_the_same_with_channels_in_front_at_the_end_or_without(images):
    x = images[0]
    plain, front, end = (Encoder(**QUICK).fit_transform(each) for each in (x, x[:, None], x[..., None]))
    assert np.array_equal(plain, front) and np.array_equal(plain, end)


def test_images_get_the_size_asked_for(images):
    assert Encoder(size=14, **QUICK).fit(images[0]).method_.spec.shape == (1, 14, 14)


def test_what_was_done_to_values_is_a_warning(images):
    with pytest.warns(UserWarning, match="became 0..255"):
        Encoder(**QUICK).fit(images[0].astype(np.float32) / 255 - 0.5)


def test_images_on_another_scale_or_of_another_shape_are_refused(images):
    encoder = Encoder(**QUICK).fit(images[0])
    with pytest.raises(ValueError, match="whole numbers the first time, and are floats now"):
        encoder.transform(images[0] / 255)
    with pytest.raises(ValueError, match=r"items have shape \(28, 20\); those of fit had shape \(28, 28\)"):
        encoder.transform(images[0][:, :, :20])


# labels


@pytest.mark.parametrize("nothing", ["", None, np.nan])
def test_texts_are_classes_and_nothing_is_no_label(vectors, nothing):
    x, y = vectors
    y = np.array([f"digit {c}" if i < 40 else nothing for i, c in enumerate(y)], dtype=object)
    model = FewLabelClassifier(**QUICK).fit(x, y)
    assert model.chosen_ == "mixmatch"
    assert model.classes_.tolist() == [f"digit {c}" for c in range(10)]
    assert set(model.predict(x)) <= set(model.classes_)


def test_another_marker_says_unlabeled(vectors):
    x, y = vectors
    model = FewLabelClassifier(unlabeled=255, **QUICK).fit(x, np.where(np.arange(300) < 40, y, 255).astype(np.uint8))
    assert model.chosen_ == "mixmatch" and model.classes_.tolist() == list(range(10))


def test_the_score_counts_items_that_have_a_label(vectors):
    x, y = vectors
    model = FewLabelClassifier(**QUICK).fit(x, partly(y))
    assert model.score(x, partly(y)) == model.score(x[:40], y[:40])
    weight = np.r_[1.0, np.zeros(299)]
    assert model.score(x, partly(y), weight) == float(model.predict(x[:1])[0] == y[0])


def test_few_items_are_enough(vectors):
    x = vectors[0][:3]
    model = FewLabelClassifier(**QUICK).fit(x, [True, False, False])
    assert model.predict(x).dtype == bool and model.predict_proba(x).shape == (3, 2)
    assert len(Encoder(**QUICK).fit_transform(x[:1])) == 1


@pytest.mark.parametrize(
    ("settings", "labels", "sentence"),
    [
        ({}, [-1] * 6, "y holds no label"),
        ({}, [4, 4, -1, -1, -1, -1], "all 2 labels are of one class, 4; a classifier needs two"),
        ({}, [0, 1, 0.5, 0, 1, 0], "Unknown label type: continuous.*y holds 0.5"),
        ({}, np.array([0, "a", 1, "b", None, 0], dtype=object), "texts and numbers side by side"),
        ({}, [0, 1, 0, 1, 0], "inconsistent numbers of samples"),
        ({}, None, "requires y to be passed"),
        ({"method": "mixmetch"}, [0, 1, 0, 1, 0, 1], "did you mean: mixmatch"),
        ({"method": "vae"}, [0, 1, 0, 1, 0, 1], "vae does not classify.*use Encoder"),
        ({"method": "finetune"}, [0, 1, 0, 1, 0, 1], "finetune begins with what another method has learned"),
        ({"options": {"widht": 3}}, [0, 1, 0, 1, 0, 1], "did you mean --width"),
        ({"steps": 2.5}, [0, 1, 0, 1, 0, 1], "needs a whole number, not 2.5"),
        ({"device": "abacus"}, [0, 1, 0, 1, 0, 1], "'abacus' cannot be used here"),
    ],
)
def test_mistakes_are_value_errors_that_say_what_is_wrong(vectors, settings, labels, sentence):
    with pytest.raises(ValueError, match=f"(?s){sentence}"):
        FewLabelClassifier(**settings).fit(vectors[0][:6], labels)


def test_an_encoder_refuses_classifiers_and_a_score_without_labels_is_refused(vectors):
    with pytest.raises(ValueError, match=r"supervised needs labels.*\n.*FewLabelClassifier"):
        Encoder("supervised").fit(vectors[0])
    with pytest.raises(ValueError, match="no label to compare with"):
        FewLabelClassifier(**QUICK).fit(*vectors).score(vectors[0][:3], [-1, -1, -1])


# the page


def test_the_example_of_the_page_runs():
    page = Path(tacit.__file__).parents[1] / "docs" / "estimators.md"
    (example,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    names: dict = {}
    exec(example, names)
    assert names["model"].score(names["x_test"], names["y_test"]) > 0.7
