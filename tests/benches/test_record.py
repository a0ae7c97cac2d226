"""Records, tables and the document, from figures that are made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import documents
from harness.documents import replace, slower
from harness.figures import Spread
from harness.goals import GOALS, Goal, verdict
from harness.peers import PEERS
from harness.plots import COLOURS
from harness.results import Measurement, Record, describe
from harness.scenarios import CASES, LIMITS, RATE, plan, select
from harness.table import Table, goals_table, main_table

GOOD = {"deliveries": 5, "expected": 5, "errors": 0, "client_cpu": 0.5}
DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def record(*figures: tuple[str, str, list[float]], **more: object) -> Record:
    """A record of figures by case and server, one for each round."""
    made = Record(describe({"python": "CPython 3.x"}, []))
    metrics = {case.name: case.metric.key for case in CASES}
    for case, server, values in figures:
        made.measurements += [
            Measurement(case, server, turn, {**GOOD, metrics[case]: value, **more})
            for turn, value in enumerate(values)
        ]
    return made


def goal(case: str, server: str) -> Goal:
    (found,) = [goal for goal in GOALS if goal.ours == (case, "ours") and goal.against == ((case, server),)]
    return found


def polling_goal() -> Goal:
    """The goal with several peers."""
    return next(goal for goal in GOALS if goal.ours == ("polling-echo", "ours") and len(goal.against) > 1)


def test_a_record_survives_being_written() -> None:
    made = record(("echo-1", "ours", [3.0, 4.0]))
    made.missing["bun"] = "no network"
    made.failures.append("echo-1, node: gone")
    assert Record.from_json(made.to_json()) == made


def test_figures_are_found_by_case_server_and_key() -> None:
    made = record(("echo-1", "ours", [3.0, 5.0]), ("echo-1", "node", [2.0]), ("echo-8", "ours", [9.0]))
    assert made.figures("echo-1", "ours", "rate") == {0: 3.0, 1: 5.0}
    assert made.spread("echo-1", "ours", "rate") == Spread(4.0, 3.0, 5.0, 2)
    assert made.spread("echo-1", "ours", "no such") is None
    assert made.ratio(("echo-1", "ours"), ("echo-1", "node"), "rate") == Spread(1.5, 1.5, 1.5, 1)
    assert made.measured() == {"echo-1": ["ours", "node"], "echo-8": ["ours"]}


@pytest.mark.parametrize(
    ("ratio", "higher", "word"),
    [
        (Spread(4.0, 3.0, 5.0, 3), True, "reached"),
        (Spread(3.9, 3.0, 4.1, 3), True, "within the spread"),
        (Spread(3.9, 3.0, 3.95, 3), True, "missed"),
        (Spread(4.0, 3.0, 5.0, 3), False, "reached"),
        (Spread(4.1, 3.9, 5.0, 3), False, "within the spread"),
        (Spread(4.1, 4.05, 5.0, 3), False, "missed"),
    ],
)
def test_a_goal_is_reached_by_the_median_or_within_the_spread(ratio: Spread, higher: bool, word: str) -> None:
    assert verdict(ratio, 4.0, higher=higher) == word


def test_a_goal_compares_what_it_names() -> None:
    made = record(("echo-8", "ours", [40.0, 44.0]), ("echo-8", "node", [10.0, 10.0]))
    assert goal("echo-8", "node").judge(made) == ("reached", Spread(4.2, 4.0, 4.4, 2))
    assert goal("echo-8", "bun").judge(made) == ("not measured", None)


def test_a_lower_figure_is_the_better_one_for_memory() -> None:
    for ours, word in ((69.0, "reached"), (71.0, "missed")):
        made = record(("idle", "ours", [ours]), ("idle", "bun", [100.0]))
        assert goal("idle", "bun").judge(made)[0] == word


def test_the_best_of_several_peers_counts() -> None:
    goal = polling_goal()
    made = record(
        ("polling-echo", "ours", [12.0]),
        ("polling-echo", "psio-uvicorn", [10.0]),
        ("polling-echo", "psio-aiohttp", [11.0]),
    )
    judged, ratio = goal.judge(made)
    assert judged == "missed"
    assert ratio is not None
    assert ratio.median == pytest.approx(12 / 11)


def test_a_goal_needs_all_the_peers_that_could_be_had() -> None:
    goal = polling_goal()
    made = record(("polling-echo", "ours", [12.0]), ("polling-echo", "psio-uvicorn", [10.0]))
    assert goal.judge(made) == ("not measured", None)
    made.missing["psio-aiohttp"] = "not to be had"
    assert goal.judge(made)[0] == "reached"


def test_a_goal_without_a_peer_is_for_the_figure_itself() -> None:
    (goal,) = [goal for goal in GOALS if goal.ours == ("storm", "ours")]
    assert not goal.against
    for p99, word in ((19_000.0, "reached"), (21_000.0, "missed")):
        made = record(("storm", "ours", [p99]))
        assert goal.judge(made)[0] == word
        (row,) = goals_table(made).rows[:1]
        assert row[1:] == ("", "≤ 20.0 ms", f"{p99 / 1000:.1f} ms", word)
    assert goal.judge(record()) == ("not measured", None)


def test_every_goal_is_measured_if_all_cases_are_planned() -> None:
    measured = {(turn.case.name, turn.server) for turn in plan(CASES, 3) if turn.number == 2}
    for goal in GOALS:
        assert {goal.ours, *goal.against} <= measured, goal.text


def test_servers_take_turns_and_each_round_begins_with_another() -> None:
    (case,) = select(["idle"])
    turns = [turn.server for turn in plan([case], 3)]
    assert turns == ["ours", "bun", "node", "psio-uvicorn", "psio-aiohttp", "bun", "ours", "ours", "bun"]


def test_chosen_servers_are_measured_in_every_round_where_they_can_answer() -> None:
    cases = select(["echo-1", "polling-echo"])
    turns = [(turn.case.name, turn.server) for turn in plan(cases, 2, ("node", "limit-send"))]
    assert turns == [
        ("echo-1", "node"),
        ("echo-1", "limit-send"),
        ("echo-1", "limit-send"),
        ("echo-1", "node"),
        ("polling-echo", "node"),
        ("polling-echo", "node"),
    ]
    assert not [turn for turn in plan(cases, 1, ("bare",)) if turn.server == "bare"]


def test_cases_are_chosen_by_how_their_names_begin() -> None:
    assert [case.name for case in select(["idle", "echo"])] == ["echo-1", "echo-8", "idle"]
    assert [case.name for case in select(["connect"])] == ["connect"]
    with pytest.raises(ValueError, match="no case begins with 'nothing'"):
        select(["nothing"])


def test_every_server_of_a_case_is_known() -> None:
    for case in CASES:
        assert {*case.servers, *case.once} <= set(PEERS)
        assert case.limits or not {*case.servers, *case.once} & set(LIMITS)


def test_a_plain_table_has_columns_of_equal_width() -> None:
    table = Table("T", ("a", "b", "c", "d"), [("1", "22", "333", ""), ("4444", "5", "6", "word")])
    assert table.plain() == "T\na     b     c  d\n1     22  333\n4444  5     6  word"


def test_a_markdown_table_has_its_ruler() -> None:
    table = Table("T", ("a", "b", "c", "d"), [("1", "2", "3", "4")])
    assert table.markdown() == "| a | b | c | d |\n| --- | --- | ---: | --- |\n| 1 | 2 | 3 | 4 |"


def test_the_table_shows_median_spread_and_ratio() -> None:
    made = record(
        ("echo-1", "node", [10.0, 20.0, 15.0]), ("echo-1", "ours", [30.0, 20.0, 60.0]), p50_us=1500.0
    )
    ours, node = main_table(made).rows
    assert ours[:5] == ("echo-1", "trio-socketio", "30.0/s", "20.0..60.0", "1.50 ms")
    assert (node[0], node[2], node[7]) == ("", "15.0/s", "3.00x (1.00..4.00)")


def test_the_table_tells_what_was_wrong() -> None:
    made = record(("echo-1", "ours", [30.0]), client_cpu=0.95, errors=2, deliveries=4)
    assert main_table(made).rows[0][-1] == "client-bound, 2 errors, 4 of 5 deliveries"


def test_the_table_of_goals_has_what_was_measured() -> None:
    rows = goals_table(record(("echo-8", "ours", [9.0]), ("echo-8", "node", [3.0]))).rows
    assert rows == [
        ("Echo at depth 8, async def", "socket.io on Node", "≥ 4.00x", "3.00x", "missed"),
        ("Echo at depth 8, async def", "socket.io on Bun", "≥ 1.00x", "", "not measured"),
    ]


def test_parts_of_the_document_are_replaced() -> None:
    text = "a\n<!-- x -->\nold\n<!-- end of x -->\nb\n"
    assert replace(text, "x", r"new \1") == "a\n<!-- x -->\nnew \\1\n<!-- end of x -->\nb\n"
    with pytest.raises(ValueError, match="does not have <!-- y -->"):
        replace(text, "y", "new")


def test_where_a_peer_is_better_in_every_round_the_document_says_so() -> None:
    made = record(
        ("echo-1", "ours", [9.0, 8.0]),
        ("echo-1", "bun", [10.0, 10.0]),
        ("echo-1", "node", [8.5, 8.5]),
        ("echo-1", "limit-send", [99.0, 99.0]),
    )
    assert slower(made) == "- echo-1, per second: 0.85x (0.80..0.90) of socket.io on Bun"


def test_the_document_takes_every_part(tmp_path: Path) -> None:
    copy = tmp_path / "benchmarks.md"
    copy.write_text(DOCUMENT.read_text("utf-8"), "utf-8")
    documents.write(record(("echo-1", "ours", [9.0])), copy, [tmp_path / "benchmarks" / "echo.svg"])
    text = copy.read_text("utf-8")
    for piece in (
        "| echo-1 | trio-socketio | 9.00/s |",
        "![echo](benchmarks/echo.svg)",
        "CPython 3.x",
        f"{len(GOALS)} goals: {len(GOALS)} not measured.",
    ):
        assert piece in text
    assert RATE.title not in slower(record())


def test_each_server_has_a_colour_of_its_own() -> None:
    assert set(COLOURS) == set(PEERS)
    assert len(set(COLOURS.values())) == len(PEERS)
