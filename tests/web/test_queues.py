"""Who gets which item next: nobody does what somebody else is doing, and the yardstick stays a yardstick."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tacit.data.events import CANNOT_TELL
from tacit.web.jobs import Jobs
from tacit.web.leases import LEASE, Leases

KINDS = ("suggest", "yardstick", "rows", "second")


@pytest.fixture(autouse=True)
def no_jobs(monkeypatch):
    monkeypatch.setattr(Jobs, "after_answers", lambda self: None)


@pytest.fixture
def patient(client):
    client.desk.queues.rounds.patience = 60
    return client


@pytest.fixture
def learned_patient(learned_client):
    learned_client.desk.queues.rounds.patience = 60
    return learned_client


def ask(client, who="ann", session="tab-1", **order):
    answer = client.post("/api/queue", json={"who": who, "session": session, **order})
    assert answer.status_code == 200, answer.text
    return answer.json()


def rows_of(queue):
    return [item["row"] for item in queue["items"]]


def say(client, rows, answer, who="ann"):
    client.desk.project.labels.record(client.desk.ids_of(rows), [answer] * len(rows), who=who)
    client.desk.standing.refresh()


def test_the_first_round_is_made_when_somebody_asks_and_says_that_there_is_no_model_yet(patient):
    queue = ask(patient, k=5)
    assert queue["round"] == 1 and queue["strategy"] == "typical" and len(queue["items"]) == 5
    assert "there is no model yet" in queue["said"]
    assert all(item["side"] == "pool" and "typical" in item["reason"] for item in queue["items"])
    assert queue["left"] == len(patient.desk.rows.pool) - 5


def test_the_picks_of_the_latest_round_come_best_first_and_answered_ones_do_not(learned_patient):
    desk = learned_patient.desk
    picks = [desk.rows.place[pick.item] for pick in desk.project.labels.picks()]
    say(learned_patient, picks[1:3], "3")
    queue = ask(learned_patient, k=4)
    assert rows_of(queue) == [picks[0], *picks[3:6]] and queue["round"] == 2 and queue["strategy"] == "margin"
    assert "torn" in queue["said"] and all(item["guess"] for item in queue["items"])


def test_what_a_tab_has_already_is_not_sent_again_even_after_the_server_was_restarted(learned_patient):
    picks = [learned_patient.desk.rows.place[pick.item] for pick in learned_patient.desk.project.labels.picks()]
    queue = ask(learned_patient, k=3, have=picks[:4])  # nothing was handed out by this server yet
    assert rows_of(queue) == picks[4:7]
    assert rows_of(ask(learned_patient, "bob", "tab-2", k=3)) == picks[7:10]


@pytest.mark.parametrize("kind", KINDS)
def test_two_tabs_never_get_the_same_item(learned_patient, kind):
    order = {"kind": kind, "k": 6, "rows": list(range(40))}
    first = rows_of(ask(learned_patient, "ann", "tab-1", **order))
    again = rows_of(ask(learned_patient, "ann", "tab-2", **order))
    other = rows_of(ask(learned_patient, "bob", "tab-3", **order))
    assert len({*first, *again, *other}) == 18


def test_eight_tabs_that_ask_at_once_get_eight_different_queues_from_few_rounds(patient):
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda i: ask(patient, f"p{i % 3}", f"tab-{i}", k=10), range(8)))
    rows = [row for queue in found for row in rows_of(queue)]
    assert len(rows) == len(set(rows)) == 80
    assert patient.desk.project.labels.rounds() <= 5  # whoever waits is counted in the next round


def test_the_next_round_leaves_out_what_is_before_somebody(learned_patient):
    held = rows_of(ask(learned_patient, k=20))
    queue = ask(learned_patient, "bob", "tab-2", k=20)
    assert queue["round"] == 3 and len(queue["items"]) == 20 and not set(held) & set(rows_of(queue))
    picked = {learned_patient.desk.rows.place[pick.item] for pick in learned_patient.desk.project.labels.picks(3)}
    assert not picked & set(held)


def test_the_end_of_a_round_is_handed_out_at_once_and_the_next_is_made_meanwhile(learned_patient):
    assert len(ask(learned_patient, k=17)["items"]) == 17
    queue = ask(learned_patient, "bob", "tab-2", k=5)
    assert len(queue["items"]) == 3 and queue["round"] == 2
    assert learned_patient.desk.queues.rounds.made(time.monotonic() + 60)
    assert learned_patient.desk.project.labels.rounds() == 3


def test_nobody_waits_long_for_a_round_but_labels_items_drawn_at_random(client):
    client.desk.queues.rounds.patience = 0
    with client.desk.model_lock:  # as if the choosing took long
        queue = ask(client, k=20)
    assert 0 < len(queue["items"]) <= 10 and queue["strategy"] == "random" and queue["round"] is None
    assert "random" in queue["said"] and all("random" in item["reason"] for item in queue["items"])
    client.desk.queues.rounds.patience = 60
    later = ask(client, k=20, have=rows_of(queue))
    assert later["strategy"] == "typical" and not set(rows_of(later)) & set(rows_of(queue))


def test_a_round_that_cannot_be_made_is_said_and_labelling_goes_on(patient, monkeypatch):
    def broken(*args, **options):
        raise MemoryError("no memory left")

    monkeypatch.setattr("tacit.project.choosing.choose_next", broken)
    queue = ask(patient, k=5)
    assert "no memory left" in queue["said"] and len(queue["items"]) == 5


def test_all_of_the_pool_is_handed_out_in_the_end_and_then_nothing_more(patient):
    desk = patient.desk
    pool = [int(row) for row in desk.rows.pool]
    say(patient, pool[:-7], "cat")
    queue = ask(patient, k=5)
    last = ask(patient, "bob", "tab-2", k=5)
    assert sorted(rows_of(queue) + rows_of(last)) == pool[-7:] and last["left"] == 0
    nothing = ask(patient, "eve", "tab-3", k=5)
    assert nothing["items"] == [] and "7 items without an answer are left, before somebody else" in nothing["said"]
    say(patient, pool[-7:], CANNOT_TELL)
    done = ask(patient, "eve", "tab-3", k=5)
    assert done["items"] == [] and done["left"] == 0 and done["said"] == "Every item of the pool has an answer."


def test_a_lease_ends_after_ten_minutes_without_a_sign_of_life(learned_patient):
    now = [0.0]
    learned_patient.desk.queues.leases.clock = lambda: now[0]
    first = rows_of(ask(learned_patient, k=5))
    now[0] = LEASE - 1
    ask(learned_patient, kind="yardstick", k=1)  # a sign of life, of whatever kind
    now[0] = 2 * LEASE - 2
    assert not set(rows_of(ask(learned_patient, "bob", "tab-2", k=5))) & set(first)
    now[0] = 2 * LEASE + 1
    assert rows_of(ask(learned_patient, "eve", "tab-3", k=5)) == first


def test_a_lease_ends_when_anybody_answers_and_when_the_tab_gives_it_back():
    leases = Leases(lambda: 0.0)
    assert leases.take(("ann", "1"), range(5), 3, lambda row: row != 1) == [0, 2, 3]
    leases.drop([2])
    assert leases.release(("bob", "1"), []) == 0 and set(leases.all()) == {0, 3}
    assert leases.release(("ann", "1"), [3]) == 1 and leases.release(("ann", "1"), []) == 1
    assert leases.all() == {}


def test_a_tab_that_closes_gives_its_items_back(learned_patient):
    first = rows_of(ask(learned_patient, k=5))
    said = learned_patient.post("/api/queue/release", json={"who": "ann", "session": "tab-1"}).json()
    assert said["said"] == "gave back 5 items"
    assert rows_of(ask(learned_patient, "bob", "tab-2", k=5)) == first


def test_the_yardstick_comes_in_the_order_of_the_shell_without_guesses(learned_patient):
    from tacit.project.asking import open_yardstick

    desk = learned_patient.desk
    expected = open_yardstick(desk.project, 12)
    queue = ask(learned_patient, kind="yardstick", k=12)
    assert [item["id"] for item in queue["items"]] == expected
    assert all(item["guess"] is None and item["side"] == "yardstick" for item in queue["items"])
    assert {item["reason"] for item in queue["items"]} == {"yardstick: measured on, never trained on"}
    assert queue["left"] == len(desk.rows.yardstick) - 12
    say(learned_patient, [int(row) for row in desk.rows.yardstick], "1")
    done = ask(learned_patient, "bob", "tab-2", kind="yardstick")
    assert done["items"] == [] and done["left"] == 0 and "are answered" in done["said"]


def test_the_yardstick_is_in_no_other_queue_unless_its_rows_are_named(learned_patient):
    desk, seen = learned_patient.desk, Counter()
    say(learned_patient, [int(row) for row in desk.rows.yardstick], "1", who="bob")
    for kind in ("suggest", "second"):
        for tab in range(3):
            for item in ask(learned_patient, "ann", f"tab-{tab}", kind=kind, k=500)["items"]:
                seen[item["side"]] += 1
    assert seen["pool"] > 100 and seen["yardstick"] == 0
    named = ask(learned_patient, kind="rows", rows=[int(desk.rows.yardstick[0])])
    assert named["items"][0]["side"] == "yardstick" and named["items"][0]["guess"] is None


def test_chosen_rows_come_in_their_order_also_those_answered_to_be_corrected(patient):
    pool = [int(row) for row in patient.desk.rows.pool]
    say(patient, pool[:2], "cat")
    asked = [pool[3], pool[0], pool[3], pool[7], pool[1]]
    queue = ask(patient, kind="rows", rows=asked, k=3)
    assert rows_of(queue) == [pool[3], pool[0], pool[7]] and queue["items"][1]["label"] == "cat" and queue["left"] == 1
    other = ask(patient, "bob", "tab-2", kind="rows", rows=asked)
    assert rows_of(other) == [pool[1]] and "3 of them are before somebody else" in other["said"]


def test_a_second_opinion_is_asked_of_somebody_else_once_and_without_showing_the_first(patient):
    pool = [int(row) for row in patient.desk.rows.pool]
    say(patient, pool[:8], "cat", who="ann")
    say(patient, pool[6:7], "dog", who="bob")
    nothing = ask(patient, "ann", "tab-1", kind="second")
    assert nothing["items"] == [] and nothing["said"].startswith("No item has been answered by one other person")
    queue = ask(patient, "bob", "tab-2", kind="second", k=4)
    assert set(rows_of(queue)) < {*pool[:6], pool[7]} and rows_of(queue) != sorted(rows_of(queue))
    assert all(item["label"] is None and item["guess"] is None for item in queue["items"]) and queue["left"] == 3
    patient.desk.queues.leases.release(("bob", "tab-2"), [])
    say(patient, rows_of(queue)[:1], "cat", who="bob")
    assert patient.get("/label.json").json()["second_left"] == 6
    patient.desk.project.labels.undo(who="bob")
    assert patient.get("/label.json").json()["second_left"] == 7


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "rows", "rows": [-1]},
        {"kind": "rows", "rows": [10**30]},
        {"have": [360]},
        {"who": " "},
        {"who": "\ud800"},
        {"k": 0},
        {"kind": "other"},
        {"session": ""},
    ],
)
def test_what_cannot_be_a_queue_is_refused_in_words(client, order):
    import json

    body = json.dumps({"who": "ann", "session": "tab-1", **order})  # escapes what cannot be sent otherwise
    answer = client.post("/api/queue", content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500 and answer.json()["error"]
