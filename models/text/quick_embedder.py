"""Text into vectors without torch: tokenizers, ONNX runtime on the model's own weights, numpy.

Importing torch and sentence-transformers takes seconds and hundreds of megabytes, which a search
in a process of its own would pay each time; this takes tenths of a second. Passages are encoded
here, too: on two threads sentence-transformers (6.2 on torch 2.13) takes 3 times as long and more
with the bundled model and 1.6 to 2 times with all-MiniLM-L6-v2, as ``make bench-cold`` measures.
Small batches are quicker than large ones and need less memory. Vectors are the same to a cosine of
.9999 and better, which ``prepare`` finds out before a model is used in this way; so a model
keeps its hash, and what was embedded by either stays valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from models.contracts import ModelError, ModelInfo, Vectors
from models.machine import cores
from models.reasons import first_line
from models.registry import ModelEntry
from models.text.quick_form import QuickForm
from models.text.text_model import TextModel, batches

_BATCH_TOKENS = 512
_BATCH_PASSAGES = 64

_ONLY_ERRORS = 3


class QuickEmbedder(TextModel):
    """An ``Embedder`` over a local sentence-transformers folder, on the processor.

    The session may be asked by several threads at once.
    """

    def __init__(
        self,
        directory: Path,
        entry: ModelEntry,
        info: ModelInfo,
        form: QuickForm,
        *,
        threads: int,
    ) -> None:
        """Load the model in its quick form; ``threads`` 0 means every core this process may use.

        Raises ModelError: "damaged" without ``tokenizer.json``, "unloadable" with the reason.
        """
        super().__init__(directory, entry, info)
        self._form = form
        self._session = _session(form, entry.name, threads)
        probe = self._encode([self._counter.cut_numbers("x")])
        self._take_dimension(probe, entry.dimension)

    def encode_passages(self, passages: Sequence[str]) -> Vectors:
        """float32 [n, dimension], rows L2-normalised. Raises TextTooLong beyond ``max_tokens``."""
        numbers = self._counter.numbers([self._passage_prefix + one for one in passages])
        counts = [len(row) for row in numbers]
        self._refuse_long(counts)
        vectors = np.empty((len(passages), self._dimension), dtype=np.float32)
        for rows in batches(counts, _BATCH_TOKENS, _BATCH_PASSAGES):
            vectors[rows] = self._encode([numbers[row] for row in rows])
        return vectors

    def encode_query(self, query: str) -> Vectors:
        """float32 [1, dimension], L2-normalised. A long query is cut at ``max_tokens``."""
        return self._encode([self._counter.cut_numbers(self._query_prefix + query)])

    def _encode(self, numbers: Sequence[Sequence[int]]) -> Vectors:
        shape = (len(numbers), max(len(row) for row in numbers))
        ids, mask = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int32)
        for place, row in enumerate(numbers):
            ids[place, : len(row)] = row
            mask[place, : len(row)] = 1
        given = {"input_ids": ids, "position_ids": self._positions(ids, mask)}
        if self._form.encoder.masked:
            given["mask"] = mask
        try:
            (states,) = self._session.run(None, given)
        except Exception as error:  # the runtime's own errors have no other common base
            raise ModelError("unloadable", self._info.name, first_line(error)) from error
        return self._form.pooling(states, mask)

    def _positions(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        skipped = self._form.encoder.skipped
        if skipped is None:
            return np.ascontiguousarray(np.broadcast_to(np.arange(ids.shape[1]), ids.shape))
        counted = mask * (ids != skipped)
        return np.asarray(np.cumsum(counted, axis=1) * counted + skipped, dtype=np.int64)


def _session(form: QuickForm, name: str, threads: int) -> onnxruntime.InferenceSession:
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ONLY_ERRORS
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = threads or cores()
    # Waiting threads that spin would take the recogniser's cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", str(form.folder.absolute())
    )
    try:
        return onnxruntime.InferenceSession(
            form.encoder.model, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # as above
        raise ModelError("unloadable", name, first_line(error)) from error
