"""Who of the cluster works on what, and what goes where next. No clock and no network here: whoever
asks says what time it is.

A worker works on one of our loads, and where all are at work, the next one may lie ready beside it.
A load goes to a second worker where the first has gone, is silent for longer than anybody could
need, or is so slow that an idle one would be done sooner; the first answer counts, and whatever
comes after it is dropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a worker may take, in seconds and as multiples of what was seen.

    A model may be loaded ``loads_within_s`` from a slow disk. Of a worker that has not answered
    yet no pace is known: ``strange_times`` the slowest of the others is allowed it, and where none
    has answered, ``unknown_pace`` (the largest model on four old cores takes some three times as
    long as the talk). ``silences``: workers that a load may silence before it is to blame itself.
    """

    least_s: float = 60.0
    loads_within_s: float = 900.0
    times: float = 8.0
    strange_times: float = 20.0
    unknown_pace: float = 5.0
    double_times: float = 1.5
    double_s: float = 5.0
    silences: int = 2


@dataclass(eq=False, slots=True)
class Load(Generic[T]):
    """Windows that are recognised together. ``what`` is the caller's own."""

    number: int
    audio_s: float
    what: T
    done: bool = False
    tries: list[Try[T]] = field(default_factory=list)
    avoided: set[str] = field(default_factory=set)


@dataclass(eq=False, slots=True)
class Try(Generic[T]):
    """A load at a worker, from when it was sent until an answer comes or the worker goes."""

    load: Load[T]
    worker: str
    sent_s: float
    deadline_s: float
    """From when its model is there."""
    begun_s: float | None = None
    """When it was begun, or once its model was loaded."""
    ready: bool = False
    """Whether the model is there."""
    silent: bool = False


@dataclass(eq=False, slots=True)
class Hand(Generic[T]):
    """A worker. ``pace``: seconds it takes for one of audio; None while it has not answered.
    ``tries``: what it works on, and what lies ready for it."""

    address: str
    name: str
    pace: float | None = None
    trusted: bool = True
    tries: list[Try[T]] = field(default_factory=list)

    @property
    def idle(self) -> bool:
        return self.trusted and not self.tries

    @property
    def may_get_one_ahead(self) -> bool:
        return self.trusted and len(self.tries) == 1 and self.tries[0].begun_s is not None


class Gone(NamedTuple, Generic[T]):
    """A worker that is there no more, what it held, and the loads that it may have died of."""

    name: str
    tries: tuple[Try[T], ...]
    loads: tuple[Load[T], ...]


