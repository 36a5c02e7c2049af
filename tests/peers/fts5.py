"""SQLite's FTS5 as it comes: any of a question's words, by its own BM25, one core.

python tests/peers/fts5.py TEXTS.json FOLDER
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import sys
import time
from pathlib import Path

import numpy as np

K = 10


def main(texts_at: str, folder: str) -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    told = json.loads(Path(texts_at).read_text(encoding="utf-8"))
    path = Path(folder) / "words.db"
    began = time.perf_counter()
    db = sqlite3.connect(path)
    db.execute("CREATE VIRTUAL TABLE chunks USING fts5(text)")
    db.executemany("INSERT INTO chunks VALUES (?)", ((text,) for text in told["texts"]))
    db.commit()
    built_s = time.perf_counter() - began
    questions = [" OR ".join(f'"{word}"' for word in re.findall(r"\w+", one))
                 for one in told["questions"]]  # fmt: skip
    took = []
    for question in (*questions[:5], *questions):
        began = time.perf_counter()
        asked = "SELECT rowid, text FROM chunks WHERE chunks MATCH ? ORDER BY rank LIMIT ?"
        db.execute(asked, (question, K)).fetchall()
        took.append(1000 * (time.perf_counter() - began))
    print(
        json.dumps(
            {
                "version": sqlite3.sqlite_version,
                "how": "defaults",
                "built_s": built_s,
                "p50_ms": float(np.percentile(took[5:], 50)),
                "p99_ms": float(np.percentile(took[5:], 99)),
                "disk_mb": path.stat().st_size / 1e6,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
