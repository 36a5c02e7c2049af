"""One way to recognise speech, by itself: the same files, weights, threads and work for all.

    python tests/peers/speech.py NAME MODEL THREADS FILE…

Runs in the peers' own virtual environment and imports nothing of ours. The weights say a certain
number of tokens to whatever they hear; one line of JSON tells the seconds, loading aside, and how
many tokens each file came to, so that nobody can be quicker by saying less. Beams of five and no
second try for all.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version

BEAMS, BATCH = 5, 4


def openai(model_at: str, threads: int, files: list[str]) -> tuple[float, list[int], str]:
    """openai-whisper: MODEL is its own ``.pt``. It takes the files one by one."""
    import torch
    import whisper
    from faster_whisper import decode_audio  # openai-whisper wants an ffmpeg on the path

    torch.set_num_threads(threads)
    model = whisper.load_model(model_at, device="cpu")
    options = {
        "language": "de", "beam_size": BEAMS, "temperature": 0.0, "fp16": False,
        "without_timestamps": True, "condition_on_previous_text": False, "suppress_tokens": "",
        "no_speech_threshold": None, "logprob_threshold": None,
        "compression_ratio_threshold": None,
    }  # fmt: skip

    def heard(file: str) -> int:
        said = model.transcribe(decode_audio(file), verbose=None, **options)
        return sum(len(one["tokens"]) for one in said["segments"])

    began = time.perf_counter()
    counts = [heard(file) for file in files]
    return time.perf_counter() - began, counts, "openai-whisper"


def transformers(model_at: str, threads: int, files: list[str]) -> tuple[float, list[int], str]:
    """Hugging Face: MODEL is the folder of the checkpoint."""
    import torch
    from faster_whisper import decode_audio
    from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration

    torch.set_num_threads(threads)
    model = WhisperForConditionalGeneration.from_pretrained(model_at, local_files_only=True).eval()
    features = WhisperFeatureExtractor(feature_size=model.config.num_mel_bins)
    end, start = 50_257, 50_258  # "<|endoftext|>" and what follows it, in every Whisper
    model.generation_config.update(
        decoder_start_token_id=start, bos_token_id=end, eos_token_id=end, pad_token_id=end
    )

    def heard(some: list[str]) -> list[int]:
        sound = [decode_audio(file) for file in some]
        made = features(sound, sampling_rate=16_000, return_tensors="pt").input_features
        with torch.inference_mode():
            said = model.generate(
                made, language="de", task="transcribe", num_beams=BEAMS, return_timestamps=False,
                suppress_tokens=None, begin_suppress_tokens=None, max_new_tokens=200,
            )  # fmt: skip
        return [sum(int(token) < end for token in one) for one in said]

    began = time.perf_counter()
    counts = [
        n for begin in range(0, len(files), BATCH) for n in heard(files[begin : begin + BATCH])
    ]
    return time.perf_counter() - began, counts, "transformers"


def faster(model_at: str, threads: int, files: list[str]) -> tuple[float, list[int], str]:
    """faster-whisper's own batched pipeline, int8: MODEL is CTranslate2's folder."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    model = WhisperModel(model_at, device="cpu", compute_type="int8", cpu_threads=threads)
    pipeline = BatchedInferencePipeline(model)

    def heard(file: str) -> int:
        said, _ = pipeline.transcribe(
            file, language="de", batch_size=BATCH, beam_size=BEAMS, temperature=0.0,
            without_timestamps=True,
        )  # fmt: skip
        return sum(len(one.tokens) for one in said)

    began = time.perf_counter()
    counts = [heard(file) for file in files]
    return time.perf_counter() - began, counts, "faster-whisper"


ENGINES = {one.__name__: one for one in (openai, transformers, faster)}


def main(name: str, model: str, threads: str, *files: str) -> None:
    seconds, tokens, library = ENGINES[name](model, int(threads), list(files))
    print(json.dumps({"seconds": seconds, "tokens": tokens, "version": version(library)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
