import sqlite3
from contextlib import closing

from tacit.bench.killed import Person, compare, make_project, run


def test_kill_9_of_the_server_loses_no_answer_and_doubles_none():
    found = run(kills=4, people=3).record
    assert found["acknowledged"] > 20 and found["kills"] == 4
    assert found["lost"] == found["doubled"] == found["still_waiting"] == found["refused"] == 0
    assert found["in_the_ledger"] == found["acknowledged"]


def test_a_lost_answer_would_be_seen(tmp_path):
    folder = make_project(tmp_path)
    person = Person("ada", "", 10, 0, acknowledged={"k1": (0, "3"), "k2": (1, "4")})
    with closing(sqlite3.connect(folder / "project.db")) as db:
        (item,) = db.execute("SELECT id FROM items WHERE row = 0").fetchone()
    from tacit.data.labels import Labels

    Labels(folder / "project.db").record([item, item], ["3", "3"], keys=["k1", "k9"])
    Labels(folder / "project.db").record([item], ["3"])
    found = compare(folder, [person])
    assert found["lost"] == 1 and found["doubled"] == 1
