"""The grid: which items match, in which order; samples, splits and near copies of a selection."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tacit.web import schemas
from tacit.web.columns import column
from tacit.web.filters import Known, matching, ordered

STATES = ["all", "unlabelled", "labelled", "suggested", "yardstick", "flagged", "cannot-tell"]


@st.composite
def tables(draw) -> tuple[Known, schemas.GridOrder, int | None, int | None]:
    n = draw(st.integers(0, 30))

    def column_of(dtype, elements):
        return draw(arrays(dtype, n, elements=elements))

    number = st.one_of(st.just(np.nan), st.integers(-3, 3).map(float))
    names = np.array(draw(st.lists(st.text("aAbß/\n", max_size=4), min_size=n, max_size=n)), dtype=object)
    whole, wanted = st.integers(-1, 3), st.one_of(st.none(), st.integers(0, 3))
    known = Known(
        *(column_of(bool, st.booleans()), column_of(np.int16, whole)),
        *(column_of(bool, st.booleans()), column_of(bool, st.booleans())),
        guess=column_of(np.int16, whole),
        confidence=column_of(np.float32, number),
        margin=column_of(np.float32, number),
        outlier=column_of(np.float32, number),
        column=column_of(np.float32, number),
        paths=names,
    )
    limit = st.one_of(st.none(), st.integers(-3, 3).map(float))
    order = schemas.GridOrder(
        state=draw(st.sampled_from(STATES)),
        text=draw(st.one_of(st.none(), st.text("aAbß", max_size=2))),
        low=draw(limit),
        high=draw(limit),
        order=draw(st.sampled_from(["row", "name", "random", "confidence", "margin", "outlier"])),
        seed=draw(st.integers(0, 3)),
    )
    return known, order, draw(wanted), draw(wanted)


def fits(known: Known, order: schemas.GridOrder, label: int | None, guess: int | None, row: int) -> bool:
    """One item at a time, in words."""
    pool, code = known.is_pool[row], known.code[row]
    state = {
        "all": pool,
        "unlabelled": pool and code == -1,
        "labelled": pool and code >= 1,
        "suggested": pool and code == -1 and known.suggested[row],
        "yardstick": not pool,
        "flagged": pool and known.flagged[row],
        "cannot-tell": pool and code == 0,
    }[order.state]
    value = known.column[row]
    return bool(
        state
        and (label is None or code == label)
        and (guess is None or known.guess[row] == guess)
        and value == value
        and (order.low is None or value >= order.low)
        and (order.high is None or value <= order.high)
        and (not order.text or order.text.casefold() in known.paths[row].casefold())
    )


@given(tables())
def test_the_rows_that_match_are_those_of_a_loop(table):
    known, order, label, guess = table
    found = matching(known, order, label=label, guess=guess)
    assert found.tolist() == [row for row in range(len(known.code)) if fits(known, order, label, guess, row)]


@given(tables())
def test_an_order_changes_places_and_nothing_else(table):
    known, order, *_ = table
    rows = np.flatnonzero(known.is_pool)
    found = ordered(rows, known, order).tolist()
    assert sorted(found) == rows.tolist()
    turned = -1 if order.order == "outlier" else 1
    values = {"confidence": known.confidence, "margin": known.margin, "outlier": known.outlier}.get(order.order)
    if order.order == "name":
        keys = [(known.paths[row].split("\n")[0], row) for row in found]
    elif values is not None:
        keys = [(True, 0, row) if np.isnan(values[row]) else (False, turned * values[row], row) for row in found]
    else:
        keys = found
    if order.order == "random":
        everybody = ordered(np.arange(len(known.code)), known, order).tolist()
        assert found == [row for row in everybody if known.is_pool[row]]  # a filter shuffles nothing anew
    else:
        assert keys == sorted(keys)


def get(client, **asked) -> dict:
    answer = client.get("/grid.json", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_fresh_project_shows_its_pool_a_page_at_a_time(client):
    desk = client.desk
    pool, yardstick = np.sort(desk.rows.pool).tolist(), np.sort(desk.rows.yardstick).tolist()
    first, last = get(client, size=50), get(client, size=50, page=len(pool) // 50)
    assert first["rows"] == pool and first["total"] == len(pool)
    assert [item["row"] for item in first["items"]] == pool[:50]
    assert [item["row"] for item in last["items"]] == pool[len(pool) // 50 * 50 :]
    assert (
        first["said"] == f"{len(pool)} of {len(pool)} items; the yardstick ({len(yardstick)} items) is shown on its own"
    )
    assert get(client, page=10**6)["items"] == []
    other = get(client, state="yardstick")
    assert other["rows"] == yardstick and other["said"].endswith("items of the yardstick")
    assert all(item["side"] == "yardstick" and item["guess"] is None for item in other["items"])


def test_filters_by_what_people_said(client):
    labels, pool = client.desk.project.labels, np.sort(client.desk.rows.pool)
    ids = client.desk.ids_of(pool[:4])
    labels.record(ids[:3], ["cat", "dog", "?"])
    labels.flag(ids[3], "odd")
    labels.flag(client.desk.ids_of(client.desk.rows.yardstick[:1])[0], "odd as well")
    assert get(client, label="cat")["rows"] == pool[:1].tolist()
    assert get(client, state="labelled")["rows"] == pool[:2].tolist()
    assert get(client, state="cannot-tell")["rows"] == get(client, label="?")["rows"] == pool[2:3].tolist()
    assert get(client, state="flagged")["rows"] == pool[3:4].tolist()
    assert get(client, state="unlabelled")["rows"] == pool[3:].tolist()
    assert get(client, state="unlabelled")["said"] == f"{len(pool) - 3} of {len(pool)} items"
    wrong = client.get("/grid.json", params={"label": "cta"})
    assert wrong.status_code == 404 and "did you mean: cat" in wrong.json()["next"]


def test_text_is_looked_for_in_all_paths_of_an_item(client):
    project = client.desk.project
    row = int(client.desk.rows.pool[0])
    item = client.desk.ids_of([row])[0]
    project._db.execute("INSERT INTO files VALUES ('zoo/Äffchen 1.PNG', ?, 10, 0)", [item])
    assert get(client, text="äFFchen")["rows"] == [row]
    named = get(client, text="3/")
    assert named["total"] and all("3/" in item["name"] for item in named["items"])
    names = [item["name"] for item in get(client, order="name", size=200)["items"]]
    assert names == sorted(names)
    assert get(client, text="no such path")["total"] == 0


def test_filters_and_orders_by_what_the_model_says(learned_client):
    desk = learned_client.desk
    guesses, of = desk.guesses(), desk.rows.pool
    threes = sorted(of[guesses.best == 3].tolist())
    assert threes and get(learned_client, guess="3")["rows"] == threes
    unsure = get(learned_client, order="confidence")
    sure = [item["guess"]["confidence"] for item in unsure["items"]]
    assert sure == sorted(sure) and unsure["total"] == len(of)
    torn = [
        item["guess"]["confidence"] - item["guess"]["second_confidence"]
        for item in get(learned_client, order="margin")["items"]
    ]
    assert np.diff(torn).min() > -1e-5
    assert get(learned_client, state="yardstick", guess="3")["total"] == 0
    asked = get(learned_client, state="suggested")
    assert asked["total"] == 20 and all(item["reason"] for item in asked["items"])


def test_without_a_model_its_guesses_cannot_be_asked_for(client):
    for asked in ({"guess": "3"}, {"order": "margin"}, {"order": "confidence"}):
        answer = client.get("/grid.json", params=asked)
        assert answer.status_code == 400 and "no model yet" in answer.json()["error"]


def test_columns_of_the_map_filter_by_their_values(learned_client):
    desk = learned_client.desk
    name = desk.space_name()
    values = column(desk, "confidence", name).values[: len(desk.rows.pool)]
    some = get(learned_client, column="confidence", low=0.3, high=0.6)
    assert some["rows"] == sorted(desk.rows.pool[(values >= 0.3) & (values <= 0.6)].tolist()) and some["total"]
    answer = learned_client.get("/grid.json", params={"column": "confidense"})
    assert answer.status_code == 404 and "confidence" in answer.json()["next"]


def test_clusters_and_outliers_come_from_the_map_or_say_why_not(learned_client, monkeypatch):
    import tacit.web.columns

    desk = learned_client.desk
    pool = len(desk.rows.pool)

    def column(desk, name, space, *, yardstick=False):
        values = np.full(len(desk.rows), -1, dtype=np.int16) if name == "cluster" else np.full(len(desk.rows), np.nan)
        values[:pool] = np.arange(pool) % 3 if name == "cluster" else np.arange(pool)
        kind = "category" if name == "cluster" else "number"
        return tacit.web.columns.Column(name, name, kind, values, "not there yet")

    monkeypatch.setattr(tacit.web.columns, "column", column)
    assert get(learned_client, cluster=1)["rows"] == sorted(desk.rows.pool[1::3].tolist())
    assert get(learned_client, order="outlier")["rows"] == desk.rows.pool[::-1].tolist()
    empty = lambda desk, name, space, *, yardstick=False: tacit.web.columns.Column(  # noqa: E731
        name, name, "number", np.full(len(desk.rows), np.nan, dtype=np.float32), "Not there yet: looking for groups."
    )
    monkeypatch.setattr(tacit.web.columns, "column", empty)
    found = get(learned_client, cluster=1)
    assert found["total"] == 0 and "looking for groups" in found["said"]


@pytest.mark.parametrize(
    "asked",
    [
        *({"state": "pool"}, {"order": "size"}, {"size": 0}, {"size": 201}, {"page": -1}, {"page": 10**30}),
        *({"low": "nan"}, {"high": "inf"}, {"cluster": "x"}, {"cluster": 10**30}, {"seed": -1}, {"what": "else"}),
        *({"space": "none"} | {"cluster": 0}, {"label": "\x00"}, {"column": "\x00"}, {"guess": "🐈"}),
    ],
)
def test_what_does_not_fit_is_refused_in_words(client, asked):
    answer = client.get("/grid.json", params=asked)
    assert 400 <= answer.status_code < 500 and answer.json()["error"]


def test_a_sample_is_random_and_holds_only_what_may_be_answered(learned_client):
    desk = learned_client.desk
    rows = np.concatenate([desk.rows.pool[:150], desk.rows.yardstick[:10], desk.rows.pool[:5]]).tolist()
    post = lambda **more: learned_client.post("/api/sample", json={"rows": rows, **more}).json()  # noqa: E731
    sample = post(seed=1)
    answered = sum(desk.standing.answer(row) is not None for row in set(rows) if desk.rows.is_pool[row])
    assert (sample["of"], sample["labeled"], sample["yardstick"]) == (150 - answered, answered, 10) and answered
    drawn = [item["row"] for item in sample["items"]]
    assert len(set(drawn)) == 12 and set(drawn) <= set(rows)
    assert all(item["label"] is None and item["side"] == "pool" for item in sample["items"])
    assert post(seed=1) == sample != post(seed=2)
    assert len(post(n=200)["items"]) == 150 - answered
    assert sample["groups"].startswith("looks like")


def test_a_sample_suggests_what_most_guesses_agree_on(learned_client):
    desk = learned_client.desk
    threes = desk.rows.pool[desk.guesses().best == 3].tolist()
    others = desk.rows.pool[desk.guesses().best != 3].tolist()
    ask = lambda rows: learned_client.post("/api/sample", json={"rows": rows}).json()["suggestion"]  # noqa: E731
    assert ask(threes) == "3" and ask(others) is None and ask([]) is None


def test_one_class_of_a_project_looks_like_one_group_and_two_like_two(client):
    desk = client.desk
    name = {row: path.split("/")[0] for row, path in zip(desk.rows.pool.tolist(), desk.project.paths(desk.ids_of(desk.rows.pool)), strict=True)}  # fmt: skip
    of = lambda *digits: [row for row, digit in name.items() if digit in digits]  # noqa: E731
    ask = lambda rows: client.post("/api/sample", json={"rows": rows}).json()["groups"]  # noqa: E731
    assert ask(of("3")) == "looks like one group"
    assert ask(of("0", "4")).startswith("looks like two groups")
    assert ask(desk.rows.yardstick.tolist()) == "nothing here may be answered in bulk"


def test_a_large_selection_is_compared_by_some_of_it_and_says_so(client, monkeypatch):
    from tacit.web import grid

    monkeypatch.setattr(grid, "COMPARED", 100)
    said = client.post("/api/sample", json={"rows": client.desk.rows.pool.tolist()}).json()["groups"]
    assert said.startswith("looks like") and said.endswith(", by 100 at random")


def test_a_split_gives_two_groups_of_the_pool(client):
    desk = client.desk
    paths = desk.project.paths(desk.ids_of(desk.rows.pool))
    digit = {row: path.split("/")[0] for row, path in zip(desk.rows.pool.tolist(), paths, strict=True)}
    rows = [row for row in digit if digit[row] in "04"]
    answer = client.post("/api/split", json={"rows": [*rows, *rows[:3], *desk.rows.yardstick[:2].tolist()]}).json()
    assert sorted(answer["a"] + answer["b"]) == sorted(rows) and len(answer["a"]) >= len(answer["b"])
    assert [{digit[row] for row in half} for half in (answer["a"], answer["b"])] in ([{"0"}, {"4"}], [{"4"}, {"0"}])
    assert answer["said"].startswith(
        f"two groups of {len(answer['a'])} and {len(answer['b'])} items, by k-means in the items themselves"
    )
    assert answer["said"].endswith("; 2 items of the yardstick left out")


def test_what_cannot_be_split_is_said(client):
    for rows in ([], client.desk.rows.pool[:1].tolist(), client.desk.rows.yardstick.tolist()):
        answer = client.post("/api/split", json={"rows": rows})
        assert answer.status_code == 400 and "nothing tells them apart" in answer.json()["error"]


@pytest.mark.parametrize("path", ["/api/sample", "/api/split"])
@pytest.mark.parametrize("rows", [[-1], [10**6], [10**30], [0, None], ["x"], [1.5], "all", None])
def test_rows_that_do_not_exist_are_refused(client, path, rows):
    answer = client.post(path, json={"rows": rows})
    assert answer.status_code in (400, 422) and answer.json()["error"]
