import pytest

from tacit.data.spec import ItemSpec
from tacit.errors import UnknownName, WrongUsage
from tacit.methods.method import Method, Recipe
from tacit.methods.settings import convert, method_options, settings_of_each, split_settings
from tacit.methods.vae import VAE


def test_options_and_training_settings_come_apart():
    options, recipe = split_settings(VAE, {"latent-dim": "16", "steps": "2000", "lr": "3e-4", "binarize": "no"})
    assert options == {"latent_dim": 16, "binarize": False}
    assert recipe.steps == 2000 and recipe.lr == 3e-4
    assert recipe.batch == VAE.recipe.batch and recipe.optimizer == VAE.recipe.optimizer


def test_no_settings_leave_the_recipe_of_the_paper():
    assert split_settings(VAE, {}) == ({}, VAE.recipe)


@pytest.mark.parametrize("name", ["latent-dim", "latent_dim", "--latent-dim", "--latent_dim"])
def test_dashes_and_underscores_are_equal(name):
    assert split_settings(VAE, {name: 8})[0] == {"latent_dim": 8}


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (int, "32", 32),
        (int, "-1", -1),
        (int, 4.0, 4),
        (float, "1e-3", 1e-3),
        (float, 1, 1.0),
        (bool, "yes", True),
        (bool, "False", False),
        (bool, "0", False),
        (bool, True, True),
        (str, "conv", "conv"),
        (int | None, "none", None),
        (int | None, None, None),
        (int | None, "7", 7),
        (float | None, "0.1", 0.1),
        (str | None, "none", None),
        (tuple[int, ...], (1, 2), (1, 2)),
    ],
)
def test_values_become_what_the_annotation_says(annotation, value, expected):
    converted = convert({"a": value}, {"a": annotation})["a"]
    assert converted == expected and type(converted) is type(expected)


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (int, "3.5", "a whole number"),
        (int, "many", "a whole number"),
        (int, True, "a whole number"),
        (int, None, "a whole number"),
        (float, "nan", "a number"),
        (float, "0,1", "a number"),
        (bool, "maybe", "yes or no"),
        (str, 3, "text"),
        (int | None, "x", "a whole number or none"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_what_was_expected(annotation, value, expected):
    with pytest.raises(WrongUsage) as error:
        convert({"some-thing": value}, {"some_thing": annotation})
    assert str(error.value) == f"1 setting is wrong\n  --some-thing  needs {expected}, not {value!r}"


def test_all_unknown_names_are_said_at_once_each_with_its_nearest():
    with pytest.raises(UnknownName) as error:
        split_settings(VAE, {"step": "5", "latentdim": "3", "beta": "2", "qqqq": "1"})
    lines = str(error.value).splitlines()
    assert lines[0] == "3 settings are not known"
    assert lines[1] == "  --step       did you mean --steps?"
    assert lines[2] == "  --latentdim  did you mean --latent-dim?"
    assert lines[3] == "  --qqqq       nothing is called so"
    assert lines[4].startswith("  known: ") and "--free-bits" in lines[4] and "--weight-decay" in lines[4]


def test_unknown_names_and_wrong_values_are_one_error():
    with pytest.raises(UnknownName, match="2 settings are wrong") as error:
        split_settings(VAE, {"step": "5", "batch": "big"})
    assert "--steps" in str(error.value) and "needs a whole number, not 'big'" in str(error.value)


def test_one_thing_said_twice_is_refused():
    with pytest.raises(WrongUsage, match="twice"):
        convert({"latent-dim": "3", "latent_dim": "4"}, {"latent_dim": int})


def test_a_method_without_hyperparameters_has_no_options():
    class Plain(Method):
        def loss(self, batch):
            return {}

        def embed(self, x):
            return x

    assert method_options(Plain) == {}
    assert split_settings(Plain, {"steps": 10}) == ({}, Recipe(steps=10))
    assert Plain(ItemSpec((2,), "vector")).options == {}


def test_settings_for_several_methods_go_to_those_that_know_them():
    from tacit.methods.finetune import Finetune
    from tacit.methods.linear import Linear
    from tacit.methods.supervised import Supervised

    classes = [Supervised, Linear, Finetune]
    got = settings_of_each(classes, {"--label-smoothing": "0.1", "steps": "3", "layer": "map.1"})
    assert got == [
        {"label_smoothing": "0.1", "steps": "3"},
        {"steps": "3", "layer": "map.1"},
        {"label_smoothing": "0.1", "steps": "3", "layer": "map.1"},  # which finetune refuses itself
    ]
    with pytest.raises(UnknownName, match="--beta"):
        settings_of_each(classes, {"beta": "2", "steps": "3"})
    with pytest.raises(WrongUsage, match="--steps  needs a whole number"):
        settings_of_each(classes, {"steps": "many"})
