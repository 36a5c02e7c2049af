"""The speech recipe's arithmetic: windows, losses, restarts, and the folder that comes out."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from faster_whisper import BatchedInferencePipeline, WhisperModel
from faster_whisper.feature_extractor import FeatureExtractor
from hypothesis import given
from hypothesis import strategies as st

from models.training.speech import sound
from models.training.speech.clips import HELD_OUT_VOICES, TRAINING_VOICES, Clips
from models.training.speech.export import as_transformers, output_table, write_model
from models.training.speech.losses import look_loss
from models.training.speech.network import FRAMES, Shape, SmallWhisper
from models.training.speech.steps import Recipe, batch_at
from models.training.speech.text import written
from models.training.speech.tokenizer import TIMES, TextTokens, build, identity, learn
from models.training.speech.train import Place, Trainer, rate_at
from models.training.speech.windows import IGNORED, WindowMaker, phoneme_symbols

RATE = 16_000
VOICES = ("", "m1", "f1")


def write_clips(folder: Path, count: int = 40) -> None:
    """A set in the form of the recipe's, of noise instead of voices."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    offset = 0
    rows = []
    with (folder / "train-0.pcm").open("wb") as pcm:
        for number in range(count):
            language = ("de", "en")[number % 2]
            text = written(language)[number]
            words = text.split()
            samples = RATE * len(words) // 3
            pcm.write((3000 * rng.standard_normal(samples)).astype(np.int16).tobytes())
            times = np.linspace(0.02, samples / RATE - 0.1, len(words) + 1)
            rows.append(
                {
                    "offset": offset,
                    "samples": samples,
                    "language": language,
                    "voice": VOICES[number % 3],
                    "text": text,
                    "words": [
                        (word, float(a), float(b))
                        for word, a, b in zip(words, times, times[1:], strict=False)
                    ],
                    "phonemes": [
                        (float(a), symbol) for a, symbol in zip(times, "abcab" * 9, strict=False)
                    ],
                    "end_s": float(times[-1]),
                }
            )
            offset += samples
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "train-0.jsonl").write_text(lines, "utf-8")


@cache
def tokenizer():
    return build(learn([*written("de")[:300], *written("en")[:300]], 700))


@pytest.fixture
def work(tmp_path: Path) -> Path:
    write_clips(tmp_path / "clips")
    tokenizer().save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def maker_of(work: Path) -> WindowMaker:
    clips = Clips(work / "clips", "train")
    return WindowMaker(clips, TextTokens(tokenizer()), phoneme_symbols(clips))


def small_network() -> SmallWhisper:
    torch.manual_seed(1)
    shape = Shape(
        TextTokens(tokenizer()).size, 5, width=64, heads=4, encoder_layers=2, decoder_layers=2
    )
    return SmallWhisper(shape).eval()


# ---------------------------------------------------------------- sound


@pytest.mark.parametrize("seconds", [0.5, 3.21, 12.0])
def test_the_log_mel_is_faster_whispers(seconds: float) -> None:
    rng = np.random.default_rng(2)
    wave = sound.roughen(rng, sound.music(rng, int(seconds * RATE)))
    expected = FeatureExtractor()(wave, padding=160)[:, : int(seconds * 100)]
    mel = sound.log_mel(wave).numpy()[:, : expected.shape[1]]
    np.testing.assert_allclose(mel, expected, atol=2e-3)


@given(st.integers(0, 1000), st.floats(0, 30))
def test_noise_is_as_loud_as_asked(seed: int, ratio_db: float) -> None:
    rng = np.random.default_rng(seed)
    wave = np.sin(np.arange(RATE) / 9).astype(np.float32)
    added = sound.with_noise(rng, wave, ratio_db) - wave
    loudness = 10 * np.log10(np.square(wave).mean() / np.square(added).mean())
    assert loudness == pytest.approx(ratio_db, abs=0.01)


# ---------------------------------------------------------------- windows


def test_no_voice_is_both_trained_on_and_held_out() -> None:
    assert not set(HELD_OUT_VOICES) & set(TRAINING_VOICES)
    assert len(HELD_OUT_VOICES) >= 4


