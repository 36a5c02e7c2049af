"""The best hits read again by a cross-encoder: what it changes, and what a short time does not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contracts import ModelError, ModelInfo, Reranker, Scores
from models.load import load_reranker, resolve
from pipeline.errors import Missing
from pipeline.messages import LANGUAGES
from pipeline.search.reranking import OFF, READ, SHORT, TOGETHER, Reranking
from pipeline.search.results import Mode, SearchResult, result_json
from pipeline.search.search import Searcher
from tests.conftest import Interviews
from tests.cross_encoder import make_cross_encoder
from tests.search_home import SearchHome, interview


@dataclass
class Reader:
    """Knows what each passage is worth, and takes its time: ``takes`` seconds a passage, in turn
    and then over and over, on a clock of its own."""

    worth: dict[str, float]
    takes: Sequence[float] = (0.0,)
    now: float = 100.0
    read: list[list[str]] = field(default_factory=list)
    info = ModelInfo("reader", "0" * 64)
    max_tokens = 512

    def scores(self, query: str, passages: Sequence[str]) -> Scores:
        for _ in passages:
            done = sum(map(len, self.read))
            self.now += self.takes[done % len(self.takes)]
        self.read.append(list(passages))
        return np.array([self.worth[passage] for passage in passages], dtype=np.float32)

    def reranking(self, seconds: float) -> Reranking:
        return Reranking("reader", lambda: self, seconds, lambda: self.now)


def passages(count: int) -> list[str]:
    return [f"Abschnitt {number}" for number in range(count)]


def upside_down(count: int, *takes: float) -> Reader:
    """A reader that thinks the last passage best."""
    worth = {passage: float(number) for number, passage in enumerate(passages(count))}
    return Reader(worth, takes or (0.0,))


# --- the order ---------------------------------------------------------------------------------


def test_with_time_enough_the_reader_s_order_stands() -> None:
    assert upside_down(20, 0.01).reranking(1).order("?", passages(20)) == ([*range(19, -1, -1)], ())


def test_what_is_not_read_keeps_its_place() -> None:
    order, (notice,) = upside_down(20, 0.25).reranking(1).order("?", passages(20))
    assert order == [3, 2, 1, 0, *range(4, 20)]
    assert (notice.key, notice.values) == (SHORT, {"read": 4, "count": 20})


def test_a_first_passage_that_takes_all_the_time_changes_nothing() -> None:
    reader = upside_down(20, 5)
    order, (notice,) = reader.reranking(1).order("?", passages(20))
    assert order == [*range(20)] and notice.values["read"] == 1
    assert reader.read == [passages(1)]


def test_no_more_is_begun_than_can_be_done_at_the_pace_so_far() -> None:
    reader = upside_down(20, 0.3)
    reader.reranking(1).order("?", passages(20))
    assert [len(batch) for batch in reader.read] == [1, 2]
    assert reader.now <= 101


def test_passages_of_equal_worth_keep_their_order() -> None:
    reader = Reader(dict.fromkeys(passages(5), 1.0))
    assert reader.reranking(1).order("?", passages(5)) == ([*range(5)], ())


def test_only_the_best_are_read() -> None:
    reader = upside_down(READ + 5)
    order, notices = reader.reranking(1).order("?", passages(READ + 5))
    assert order == [*range(READ - 1, -1, -1), *range(READ, READ + 5)]
    assert notices == () and sum(map(len, reader.read)) == READ
    assert max(map(len, reader.read)) <= TOGETHER


@pytest.mark.parametrize("count", [0, 1])
def test_where_nothing_can_change_no_model_is_loaded(count: int) -> None:
    def load() -> Reranker:
        raise AssertionError

    assert Reranking("x", load, 1).order("?", passages(count)) == ([*range(count)], ())


@given(
    worth=st.lists(st.floats(-20, 20, width=32), max_size=50),
    takes=st.lists(st.floats(0, 3), min_size=1, max_size=5),
    seconds=st.floats(0.01, 5),
)
def test_nothing_is_lost_and_the_unread_stay_where_they_were(
    worth: list[float], takes: list[float], seconds: float
) -> None:
    texts = passages(len(worth))
    reader = Reader(dict(zip(texts, worth, strict=True)), takes)
    order, notices = reader.reranking(seconds).order("?", texts)
    read = sum(map(len, reader.read)) or min(len(texts), 1)
    assert sorted(order) == [*range(len(texts))]
    assert order[read:] == [*range(read, len(texts))]
    assert order[:read] == sorted(range(read), key=lambda place: (-worth[place], place))
    assert bool(notices) == (read < min(len(texts), READ))


# --- in the search -----------------------------------------------------------------------------

TALKS = {
    "Wärme": interview("Das Wärmenetz ist teuer.", "Es kostet vier Millionen Euro."),
    "Netz": interview("Das Wärmenetz wächst.", "Jedes Jahr kommt eine Straße dazu."),
    "Bad": interview("Am Wärmenetz hängt auch das Bad.", "Es hat im Sommer zu."),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> SearchHome:
    home = SearchHome(tmp_path_factory.mktemp("search"))
    home.add_all(TALKS)
    return home


def searched(
    home: SearchHome, reranking: Reranking | None, *, mode: Mode = "hybrid", limit: int = 10
) -> SearchResult:
    searcher = Searcher(
        home.catalogue, home.index_dir, lambda _: home.embedder, reranking=reranking
    )
    return searcher.search("Was kostet das Wärmenetz?", mode=mode, limit=limit)


def titles(result: SearchResult) -> list[str]:
    return [hit.recording.facts.title for hit in result.hits]


def reversing(result: SearchResult, *takes: float) -> Reader:
    """A reader that thinks the last hit best."""
    worth = {hit.text: float(hit.rank) for hit in result.hits}
    return Reader(worth, takes or (0.0,))


def test_hits_come_in_the_reader_s_order_and_are_counted_anew(home: SearchHome) -> None:
    fused = searched(home, None)
    reread = searched(home, reversing(fused).reranking(1))
    assert titles(reread) == titles(fused)[::-1] and len(fused.hits) == len(TALKS)
    assert [hit.rank for hit in reread.hits] == [1, 2, 3]
    assert reread.degraded == ()


def test_what_is_read_again_is_more_than_what_is_shown(home: SearchHome) -> None:
    fused = searched(home, None)
    reread = searched(home, reversing(fused).reranking(1), limit=1)
    assert titles(reread) == titles(fused)[-1:]


@pytest.mark.parametrize("mode", ["words", "meaning"])
def test_only_hybrid_search_is_read_again(home: SearchHome, mode: Mode) -> None:
    fused = searched(home, None, mode=mode)
    reader = reversing(searched(home, None))
    assert titles(searched(home, reader.reranking(1), mode=mode)) == titles(fused)
    assert reader.read == []


def test_time_that_ends_early_is_told(home: SearchHome) -> None:
    fused = searched(home, None)
    cut = searched(home, reversing(fused, 0.4).reranking(1))
    first, second, third = titles(fused)
    assert titles(cut) == [second, first, third]
    german, english = (str(result_json(cut, one)["degraded"]) for one in LANGUAGES)
    assert "2 von 3" in german and "2 of 3" in english


class _Tired(Reader):
    def scores(self, query: str, passages: Sequence[str]) -> Scores:
        raise ModelError("unloadable", "reader", "out of memory")


def _absent() -> Reranker:
    raise Missing("model.absent", name="reader", detail="models")


@pytest.mark.parametrize("load", [_absent, lambda: _Tired({})])
def test_without_a_reader_the_search_answers_and_says_so(
    home: SearchHome, load: type[Reranker]
) -> None:
    fused = searched(home, None)
    off = searched(home, Reranking("our-reader", load, 1))
    assert off.hits == fused.hits
    assert [notice.key for notice in off.degraded] == [OFF]
    for language in LANGUAGES:
        assert "our-reader" in str(result_json(off, language)["degraded"])


# --- the command line --------------------------------------------------------------------------

QUERY = "Was kostet das?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_cross_encoder(tmp_path_factory.mktemp("models") / "our-reranker")


@pytest.fixture
def setting(folder: Path) -> dict[str, str]:
    return {"INTERVIEWS_RERANKER": str(folder), "INTERVIEWS_RERANK_SECONDS": "60"}


def test_search_puts_the_best_hits_in_the_model_s_order(
    worked: Interviews, folder: Path, setting: dict[str, str]
) -> None:
    fused = worked("search", QUERY, "--limit", "30", "--json").json
    ran = worked("-v", "search", QUERY, "--limit", "30", "--json", **setting)
    reread = ran.json
    texts = [hit["text"] for hit in fused["hits"]]
    model = load_reranker(
        resolve("reranker", str(folder), folder.parent), folder.parent, device="cpu", threads=1
    )
    worth = dict(zip(texts, model.scores(QUERY, texts).tolist(), strict=True))
    expected = sorted(texts, key=lambda text: -worth[text])
    assert [hit["text"] for hit in reread["hits"]] == expected != texts
    assert (reread["mode"], reread["degraded"]) == ("hybrid", None)
    assert QUERY not in ran.err and not any(text in ran.err for text in texts)


@pytest.mark.parametrize(
    ("language", "said"),
    [("de", "sind nicht neu geordnet: Das Modell"), ("en", "were not reordered: the model")],
)
def test_a_missing_model_is_told_and_costs_nothing_else(
    worked: Interviews, tmp_path: Path, language: str, said: str
) -> None:
    gone = str(tmp_path / "gone")
    told = worked("--lang", language, "search", QUERY, "--json", INTERVIEWS_RERANKER=gone).json
    assert said in told["degraded"] and gone in told["degraded"]
    assert told["hits"] == worked("search", QUERY, "--json").json["hits"]


@pytest.fixture
def gold(worked: Interviews, ids: dict[str, str]) -> Path:
    row = {"question": QUERY, "recording": next(iter(ids.values())), "start": 0, "end": 8}
    path = worked.home / "questions.jsonl"
    path.write_text(json.dumps(row), encoding="utf-8")
    return path


def test_evaluation_measures_what_is_read_again_where_a_model_is_set(
    worked: Interviews, gold: Path, setting: dict[str, str]
) -> None:
    ran = worked("evaluate", gold, "--json", **setting)
    modes = ran.json["modes"]
    assert set(modes) == {"hybrid", "words", "meaning", "reranked"}
    assert modes["reranked"]["all"]["n"] == 1
    assert not ran.err
    hurried = worked(
        "evaluate", gold, "--mode", "reranked", "--json",
        **setting | {"INTERVIEWS_RERANK_SECONDS": "1e-9"},
    )  # fmt: skip
    assert set(hurried.json["modes"]) == {"reranked"}
    assert "for 1 of 1 questions" in hurried.err


def test_evaluation_without_a_model_to_read_again(
    worked: Interviews, gold: Path, tmp_path: Path
) -> None:
    assert "reranked" not in worked("evaluate", gold, "--json").json["modes"]
    unset = worked("evaluate", gold, "--mode", "reranked", check=False)
    assert unset.code == 2 and "setting reranker is empty" in unset.err
    missing = worked(
        "evaluate", gold, "--mode", "reranked", check=False,
        INTERVIEWS_RERANKER="bge-reranker-v2-m3",
    )  # fmt: skip
    assert missing.code == 4 and "models pull bge-reranker-v2-m3" in missing.err


def test_doctor_and_the_list_of_models_know_it(
    interviews: Interviews, folder: Path, setting: dict[str, str]
) -> None:
    def looked(**environment: str) -> dict[str, object]:
        checks = interviews("doctor", "--json", check=False, **environment).json["checks"]
        (found,) = (one for one in checks if one["name"] == "reranker")
        return dict(found)

    assert looked()["said"] == "none set"
    assert str(looked(**setting)["said"]).startswith("our-reranker (")
    missing = looked(INTERVIEWS_RERANKER="bge-reranker-v2-m3")
    assert missing["ok"] is False and "models pull bge-reranker-v2-m3" in str(missing["advice"])
    there = {"INTERVIEWS_MODELS_DIR": str(folder.parent), "INTERVIEWS_RERANKER": folder.name}
    listed = {
        one["name"]: one for one in interviews("models", "list", "--json", **there).json["models"]
    }
    assert listed["our-reranker"]["kind"] == "reranker" and listed["our-reranker"]["in_use"]
    assert not listed["bge-reranker-v2-m3"]["in_use"]
    assert "our-reranker" in interviews("models", "verify", **there).out
