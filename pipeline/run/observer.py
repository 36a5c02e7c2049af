"""What a run tells whoever watches it."""

from __future__ import annotations

from typing import Protocol

from pipeline.corrections.differences import Changes
from pipeline.errors import InterviewsError
from pipeline.run.pace import Split
from pipeline.values import Failure, Recording


class Observer(Protocol):
    """Told of every step, from whichever thread takes it."""

    def paced(self, split: Split) -> None:
        """It was measured how many processes hear fastest here, and with how many threads."""
        ...

    def started(self, recording: Recording, stages: tuple[str, ...], *, new: bool) -> None:
        """``new``: nothing of the recording can be found yet."""
        ...

    def progressed(
        self, recording: Recording, stage: str, done_ms: int, total_ms: int | None
    ) -> None:
        """``done_ms`` of the recording's audio are through ``stage``."""
        ...

    def retold(self, recording: Recording, changes: Changes) -> None:
        """The transcript was made anew and reads otherwise than before."""
        ...

    def finished(self, recording: Recording) -> None: ...

    def failed(self, recording: Recording, failure: Failure) -> None: ...

    def noticed(self, what: Failure) -> None:
        """Something about the machines that the run works on; no recording's failure."""
        ...

    def given_up(self, recording: Recording, reason: InterviewsError) -> None:
        """Taken over, cancelled or removed by someone else: no failure of ours."""
        ...


class Silent:
    """Watches nothing."""

    def paced(self, split: Split) -> None: ...

    def started(self, recording: Recording, stages: tuple[str, ...], *, new: bool) -> None: ...

    def progressed(
        self, recording: Recording, stage: str, done_ms: int, total_ms: int | None
    ) -> None: ...

    def retold(self, recording: Recording, changes: Changes) -> None: ...

    def finished(self, recording: Recording) -> None: ...

    def failed(self, recording: Recording, failure: Failure) -> None: ...

    def noticed(self, what: Failure) -> None: ...

    def given_up(self, recording: Recording, reason: InterviewsError) -> None: ...