def test_a_batch_depends_on_seed_step_and_process_alone(work: Path) -> None:
    recipe = Recipe(steps=50, second_steps=0, third_steps=0)
    for step in (0, 20, 49):
        first, again = (batch_at(maker_of(work), recipe, step, 1) for _ in range(2))
        other = batch_at(maker_of(work), recipe, step, 0)
        for name in ("mel", "offsets", "phonemes", "ids", "targets", "low", "high"):
            assert torch.equal(getattr(first, name), getattr(again, name)), name
        assert first.mel.shape != other.mel.shape or not torch.equal(first.mel, other.mel)


def test_what_is_asked_for_is_what_follows(work: Path) -> None:
    """Targets are the ids one place on, from the language token to the end of the text."""
    maker, tokens = maker_of(work), TextTokens(tokenizer())
    rng, noise = Random(6), np.random.default_rng(6)
    for _ in range(30):
        window = maker.several(rng, noise, 30.0)
        batch = maker.batch(rng, [window], full=True, prompts=0.5)
        ids, targets = batch.ids[0].tolist(), batch.targets[0].tolist()
        start = ids.index(tokens.start)
        assert targets[start] == tokens.language(window.language)
        assert all(target == IGNORED for target in targets[:start])
        text = [(a, b) for a, b in zip(ids[start + 2 :], targets[start + 1 :], strict=False)]
        assert all(target in (IGNORED, following) for following, target in text)
        if len(ids) < 447:
            assert targets[-1] == tokens.end


def test_times_and_looks_move_with_the_window(work: Path) -> None:
    """A token's place in the sound stays while its time token shifts with the offset."""
    maker, tokens = maker_of(work), TextTokens(tokenizer())
    clip = maker.clips.clips[0]
    for seed in range(40):
        rng, noise = Random(seed), np.random.default_rng(seed)
        window = maker.one(rng, noise, clip)
        batch = maker.batch(rng, [window], full=False, prompts=0.0)
        times = [t - tokens.first_time for t in batch.targets[0].tolist() if t >= tokens.first_time]
        begin_s = window.said[0][0] + clip.words[0][1]
        if times:
            assert len(times) == 2
            assert times[0] - int(batch.offsets[0]) == pytest.approx(begin_s * 50, abs=0.51)
        seen = batch.high[0] > batch.low[0]
        first = int(seen.nonzero()[0])
        assert float(batch.low[0, first]) == pytest.approx(begin_s * 50 - 1.5, abs=1.01)


def test_short_windows_hold_something_though_sentences_are_long(work: Path) -> None:
    maker = maker_of(work)
    for seed in range(60):
        window = maker.several(Random(seed), np.random.default_rng(seed), 7.0)
        assert window.said
    with pytest.raises(ValueError, match="no sentence of"):
        maker.several(Random(1), np.random.default_rng(1), 1.0)


def test_a_window_without_speech_says_so(work: Path) -> None:
    maker, tokens = maker_of(work), TextTokens(tokenizer())
    rng, noise = Random(1), np.random.default_rng(1)
    batch = maker.batch(rng, [maker.silent(rng, noise, 10.0)], full=False, prompts=0.0)
    targets = [t for t in batch.targets[0].tolist() if t != IGNORED]
    assert targets[0] == tokens.no_speech
    assert targets[-1] == tokens.end
    assert not (batch.high > batch.low).any()
    assert not batch.phonemes.any()


def test_a_sentence_cut_off_at_the_end_is_only_announced(work: Path) -> None:
    maker, tokens = maker_of(work), TextTokens(tokenizer())
    found = 0
    for seed in range(60):
        window = maker.several(Random(seed), np.random.default_rng(seed), 10.0)
        if window.cut_s is None:
            continue
        found += 1
        ids, places = maker.transcript(window, times=True)
        assert len(ids) == len(places)
        assert ids[-2:] == [tokens.time(window.cut_s), tokens.end]
        assert len(window.heard) == len(window.said) + 1
    assert found > 5


# ---------------------------------------------------------------- losses


def test_looking_at_the_right_frames_costs_nothing() -> None:
    weights = torch.zeros(1, 2, 10)
    weights[0, 0, 3], weights[0, 1, 7] = 1.0, 1.0
    low, high = torch.tensor([[2.5, 0.0]]), torch.tensor([[4.0, -1.0]])
    assert float(look_loss([weights], low, high)) == pytest.approx(0.0, abs=1e-6)
    assert float(look_loss([weights.roll(1, 2)], low, high)) > 5


