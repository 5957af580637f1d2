"""What a space can decode, over HTTP."""

import base64
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from PIL import Image

from tacit.data.pool import Pool
from tacit.data.spec import ItemSpec
from tacit.latent.space import Space
from tacit.project import Project
from tacit.web.app import make_app
from tacit.web.decoding import AXES, main_directions, row_numbers
from tacit.web.desk import Desk


@pytest.fixture(scope="module")
def asked(learned):
    """The application around the learned project; nothing here writes to it."""
    desk = Desk(learned / "photos.tacit")
    with TestClient(make_app(desk), base_url="http://127.0.0.1:8765", raise_server_exceptions=False) as client:
        assert desk.ready.wait(60)
        client.desk = desk
        yield client


def pixels(decoded: dict) -> np.ndarray:
    """What a decoded picture shows, in [0, 1]."""
    head, _, body = decoded["src"].partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(body)))).astype(float) / 255


def shown(x: torch.Tensor) -> np.ndarray:
    """An item (1, 32, 32) as the page shows it."""
    return np.kron(x[0].clamp(0, 1).numpy(), np.ones((5, 5)))


def decoded(answer) -> list[dict]:
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_items_are_rebuilt_from_their_codes(asked):
    desk = asked.desk
    space, rows = desk.space(), [int(desk.rows.pool[40]), int(desk.rows.pool[3])]
    found = decoded(asked.get(f"/api/decode/reconstruct?rows={rows[0]},{rows[1]}"))
    for one, row, x in zip(found, rows, space.reconstruct(torch.tensor([40, 3])), strict=True):
        assert one["nearest"]["row"] == row
        assert np.abs(pixels(one) - shown(x)).max() < 0.01
        off = float((x - space.pool.floats(desk.rows.position[[row]])[0]).square().mean().sqrt())
        assert one["label"].startswith(f"off by {off:.2g}; the mean item by")


def test_an_item_of_the_yardstick_is_rebuilt_from_the_code_it_gets_now(asked):
    desk = asked.desk
    row, space = int(desk.rows.yardstick[0]), desk.space()
    expected = space.decode(space.encode(desk.project.yardstick.floats([0])))[0]
    assert np.abs(pixels(decoded(asked.get(f"/api/decode/reconstruct?rows={row}"))[0]) - shown(expected)).max() < 0.01


@pytest.mark.parametrize("kind", ["straight", "spherical", "auto"])
def test_a_walk_leads_from_one_item_to_another_past_real_ones(asked, kind):
    desk = asked.desk
    a, b = int(desk.rows.pool[5]), int(desk.rows.pool[200])
    found = decoded(asked.post("/api/decode/walk", json={"a": a, "b": b, "steps": 7, "kind": kind}))
    assert [one["label"] for one in found] == ["0 %", "17 %", "33 %", "50 %", "67 %", "83 %", "100 %"]
    assert (found[0]["nearest"]["row"], found[-1]["nearest"]["row"]) == (a, b)
    assert found[0]["distance"] == pytest.approx(0, abs=1e-4) == found[-1]["distance"]
    assert found[3]["distance"] > 0.01
    way = desk.space().walk(5, 200, 7, kind)
    for one, x in zip(found, way.items, strict=True):
        assert np.abs(pixels(one) - shown(x)).max() < 0.01


def test_a_walk_from_an_item_to_itself_stays_there(asked):
    row = int(asked.desk.rows.pool[5])
    found = decoded(asked.post("/api/decode/walk", json={"a": row, "b": row, "steps": 2}))
    assert [one["nearest"]["row"] for one in found] == [row, row]


def test_a_walk_may_begin_in_the_yardstick_and_is_led_past_the_pool(asked):
    rows = asked.desk.rows
    found = decoded(
        asked.post("/api/decode/walk", json={"a": int(rows.yardstick[0]), "b": int(rows.pool[0]), "steps": 5})
    )
    assert all(one["nearest"]["side"] == "pool" for one in found) and found[0]["distance"] > 0


@pytest.mark.parametrize("side", ["pool", "yardstick"])
def test_relatives_follow_the_seed_and_the_scale(asked, side):
    row = int(getattr(asked.desk.rows, side)[4])

    def make(**order: float) -> list[np.ndarray]:
        return [
            pixels(one) for one in decoded(asked.post("/api/decode/variations", json={"row": row, "n": 3, **order}))
        ]

    first, again, other, still = make(seed=1), make(seed=1), make(seed=2), make(scale=0)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
    assert np.array_equal(still[0], still[1]) and not np.array_equal(first[0], first[1])


def test_the_real_item_under_a_relative_is_the_one_nearest_to_its_code(asked):
    desk = asked.desk
    space, row = desk.space(), int(desk.rows.pool[9])
    found = decoded(asked.post("/api/decode/variations", json={"row": row, "n": 4, "seed": 3}))
    distance, index = space.nearest(space.encode(space.generate(9, 4, seed=3).clamp(0, 1)), 1)
    assert [one["nearest"]["row"] for one in found] == desk.rows.pool[index[:, 0].numpy()].tolist()
    assert [one["distance"] for one in found] == pytest.approx(distance[:, 0].tolist(), abs=1e-4)


