"""What every job needs: the home, its settings and the models they name."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from models.contracts import Embedder, ModelError, ModelInfo, Reranker
from models.folder import Kind
from models.load import load_embedder, load_reranker, model_info, resolve
from models.machine import device_for, has_card
from models.registry import ModelEntry
from models.speech.hotwords import MAX_TOKENS
from models.speech.true_length import Means, spare_of
from pipeline.catalog.connection import Catalogue, open_catalogue
from pipeline.errors import BadInput, Missing
from pipeline.glossary import FILE_NAME, Glossary, GlossaryFile, hotwords
from pipeline.home import Home
from pipeline.run.engine import model_missing
from pipeline.run.workers import RecogniserSpec
from pipeline.search.reranking import Reranking
from pipeline.settings import Settings
from pipeline.values import ModelRef


@dataclass(frozen=True)
class Context:
    """Where we work and with what. Models are resolved when they are first asked for."""

    home: Home
    settings: Settings
    _loading: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def catalogue(self) -> Catalogue:
        return open_catalogue(self.home.catalogue, keep_in=self.home.backups)

    @property
    def models_dir(self) -> Path:
        named = self.settings.models_dir
        return Path(named).expanduser() if named else self.home.models

    @property
    def inbox(self) -> Path:
        """The folder that is watched, there or not."""
        named = Path(self.settings.inbox or "inbox").expanduser()
        return Path(os.path.abspath(self.home.root / named))

    @cached_property
    def glossary_file(self) -> GlossaryFile:
        named = self.settings.glossary
        path = self.home.root / Path(named or FILE_NAME).expanduser()
        return GlossaryFile(path, required=bool(named))

    @cached_property
    def _glossary(self) -> Glossary:
        return self.glossary_file.read()

    def glossary(self) -> Glossary:
        """The glossary as it was when first asked for: one run tells all recordings the same.

        Raises BadInput (``glossary.*``).
        """
        return self._glossary

    def hotwords(self, collection: str | None) -> tuple[str, ...]:
        """What to tell the speech model before a recording of ``collection``; nothing where the
        glossary is bad: that costs hints, not recordings, and the run's report says it."""
        try:
            return hotwords(self.glossary(), collection, MAX_TOKENS)
        except BadInput:
            return ()

    @cached_property
    def speech(self) -> tuple[ModelEntry, ModelRef]:
        """The speech model the settings name. Raises Missing."""
        return self._resolve("speech", self.settings.speech_model)

    @cached_property
    def text(self) -> tuple[ModelEntry, ModelRef]:
        """The text model the settings name. Raises Missing.

        It is recorded by its address, so that a folder of one's own is found again while the
        settings already name another model.
        """
        entry, model = self._resolve("text", self.settings.text_model)
        return entry, ModelRef(_address(entry), model.hash)

    def _resolve(self, kind: Kind, name: str) -> tuple[ModelEntry, ModelRef]:
        try:
            entry = resolve(kind, name, self.models_dir)
            info = model_info(entry, self.models_dir)
        except ModelError as error:
            raise model_missing(error) from error
        return entry, ModelRef(info.name, info.hash)

    @property
    def means(self) -> Means:
        """What the speech model computes with."""
        settings = self.settings
        device = device_for(settings.device)
        return Means(device, settings.compute_type, settings.beam_size)

    def recogniser_spec(self, workers: int, threads: int = 0) -> RecogniserSpec:
        """What workers need to load the speech model. The settings' ``threads`` come first, then
        those given, then a share of the cores."""
        entry, model = self.speech
        info = ModelInfo(model.name, model.hash)
        return RecogniserSpec(
            name=_address(entry),
            hash=model.hash,
            models_dir=str(self.models_dir),
            device=self.settings.device,
            compute_type=self.settings.compute_type,
            threads=self.settings.threads or threads or _share_of_cores(workers),
            batch_size=self.settings.batch_size,
            spare_s=spare_of(entry, info, self.means, self.models_dir),
        )

    def has_text_model(self, model: ModelRef) -> bool:
        """Whether ``model`` is loaded, or is there with the very content it was used with."""
        if any(model.hash == loaded for loaded, _ in self._embedders):
            return True
        try:
            self._entry_of(model)
        except (ModelError, Missing):
            return False
        return True

    def _entry_of(self, model: ModelRef) -> ModelEntry:
        """The entry of a text model that was used: the one the settings name, which may be a
        folder, or one of the registry. Raises ModelError, Missing."""
        named, now = self.text
        if now.hash == model.hash:
            return named
        entry = resolve("text", model.name, self.models_dir)
        if model_info(entry, self.models_dir).hash != model.hash:
            raise Missing("model.changed", name=model.name)
        return entry

    @cached_property
    def _embedders(self) -> dict[tuple[str, bool], Embedder]:
        return {}

    def embedder_for(self, model: ModelRef, *, many: bool = False) -> Embedder:
        """The text model ``model``, loaded once.

        ``many``: for more texts than a search's, for which a graphics card is worth its loading.
        Raises Missing where it is not there, or is there with other content than when it was used.
        """
        with self._loading:
            card = many and self._card
            if (model.hash, card) not in self._embedders:
                self._embedders[model.hash, card] = self._load_embedder(model, quick=not card)
            return self._embedders[model.hash, card]

    @cached_property
    def _card(self) -> bool:
        return self.settings.device == "auto" and has_card()

    def _load_embedder(self, model: ModelRef, *, quick: bool) -> Embedder:
        try:
            return load_embedder(
                self._entry_of(model),
                self.models_dir,
                device=self.settings.device,
                threads=self.settings.threads,
                quick=quick,
            )
        except ModelError as error:
            raise model_missing(error) from error

    @property
    def reranking(self) -> Reranking | None:
        """How the best hits are read again; None where the settings name no model for it."""
        name, seconds = self.settings.reranker, self.settings.rerank_seconds
        return Reranking(name, self.reranker, seconds) if name else None

    def reranker_entry(self) -> tuple[ModelEntry, ModelRef]:
        """The cross-encoder the settings name. Raises Missing."""
        return self._resolve("reranker", self.settings.reranker)

    def reranker(self) -> Reranker:
        """The cross-encoder the settings name, loaded once. Raises Missing."""
        with self._loading:
            return self._reranker

    @cached_property
    def _reranker(self) -> Reranker:
        entry, _ = self.reranker_entry()
        try:
            return load_reranker(
                entry,
                self.models_dir,
                device=self.settings.device,
                threads=self.settings.threads,
            )
        except ModelError as error:
            raise model_missing(error) from error


def _address(entry: ModelEntry) -> str:
    """By what a worker finds the same model: its name, or the folder of one's own."""
    own = entry.directory is not None and not entry.bundled
    return str(entry.directory) if own else entry.name


def _share_of_cores(workers: int) -> int:
    return max(1, len(os.sched_getaffinity(0)) // max(workers, 1))