def test_windows_without_places_give_a_finite_loss() -> None:
    weights = torch.full((1, 2, 10), 0.1)
    nowhere = torch.full((1, 2), -1.0)
    assert float(look_loss([weights], torch.zeros(1, 2), nowhere)) == 0.0


# ---------------------------------------------------------------- restarts


def trained(work: Path, recipe: Recipe, *, stop_after: int | None = None) -> dict:
    place = Place(work, "cpu", "float32", 0)
    trainer = Trainer(recipe, place, 0)
    if stop_after is None:
        trainer.run()
    else:
        for step in range(stop_after):
            trainer.learn(batch_at(trainer.maker, recipe, step, 0))
            trainer.step += 1
        trainer.save()
    return trainer.model.state_dict()


def test_the_rate_rises_and_falls_three_times() -> None:
    recipe = Recipe(steps=1000, second_steps=1000, third_steps=1000, warm_up=50)
    rates = [rate_at(recipe, step) for step in range(recipe.all_steps)]
    assert max(rates[:1000]) == pytest.approx(recipe.rate)
    assert max(rates[1000:2000]) == pytest.approx(recipe.second_rate)
    assert max(rates[2000:]) == pytest.approx(recipe.third_rate)
    low = (rates[999], rates[1000], rates[1999], rates[2000], rates[2999])
    assert max(low) < 0.05 * recipe.rate


def test_a_stopped_training_goes_on_as_if_nothing_had_happened(work: Path, tmp_path: Path) -> None:
    recipe = Recipe(
        steps=4,
        second_steps=2,
        third_steps=2,
        processes=1,
        width=64,
        encoder_layers=2,
        decoder_layers=2,
        seconds=12.0,
        warm_up=2,
    )
    straight = trained(work, recipe)
    (work / "state.pt").unlink()
    trained(work, recipe, stop_after=2)
    resumed = trained(work, recipe)
    for name, value in straight.items():
        assert torch.equal(value, resumed[name]), name


# ---------------------------------------------------------------- the folder


def test_the_exported_arithmetic_is_the_trained_one() -> None:
    model = small_network()
    table, bias = output_table(model, tokenizer())
    exported = as_transformers(model, tokenizer(), table)
    mel = torch.randn(1, 80, 2 * FRAMES)
    tokens = TextTokens(tokenizer())
    names = ["<|startoftranscript|>", "<|de|>", "<|transcribe|>", "<|notimestamps|>"]
    ids = [identity(tokenizer(), name) for name in names] + [5, 300]
    ours = [tokens.start, tokens.german, tokens.transcribe, tokens.no_times, 5, 300]
    with torch.no_grad():
        heard = model.encode(mel, torch.tensor([0]))
        expected, _ = model.decode(torch.tensor([ours]), heard)
        found = exported(mel, decoder_input_ids=torch.tensor([ids])).logits
    text = slice(0, tokens.size)
    torch.testing.assert_close(found[..., text], expected[..., text], atol=1e-4, rtol=1e-3)
    first = identity(tokenizer(), TIMES[0])
    torch.testing.assert_close(
        found[..., first:], expected[..., tokens.first_time :], atol=1e-4, rtol=1e-3
    )
    assert (bias[identity(tokenizer(), "<|fr|>")], bias[5]) == (-1e4, 0.0)


@pytest.mark.parametrize("quantization", ["int8", "float32"])
def test_any_trained_network_loads_in_faster_whisper(tmp_path: Path, quantization: str) -> None:
    write_model(small_network(), tokenizer(), tmp_path / "model", quantization)
    assert {path.name for path in (tmp_path / "model").iterdir()} == {
        "config.json",
        "model.bin",
        "preprocessor_config.json",
        "tokenizer.json",
        "vocabulary.json",
    }
    loaded = WhisperModel(str(tmp_path / "model"), device="cpu", compute_type=quantization)
    assert loaded.model.is_multilingual
    assert loaded.feature_extractor.mel_filters.shape[0] == 80
    wave = sound.music(np.random.default_rng(3), 3 * RATE) * np.float32(0.1)
    segments, info = loaded.transcribe(wave, word_timestamps=True, temperature=0)
    list(segments)
    assert info.language in ("de", "en")  # the only languages that are not impossible
    pieces, _ = BatchedInferencePipeline(loaded).transcribe(wave, batch_size=2, temperature=0)
    list(pieces)
