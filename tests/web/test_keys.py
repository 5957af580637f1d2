"""Which key gives which class, and what changes of keys do."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.errors import WrongUsage
from tacit.web.keys import DEFAULTS, DIGITS, bindings, checked, defaults

names = st.lists(st.one_of(st.sampled_from(DIGITS), st.text(min_size=1, max_size=3)), unique=True, max_size=20)


def of_classes(keys: dict[str, str], n: int) -> list[str]:
    return [keys[f"class-{i}"] for i in range(1, n + 1)]


def with_keys(keys: object) -> SimpleNamespace:
    """A desk whose project.toml says this under [keys]."""
    return SimpleNamespace(project=SimpleNamespace(settings={"keys": keys}))


def test_classes_have_the_digits_in_their_order_unless_they_are_called_by_digits():
    assert defaults(["heron", "gull"]) == DEFAULTS
    assert of_classes(defaults(list("0123456789")), 10) == list("0123456789")
    assert of_classes(defaults(["heron", "3", "gull", "1", "12"]), 5) == ["2", "3", "4", "1", "5"]
    assert of_classes(defaults([*"abcdefghij", "1"]), 11) == [*DIGITS, "q"]  # beyond the tenth there are letters


@given(names)
def test_no_key_does_two_things(classes):
    keys = defaults(classes)
    assert len(set(keys.values())) == len(keys) and set(keys.values()) == set(DEFAULTS.values())
    assert all(keys[f"class-{i}"] == name for i, name in enumerate(classes[:10], 1) if name in DIGITS)


def test_a_changed_key_is_taken_from_what_had_it():
    keys = bindings(with_keys({"skip": "3", "jump": "j", "undo": 7}), ["a", "b", "c"])
    assert (keys["skip"], keys["class-3"], keys["class-2"], keys["undo"]) == ("3", "", "2", "z") and "jump" not in keys
    keys = bindings(
        with_keys({"class-1": "5", "class-5": "1"}), list("0123456789")
    )  # exchanged before they were renamed
    used = [key for key in keys.values() if key]
    assert len(used) == len(set(used)) and (keys["class-1"], keys["class-6"]) == ("5", "")


def test_changes_are_kept_where_they_differ_and_refused_where_a_key_would_do_two_things():
    assert checked({"skip": "j", "undo": "z"}, []) == {"skip": "j"}
    assert checked({"class-1": "0", "class-2": "1"}, ["0", "1"]) == {}
    with pytest.raises(WrongUsage, match="'0' would do two things: class-1 and skip"):
        checked({"skip": "0"}, ["0"])
