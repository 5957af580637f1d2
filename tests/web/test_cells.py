"""What tables say of one item."""

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tacit.project import Project
from tacit.web.app import make_app
from tacit.web.desk import Desk


@pytest.fixture
def wines(tmp_path):
    """The application around a table of two columns of numbers, and the table (40, 2)."""
    table = np.random.default_rng(0).normal([13, 300], [1, 50], (40, 2)).round(3).astype(np.float32)
    lines = [f"{i},{alcohol},{proline}" for i, (alcohol, proline) in enumerate(table)]
    (tmp_path / "wine.csv").write_text("\n".join(["id,alcohol,proline", *lines]))
    desk = Desk(Project.create(tmp_path / "wine.csv").folder)
    with TestClient(make_app(desk), base_url="http://127.0.0.1:8765") as client:
        client.desk = desk
        assert desk.ready.wait(60)
        yield client, table


def test_a_row_of_a_table_is_told_by_its_columns_and_how_far_from_the_mean_of_the_pool_they_are(wines):
    client, table = wines
    rows = client.desk.rows
    place = {str(id_): int(client.desk.project.paths([str(id_)])[0].rpartition("#")[2]) for id_ in rows.ids}
    pool = table[[place[str(rows.ids[row])] for row in rows.pool]]
    for row in (int(rows.pool[0]), int(rows.yardstick[0])):
        found = client.get(f"/api/items/{row}/cells").json()
        said = table[place[str(rows.ids[row])]]
        assert [cell["name"] for cell in found["cells"]] == ["alcohol", "proline"] and found["more"] == 0
        assert [cell["value"] for cell in found["cells"]] == said.tolist()
        far = (said - pool.mean(0)) / pool.std(0)
        assert [cell["unusual"] for cell in found["cells"]] == pytest.approx(far.tolist(), abs=0.05)


def test_what_was_imported_stands_behind_it_and_pictures_have_only_that(wines, client):
    for here, names in ((wines[0], ["alcohol", "proline"]), (client, [])):
        id_ = here.desk.ids_of([3])[0]
        table = f"id,maker,age\n{id_},Anna <b>,7\n".encode()
        assert here.post("/api/columns", files={"file": ("more.csv", table)}).is_success
        found = here.get("/api/items/3/cells").json()["cells"]
        assert [cell["name"] for cell in found] == [*names, "maker", "age"]
        assert [(cell["value"], cell["unusual"]) for cell in found[-2:]] == [("Anna <b>", None), (7, None)]
        assert len(here.get("/api/items/4/cells").json()["cells"]) == len(names)


def test_numbers_without_names_are_counted_and_no_more_than_200_are_shown(vectors, tmp_path):
    found = vectors.get("/api/items/0/cells").json()
    assert [cell["name"] for cell in found["cells"]] == [f"number {i}" for i in range(1, 6)]
    np.savez(tmp_path / "wide.npz", x=np.random.default_rng(0).normal(size=(30, 230)).astype(np.float32))
    desk = Desk(Project.create(tmp_path / "wide.npz").folder)
    with TestClient(make_app(desk), base_url="http://127.0.0.1:8765") as client:
        assert desk.ready.wait(60)
        found = client.get("/api/items/0/cells").json()
    assert len(found["cells"]) == 200 and found["more"] == 30
    assert vectors.get("/api/items/60/cells").status_code == 400
