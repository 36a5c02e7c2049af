"""``make bench``: all benchmarks, one after the other, and what moved since the last time.

    python -m tests.bench_all [--full] [--only NAME…] [--rounds N] [--keep FOLDER]

Each part is a program of its own with ``--json FILE`` and ``--rounds N``, so that none measures
what another left behind; what it compares it measures in turn. A part that fails is named and costs
only itself; the exit status is 1 then. What was found is kept in ``.bench/``: ``last.json``, and a
file for every run. The quick parts take about a quarter of an hour on two cores; ``--full`` adds
the heavy ones.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.benching import ROOT, Move, Result, as_plain, from_plain, machine, moves, write

KEPT = ROOT / ".bench"


@dataclass(frozen=True)
class Part:
    """A benchmark: its module in tests, its arguments and its rounds. ``full``: the arguments with
    ``--full``; ``heavy`` parts run only then."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    full: tuple[str, ...] | None = None
    rounds: int = 3
    heavy: bool = False

    def command(self, out: Path, *, full: bool, rounds: int | None) -> list[str]:
        given = self.full if full and self.full is not None else self.arguments
        wanted = str(rounds or self.rounds)
        module = f"tests.{self.module}"
        return [sys.executable, "-m", module, *given, "--rounds", wanted, "--json", str(out)]

    def there(self) -> bool:
        return importlib.util.find_spec(f"tests.{self.module}") is not None


PARTS = (
    Part("recogniser", "bench"),
    Part(
        "fleet",
        "bench_fleet",
        ("--size", "tiny", "--clips", "30", "--minutes", "10"),
        ("--size", "base", "--clips", "60", "--minutes", "60"),
    ),
    Part("cold", "bench_cold"),
    Part("idle", "bench_idle"),
    Part(
        "memory",
        "bench_memory",
        ("--hours", "2", "--minutes", "4", "--spoken", "0.04"),
        ("--hours", "10", "--minutes", "20"),
        rounds=1,
    ),
    Part("share", "bench_share"),
    Part("cluster", "bench_cluster"),
    Part("costs", "bench_costs", rounds=1),
    Part("million", "bench_million", heavy=True),
)


def chosen(parts: Iterable[Part], only: Sequence[str], *, full: bool) -> list[Part]:
    """What is to run: all but the heavy ones, all, or those named."""
    if only:
        return [one for one in parts if one.name in only]
    return [one for one in parts if full or not one.heavy]


def ran(part: Part, *, full: bool, rounds: int | None) -> tuple[list[Result], str | None]:
    """What a part found, and how it failed, if it did; what it found before that counts."""
    with tempfile.TemporaryDirectory(prefix="interviews-bench-") as folder:
        out = Path(folder) / "found.json"
        status = subprocess.run(part.command(out, full=full, rounds=rounds), cwd=ROOT).returncode
        try:
            found = from_plain(json.loads(out.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError) as error:
            return [], f"exit status {status}, no figures ({type(error).__name__})"
    named = [replace(one, name=f"{part.name}: {one.name}") for one in found]
    return named, f"exit status {status}" if status else None


def before(folder: Path) -> tuple[str, list[Result]]:
    """When the last run was, and what it found; nothing where there is none or none to be read."""
    try:
        kept: dict[str, Any] = json.loads((folder / "last.json").read_text(encoding="utf-8"))
        return str(kept["when"]), from_plain(kept)
    except (OSError, ValueError, TypeError, KeyError):
        return "", []


def keep(
    folder: Path, results: Sequence[Result], failed: dict[str, str], when: str
) -> dict[str, Any]:
    """Write what was found beside former runs. What this one left out stays known of the last."""
    found = {
        "when": when,
        "machine": machine(),
        "results": as_plain(results),
        "failed": failed,
    }
    write(folder / f"{when.replace(':', '')}.json", found)
    measured = {one.name for one in results}
    older = [one for one in before(folder)[1] if one.name not in measured]
    write(folder / "last.json", found | {"results": as_plain([*older, *results])})
    return found


def told(
    results: Sequence[Result], since: Sequence[Move], then: str, failed: dict[str, str]
) -> str:
    """The end of a run, for people."""
    lines = ["", "== found", *(one.told() for one in results)]
    if since:
        lines += ["", f"== since {then} (! marks a median outside the other run's range)"]
        lines += [one.told() for one in since]
    lines += [f"FAILED {name}: {why}" for name, why in failed.items()]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the heavy parts, too")
    parser.add_argument("--only", nargs="+", default=[], choices=[one.name for one in PARTS])
    parser.add_argument("--rounds", type=int, help="of every part, instead of its own")
    parser.add_argument("--keep", type=Path, default=KEPT, help="where runs are kept")
    given = parser.parse_args()
    results: list[Result] = []
    failed: dict[str, str] = {}
    for part in chosen(PARTS, given.only, full=given.full):
        if not part.there():
            continue
        began = time.monotonic()
        print(f"== {part.name}", flush=True)
        found, why = ran(part, full=given.full, rounds=given.rounds)
        print(f"   {time.monotonic() - began:.0f} s", flush=True)
        results += found
        if why:
            failed[part.name] = why
            print(f"FAILED {part.name}: {why}", flush=True)
    then, earlier = before(given.keep)
    keep(given.keep, results, failed, datetime.now().isoformat(timespec="seconds"))
    sys.stdout.write(told(results, moves(earlier, results), then, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
