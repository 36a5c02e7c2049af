"""Files that a command writes where the user asked for them."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.errors import BadInput


def save(path: Path, content: str) -> None:
    """Write beside and rename: an interruption leaves no half file. Raises BadInput
    (``export.unwritable``)."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_text(content, encoding="utf-8", newline="")
        partial.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        partial.unlink(missing_ok=True)


def unwritable(path: Path, error: OSError) -> BadInput:
    return BadInput("export.unwritable", path=str(path), detail=error.strerror or str(error))
