import io

from tacit.engine.health import Diagnosis
from tacit.engine.progress import Counter, PlainWatcher, TerminalWatcher, is_last_of, line, watcher


def record(step, steps=100, **more):
    return {"step": step, "steps": steps, "terms": {"loss": 3.91234}, "items_per_second": 312.4, "eta": 408.0, **more}


def test_a_line_says_where_it_is_how_fast_and_how_long():
    assert line(record(25)) == "step 25/100   25%  eta 6:48  312 items/s   loss 3.912"
    assert line(record(25, of="fixmatch, training 3 of 9")).startswith("fixmatch, training 3 of 9  step 25/100")


def test_a_run_is_cut_into_equal_parts_whatever_its_length():
    for steps in (1, 3, 7, 200, 1001):
        marks = [s for s in range(steps) if is_last_of(5, s, steps)]
        assert marks[-1] == steps - 1 and len(marks) == min(5, steps)


def test_without_a_terminal_there_are_few_plain_lines():
    stream = io.StringIO()
    with watcher("learn", stream) as watch:
        assert isinstance(watch, PlainWatcher)
        for step in range(1, 101):
            watch(record(step))
    said = stream.getvalue().splitlines()
    assert len(said) == 1 and said[0].startswith("learn  step 100/100") and "\x1b" not in said[0]


def test_health_is_told_when_it_was_looked_at():
    stream = io.StringIO()
    health = Diagnosis(2000, 128, 41.2, 0.91, 0.02, 0.71, "healthy", "").to_dict()
    PlainWatcher("learn", stream)(record(20, health=health))
    assert (
        "healthy   rank 41.2/128   spread 0.91   mean cosine 0.02   neighbours kept 71% (chance 0.5%)"
        in stream.getvalue()
    )


def test_a_terminal_gets_a_bar_drawn_in_place():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    with watcher("learn", stream) as watch:
        assert isinstance(watch, TerminalWatcher)
        watch(record(50))
    assert "━" in stream.getvalue() and "step 50/100" in stream.getvalue()


def test_counting_keeps_quiet_where_nobody_watches():
    stream = io.StringIO()
    with Counter("reading", stream) as count:
        for i in range(1000):
            count(i, 1000)
    assert stream.getvalue() == ""


def test_chance_stands_beside_the_loss_and_not_among_the_terms():
    terms = {"loss": 3.91, "chance": 6.236, "kl": 1.5}
    assert line(record(25, terms=terms)).endswith("loss 3.91 (chance 6.236)  kl 1.5")


def test_a_probe_is_told_with_its_labels_and_chance():
    stream = io.StringIO()
    PlainWatcher("learn", stream)(record(20, probe={"accuracy": 0.714, "labels": 60, "chance": 0.12}))
    assert "probe 71% on 60 labels in turn (chance 12%)" in stream.getvalue()


def test_a_warning_is_told_at_once_on_a_terminal_and_elsewhere():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for stream in (io.StringIO(), Terminal()):
        with watcher("learn", stream) as watch:
            watch(record(7, warning="loss has stayed at chance\n  try: --lr 0.1"))
        assert "warning: loss has stayed at chance\n  try: --lr 0.1" in stream.getvalue()