class Board(Generic[T]):
    """All that is known of workers and loads."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._waiting: deque[Load[T]] = deque()
        self._hands: dict[str, Hand[T]] = {}
        self._open: dict[int, Load[T]] = {}
        self._leaving: set[str] = set()

    @property
    def loads(self) -> list[Load[T]]:
        """What was not answered yet."""
        return list(self._open.values())

    @property
    def hands(self) -> list[str]:
        """Addresses of the workers that are given work."""
        return [hand.address for hand in self._hands.values() if hand.trusted]

    def add(self, load: Load[T]) -> None:
        self._open[load.number] = load
        self._waiting.append(load)

    def close(self, load: Load[T]) -> None:
        """Answered, or given up; late answers count no more."""
        load.done = True
        self._open.pop(load.number, None)
        if load in self._waiting:
            self._waiting.remove(load)

    def leaving(self, address: str) -> None:
        """The worker goes in order: its end is no window's fault."""
        self._leaving.add(address)

    def seen(self, present: Mapping[str, str]) -> list[Gone[T]]:
        """These workers (address: name) are there now, and no others; those that have gone."""
        for address, name in present.items():
            if address not in self._hands:
                self._hands[address] = Hand(address, name)
        left = [address for address in self._hands if address not in present]
        return [self._gone(self._hands.pop(address)) for address in left]

    def _gone(self, hand: Hand[T]) -> Gone[T]:
        orderly = hand.address in self._leaving
        self._leaving.discard(hand.address)
        died_of = []
        for one in reversed(hand.tries):
            load = one.load
            if one in load.tries:
                load.tries.remove(one)
            if load.done or self._cared_for(load):
                continue
            if one.begun_s is None or orderly:
                self._waiting.appendleft(load)
            else:
                self.close(load)
                died_of.append(load)
        return Gone(hand.name, tuple(hand.tries), tuple(died_of))

    def _cared_for(self, load: Load[T]) -> bool:
        return load in self._waiting or any(not one.silent for one in load.tries)

    def scattered(self) -> None:
        """The connection is lost, and with it all that was sent and everybody that was known."""
        self._hands.clear()
        self._leaving.clear()
        for load in self._open.values():
            load.tries.clear()
        self._waiting = deque(sorted(self._open.values(), key=lambda load: load.number))

    def begun(self, number: int, address: str, now: float, *, ready: bool) -> None:
        """A worker tells that it has begun, and whether its model is there; before that other work
        comes first."""
        hand = self._hands.get(address)
        for one in hand.tries if hand else []:
            if one.load.number == number:
                one.begun_s, one.ready = now, ready

    def withdraw(self, load: Load[T]) -> list[Try[T]]:
        """What of an answered load lies at workers that have not begun it: it can be taken back."""
        taken = [one for one in load.tries if one.begun_s is None]
        for one in taken:
            self._remove(one)
        return taken

    def _remove(self, one: Try[T]) -> Hand[T] | None:
        """The worker that had it, if it is there still."""
        if one in one.load.tries:
            one.load.tries.remove(one)
        hand = self._hands.get(one.worker)
        if hand is None or one not in hand.tries:
            return None
        hand.tries.remove(one)
        return hand

    def answered(self, one: Try[T], took_s: float | None) -> bool:
        """Whether the answer is the load's first. ``took_s`` None: nothing to learn from."""
        hand = self._remove(one)
        if hand is not None:
            hand.trusted = True
            if took_s is not None and one.load.audio_s:
                pace = took_s / one.load.audio_s
                hand.pace = pace if hand.pace is None else (hand.pace + pace) / 2
        return not one.load.done

    def back(self, load: Load[T]) -> None:
        """The load came back undone, through no fault of its own."""
        if not load.done and not self._cared_for(load):
            self._waiting.appendleft(load)

    def turn_away(self, address: str) -> str:
        """The worker is given nothing more until it comes anew. Its name."""
        hand = self._hands.get(address)
        if hand is None:
            return address
        hand.trusted = False
        return hand.name

    def overdue(self, now: float) -> tuple[list[str], list[Load[T]]]:
        """Workers that have fallen silent, which are given no more until they answer; and loads
        given up since they silenced one after the other. What the silent held goes out again."""
        silent, given_up = [], []
        for hand in self._hands.values():
            if not any(self._is_overdue(one, now) for one in hand.tries):
                continue
            silent.append(hand.name)
            hand.trusted = False
            for one in reversed(hand.tries):
                if one.begun_s is not None:
                    one.load.avoided.add(hand.address)
                one.silent = True
                if not one.load.done and len(one.load.avoided) > self._patience.silences:
                    self.close(one.load)
                    given_up.append(one.load)
                self.back(one.load)
        return silent, given_up

    def _is_overdue(self, one: Try[T], now: float) -> bool:
        if one.silent or one.begun_s is None:
            return False
        within_s = one.deadline_s if one.ready else self._patience.loads_within_s
        return now - one.begun_s > within_s

    def next(self, now: float) -> list[Try[T]]:
        """What is to be sent now: what waits, then a second try of what is held up."""
        idle = sorted((one for one in self._hands.values() if one.idle), key=self._expected_pace)
        sent = []
        for hand in idle:
            load = self._next_for(hand) or self._held_up(hand, now)
            if load is not None:
                sent.append(self._give(hand, load, now))
        soon = [one for one in self._hands.values() if one.may_get_one_ahead]
        for hand in sorted(soon, key=self._expected_end) if self._waiting else []:
            load = self._next_for(hand)
            if load is not None:
                sent.append(self._give(hand, load, now))
        return sent

    def _next_for(self, hand: Hand[T]) -> Load[T] | None:
        """The load that has waited longest, taken from those that wait."""
        load = next((one for one in self._waiting if hand.address not in one.avoided), None)
        if load is not None:
            self._waiting.remove(load)
        return load

    def _expected_end(self, hand: Hand[T]) -> float:
        one = hand.tries[0]
        return (one.begun_s or 0.0) + self._expected_pace(hand) * one.load.audio_s

    def _give(self, hand: Hand[T], load: Load[T], now: float) -> Try[T]:
        one = Try(load, hand.address, now, self._deadline_s(hand, load))
        hand.tries.append(one)
        load.tries.append(one)
        return one

    def _held_up(self, hand: Hand[T], now: float) -> Load[T] | None:
        """The load that an idle worker should try, too: of those with one worker each, the one
        that is longest overdue by the idle one's own pace."""
        pace = self._expected_pace(hand)
        late = [
            (late_s, -load.number, load)
            for load in self._open.values()
            if len(load.tries) == 1 and hand.address not in load.avoided
            if (late_s := self._late_s(load.tries[0], pace, now)) > 0
        ]
        return max(late)[2] if late else None

    def _late_s(self, one: Try[T], pace: float, now: float) -> float:
        grace_s = self._patience.double_s
        if one.begun_s is None:
            behind_ours = self._hands[one.worker].tries[0] is not one
            return max(now - one.sent_s, 1e-9) - (0 if behind_ours else grace_s)
        grace_s += self._patience.double_times * pace * one.load.audio_s
        return now - one.begun_s - grace_s

    def _expected_pace(self, hand: Hand[T]) -> float:
        if hand.pace is not None:
            return hand.pace
        return max(self._paces(), default=self._patience.unknown_pace)

    def _paces(self) -> list[float]:
        return [one.pace for one in self._hands.values() if one.pace is not None]

    def _deadline_s(self, hand: Hand[T], load: Load[T]) -> float:
        wait = self._patience
        if hand.pace is not None:
            return wait.least_s + wait.times * hand.pace * load.audio_s
        slowest = max(self._paces(), default=None)
        pace = wait.unknown_pace if slowest is None else wait.strange_times * slowest
        return wait.least_s + pace * load.audio_s
