"""Names in other programs' files mean items of the project, or nothing; never the wrong one."""

import pytest

from tacit.data.naming import Names

KNOWN = {
    "cats/001.png": "cat1",
    "dogs/001.png": "dog1",
    "cats/my cat (2).png": "cat2",
    "birds/heron.png": "heron",
    "A1": "A1",
}
NAMES = Names(KNOWN)


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("cats/001.png", "cat1"),
        ("cats\\001.png", "cat1"),
        ("./cats//001.png", "cat1"),
        ("A1", "A1"),
        ("/data/local-files/?d=photos/cats/001.png", "cat1"),
        ("/data/local-files/?d=photos%2Fcats%2Fmy%20cat%20(2).png", "cat2"),
        ("/data/local-files/?d=001.png", None),  # two items are called so
        ("/data/upload/1/0a1b2c3d-heron.png", "heron"),
        ("/data/upload/12/heron.png", "heron"),
        ("/data/upload/1/0a1b2c3d-my_cat_2.png", "cat2"),  # as Django renames it
        ("/data/upload/1/0a1b2c3d-001.png", None),
        ("s3://bucket/deep/cats/001.png", "cat1"),
        ("https://example.com/images/heron.png?signature=1", "heron"),
        ("https://example.com/images/001.png", None),
        ("heron.png", "heron"),
        ("file:///home/ann/photos/birds/heron.png", "heron"),
        ("/home/ann/photos/birds/heron.png", "heron"),
        ("fish/heron.png", None),  # a folder of files that contradicts
        ("http://[broken", None),
        ("", None),
        ("?", None),
    ],
)
def test_a_name_means_one_item_or_none(name, item):
    assert NAMES.find(name) == item


def test_several_names_must_not_mean_different_items():
    assert NAMES.find_any(["nothing", "heron.png", "birds/heron.png"]) == "heron"
    assert NAMES.find_any(["heron.png", "cats/001.png"]) is None
