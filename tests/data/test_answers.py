import numpy as np
import pytest

from tacit.data.answers import hidden_answers
from tacit.errors import UnknownName


def members(tmp_path, **arrays):
    np.savez(tmp_path / "x.npz", **arrays)
    return np.load(tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("answer", "names"), [("speakers", "speaker_names"), ("speakers", "speakers_names"), ("y", "class_names")]
)
def test_numbers_become_names_by_the_list_beside_them(tmp_path, answer, names):
    file = members(tmp_path, **{answer: np.array([1, 0, -1]), names: np.array(["a", "b"])})
    assert hidden_answers(tmp_path, file, [answer], answer, 3) == (["b", "a", None], ("a", "b"))


def test_without_a_member_of_that_name_there_are_none(tmp_path):
    file = members(tmp_path, takes=np.arange(3))
    assert hidden_answers(tmp_path, file, ["takes"], None, 3) == ([], ())
    with pytest.raises(UnknownName, match="did you mean: takes"):
        hidden_answers(tmp_path, file, ["takes"], "take", 3)
