"""The plan of the house holds: floors, one room for SQL, one for ffmpeg, one for models."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(
    path for package in ("pipeline", "models") for path in (ROOT / package).rglob("*.py")
)
PRODUCT = [path for path in SOURCES if "training" not in path.parts]

FLOORS = {
    "cli": 7,
    "web": 7,
    "nights": 6,
    "inbox": 5,
    "run": 4,
    "evaluation": 3,
    "search": 2,
    "accounts": 2,
    "reports": 2,
    "corrections": 1,
    "index": 1,
    "stages": 1,
    "catalog": 1,
    "formats": 1,
}
"""Higher floors may import lower ones; the ground floor is everything directly in pipeline/."""

LEARNT = {
    "torch",
    "ctranslate2",
    "faster_whisper",
    "sentence_transformers",
    "transformers",
    "tokenizers",
    "onnxruntime",
    "huggingface_hub",
}


def imports(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def floor(module: str) -> int:
    parts = module.split(".")
    return FLOORS.get(parts[1], 0) if len(parts) > 1 else 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_downwards_only(path: Path) -> None:
    own = module_of(path)
    for imported in imports(path):
        if own.startswith("models"):
            assert not imported.startswith("pipeline"), f"{own} knows of {imported}"
        elif imported.startswith("pipeline."):
            assert floor(imported) <= floor(own), f"{own} looks up to {imported}"


STRANGERS = [
    ("stages", "catalog"),
    ("stages", "corrections"),
    ("corrections", "catalog"),
    ("catalog", "stages"),
    ("catalog", "corrections"),
    ("catalog", "index"),
    ("accounts", "search"),
    ("accounts", "reports"),
    ("search", "accounts"),
    ("reports", "accounts"),
]


@pytest.mark.parametrize(("room", "other"), STRANGERS)
def test_rooms_of_one_floor_do_not_know_each_other(room: str, other: str) -> None:
    for path in PRODUCT:
        own = module_of(path)
        if own.startswith(f"pipeline.{room}."):
            assert not any(name.startswith(f"pipeline.{other}") for name in imports(path)), own


def test_no_module_imports_itself_through_others() -> None:
    graph = {module_of(path): imports(path) for path in SOURCES}
    graph = {name: {one for one in found if one in graph} for name, found in graph.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"a circle: {' → '.join((*trail, name))}"
        if name not in done:
            for imported in graph[name] - {name}:
                visit(imported, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


SQL = re.compile(
    r"^\s*(SELECT\s.+\sFROM\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s"
    r"|CREATE\s+(TABLE|INDEX|VIRTUAL)\s|PRAGMA\s|BEGIN\b|VACUUM\b)",
    re.S,
)


def test_sql_is_spoken_in_the_catalogue_only() -> None:
    for path in PRODUCT:
        if module_of(path).startswith("pipeline.catalog"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not SQL.match(node.value), f"{path}:{node.lineno}"


def test_ffmpeg_is_run_in_one_module_only() -> None:
    runners = [
        module_of(path)
        for path in PRODUCT
        if "imageio_ffmpeg" in imports(path)
        or re.search(r"which\(\s*[\"']ffmpeg", path.read_text(encoding="utf-8"))
    ]
    assert runners == ["pipeline.stages.ffmpeg"]


def test_learnt_models_live_in_their_own_package() -> None:
    for path in PRODUCT:
        own = module_of(path)
        if not own.startswith("models"):
            heavy = {name.split(".")[0] for name in imports(path)} & LEARNT
            assert not heavy, f"{own} imports {heavy}"


def test_packages_carry_no_code() -> None:
    for path in SOURCES:
        if path.name == "__init__.py":
            assert not path.read_text(encoding="utf-8").strip(), path


def test_no_module_became_a_pile() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in PRODUCT
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 350
    }
    assert not long


def test_the_top_level_is_as_agreed() -> None:
    agreed = {"pipeline", "models", "tests", "pyproject.toml", "Makefile", "README.md", "LICENSE"}
    top = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert top - {"build", "dist", "interviews.egg-info"} == agreed