def test_main_directions_are_the_principal_axes_of_the_codes(asked):
    space, rows = asked.desk.space(), asked.desk.rows
    codes = space.codes.double().numpy()
    centered = codes - codes.mean(0)
    _, deviation, axes = np.linalg.svd(centered, full_matrices=False)
    found = asked.get(f"/api/decode/axes?row={rows.pool[7]}").json()["axes"]
    assert [axis["index"] for axis in found] == list(range(len(found))) and 1 <= len(found) <= AXES
    for i, axis in enumerate(found):
        places = centered @ axes[i] / (deviation[i] / len(codes) ** 0.5)
        ends, sign = np.percentile(places, [1, 99]), np.sign(places[7] * axis["at"])
        assert axis["share"] == pytest.approx(deviation[i] ** 2 / (deviation**2).sum(), rel=1e-3)
        assert axis["at"] == pytest.approx(sign * places[7], abs=1e-2)
        assert (axis["low"], axis["high"]) == pytest.approx(tuple(sorted(sign * ends)), abs=1e-2)


def test_a_slider_at_its_place_changes_nothing_and_elsewhere_only_its_own_direction(asked):
    desk = asked.desk
    space, row = desk.space(), int(desk.rows.pool[7])
    axes = asked.get(f"/api/decode/axes?row={row}").json()["axes"]
    still = decoded(asked.post("/api/decode/slide", json={"row": row, "at": {a["index"]: a["at"] for a in axes}}))[0]
    assert still["nearest"]["row"] == row and still["distance"] == pytest.approx(0, abs=1e-3)
    moved = decoded(asked.post("/api/decode/slide", json={"row": row, "at": {"1": axes[1]["at"] + 2}}))[0]
    found = main_directions(space)
    z = space.codes[7] + 2 * found.deviation[1] * found.directions[1]
    assert np.abs(pixels(moved) - shown(space.decode(z[None])[0])).max() < 0.01
    assert found.along(z[None])[0, 0] == pytest.approx(axes[0]["at"], abs=1e-3)


def test_directions_that_codes_do_not_fill_have_no_slider():
    codes = torch.zeros(50, 6)
    codes[:, 0], codes[:, 3] = torch.linspace(-1, 1, 50), torch.linspace(-1, 1, 50).square()
    pool = Pool(ItemSpec((1, 2, 2)), np.zeros((50, 1, 2, 2), np.uint8))
    assert len(main_directions(Space(codes, pool)).share) == 2
    assert len(main_directions(Space(torch.ones(50, 6), pool)).share) == 0


ORDERS = [
    ("get", "reconstruct?rows=0", None),
    ("get", "axes?row=0", None),
    ("post", "walk", {"a": 0, "b": 1}),
    ("post", "variations", {"row": 0}),
    ("post", "slide", {"row": 0, "at": {"0": 1.0}}),
]


@pytest.mark.parametrize(("method", "path", "body"), ORDERS)
def test_a_space_that_cannot_decode_says_which_can(client, method, path, body):
    answer = client.request(method, f"/api/decode/{path}", json=body)
    assert answer.status_code == 400
    assert "quick cannot decode" in answer.json()["error"] and "tacit learn vae" in answer.json()["next"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "reconstruct?rows=360", None),
        ("get", "reconstruct?rows=1,a", None),
        ("get", "reconstruct?rows=" + ",".join("0" * 65), None),
        ("get", "axes?row=-1", None),
        ("get", "axes?row=0&space=none", None),
        ("post", "walk", {"a": 0, "b": 10**30}),
        ("post", "walk", r'{"a": 0, "b": 1, "space": "\ud800"}'),
        ("post", "walk", {"a": 0, "b": 1, "steps": 1}),
        ("post", "variations", {"row": 0, "scale": -1}),
        ("post", "variations", {"row": 0, "n": 65}),
        ("post", "variations", '{"row": 0, "scale": NaN}'),
        ("post", "slide", {"row": 0, "at": {"8": 0}}),
        ("post", "slide", {"row": 0, "at": {"-1": 0}}),
        ("post", "slide", {"row": 0, "at": {str(10**30): 0}}),
        ("post", "slide", {"row": 0, "at": {"0": 21}}),
        ("post", "slide", '{"row": 0, "at": {"0": NaN}}'),
        ("post", "slide", '{"row": 0, "at": {"0": 1e999}}'),
    ],
)
def test_what_does_not_fit_is_told_in_words(asked, method, path, body):
    sent = (
        {"content": body, "headers": {"content-type": "application/json"}} if isinstance(body, str) else {"json": body}
    )
    answer = asked.request(method, f"/api/decode/{path}", **sent)
    assert answer.status_code in (400, 422) and answer.json()["error"], answer.text


def test_no_rows_are_no_items(asked):
    assert decoded(asked.get("/api/decode/reconstruct?rows=")) == [] and row_numbers(" 1, 2,", 5) == [1, 2]


def test_decoded_sounds_can_be_heard(sounds, tmp_path):
    folder = Path(shutil.copytree(sounds.desk.folder, tmp_path / "tones.tacit"))
    Project(folder).learn("vae", steps=3, latent_dim=4)
    with TestClient(make_app(Desk(folder)), base_url="http://127.0.0.1:8765", raise_server_exceptions=False) as client:
        for one in decoded(client.post("/api/decode/walk", json={"a": 0, "b": 1, "steps": 3})):
            assert pixels(one).ndim == 2 and base64.b64decode(one["sound"].partition(",")[2])[:4] == b"RIFF"
