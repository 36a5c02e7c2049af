# `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BROWSER := $(VENV)/.browser
TORCH := torch==2.13.0
NEWEST := .venv-newest
PEERS := .venv-peers
TRAINING ?= .training
# As many test processes as cores: threads beside them would only wait for one another.
TESTS := -m pytest -q -n auto --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test test-browser test-newest check lint clean models-speech models-text \
    bench bench-cluster bench-cold bench-costs bench-fleet bench-gpu bench-idle bench-memory bench-peers bench-search \
    bench-share bench-million bench-web

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 18

setup: $(READY)  ## build the virtual environment in .venv

$(READY): pyproject.toml .ci/constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c .ci/constraints.txt -e '.[dev]'
	touch $(READY)

demo: setup  ## add the sample interviews, run them, search them
	@$(BIN)/python -m tests.demo

test: export OMP_NUM_THREADS := 1
test: setup  ## run all tests
	$(BIN)/python $(TESTS)

$(BROWSER): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c .ci/constraints.txt -e '.[browser]'
	command -v chromium || command -v chromium-browser || $(BIN)/playwright install chromium
	touch $(BROWSER)

test-browser: $(BROWSER)  ## the web pages in Chromium (SCREENSHOTS=FOLDER: with pictures of all)
	$(BIN)/python -m pytest -q tests/browser

lint: setup  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-newest: export OMP_NUM_THREADS := 1
test-newest:  ## the models' tests with the newest releases that pyproject.toml allows
	$(PYTHON) -m venv $(NEWEST)
	$(NEWEST)/bin/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	$(NEWEST)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade -e '.[dev]'
	$(NEWEST)/bin/python $(TESTS) tests/test_speech_model.py tests/test_whisper.py \
	    tests/test_text_model.py tests/test_models_*.py

check: lint test  ## what the continuous integration runs

bench: setup  ## speed, as ratios measured side by side, and what moved since last time (FULL=1: all)
	$(BIN)/python -m tests.bench_all $(if $(FULL),--full)

bench-cluster: setup  ## a cluster beside one process, and how many workers a driver can feed
	$(BIN)/python -m tests.bench_cluster --rounds $(or $(ROUNDS),5)

bench-cold: setup  ## what a search from nothing costs, beside sentence-transformers
	$(BIN)/python -m tests.bench_cold

bench-fleet: setup  ## the whole pipeline beside its recogniser alone (SIZE=base ROUNDS=5)
	$(BIN)/python -m tests.bench_fleet --size $(or $(SIZE),base) --rounds $(or $(ROUNDS),5)

bench-idle: setup  ## a run with nothing to do over 10,000 recordings
	$(BIN)/python -m tests.bench_idle

bench-memory: setup  ## peak memory with ten hours in the queue, beside one hour (HOURS=2 for a quick look)
	$(BIN)/python -m tests.bench_memory --hours $(or $(HOURS),10) --beside 1

bench-costs: setup  ## whether `interviews forecast` foretells what is then measured
	$(BIN)/python -m tests.bench_costs

bench-gpu: setup  ## a large model on a graphics card (SIZE=large-v3)
	$(BIN)/python -m tests.bench_gpu --size $(or $(SIZE),large-v3)

bench-peers: setup $(PEERS)/.ready  ## beside openai-whisper, Hugging Face, txtai and others
	$(BIN)/python -m tests.bench_peers --peers $(PEERS)/bin/python

$(PEERS)/.ready: .ci/peers.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	grep -v '^#' .ci/peers.txt | while read -r peer; do \
	    $(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check \
	        -c .ci/constraints.txt "$$peer" || echo "left out, since it does not install: $$peer"; \
	done
	touch $@

bench-share: setup  ## how much of a run is spent outside CTranslate2 (SIZE=base ROUNDS=5 JSON=FILE)
	$(BIN)/python -m tests.bench_share --size $(or $(SIZE),base) --rounds $(or $(ROUNDS),5) $(if $(JSON),--json $(JSON))

bench-million: setup  ## search among a million passages (HOMEDIR=FOLDER keeps them; needs the shared talks)
	$(BIN)/python -m tests.bench_million $(if $(HOMEDIR),--home $(HOMEDIR))

bench-search: setup  ## how good search is, beside BM25 (FINAL=1: the half nothing is tuned on)
	$(BIN)/python -m tests.bench_search $(if $(FINAL),--final)

bench-web: setup  ## how fast the pages are with 50 members (RUN=1: while recordings are processed)
	$(BIN)/python -m tests.load $(if $(RUN),--run)

serve: setup  ## the web pages over what `make demo` made, on this machine only
	$(BIN)/interviews --home .demo serve --open

models-speech: setup  ## train the bundled speech model again (hours; needs espeak-ng)
	$(BIN)/python -m models.training.speech.train --work $(TRAINING)/speech --out models/bundled/whisper-de-en
	$(BIN)/python -m models.registry --refresh

models-text: setup  ## train the bundled text model again (an hour)
	$(BIN)/python -m models.training.text.train --out models/bundled/text-de-en --state $(TRAINING)/text/state
	$(BIN)/python -m models.registry --refresh

clean:  ## delete what the targets made
	rm -rf $(VENV) $(NEWEST) $(PEERS) .bench .demo $(TRAINING) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
