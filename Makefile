# Each recipe is a few plain lines; README.md has the same for a machine without make.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: book test lint lab notebooks exercises models bench clean

book: .venv/installed
	$(BIN)/jupyter-book build . -W --keep-going
	@echo; echo "The book is ready. Open this file in a browser: $(CURDIR)/_build/html/index.html"

# the environment: made once, and again whenever the pins or the package's settings change
.venv/installed: requirements.txt pyproject.toml
	@echo "Making .venv: about 2 GB of packages are installed, which takes minutes where none has been downloaded before."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@touch .venv/installed

test: lint
	$(BIN)/python -m pytest -n 2 -m "not alone"
	$(BIN)/python -m pytest -m alone

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/biome check .

lab: .venv/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/jupyter lab book   # so that its terminals know rnnlib

notebooks: .venv/installed
	$(BIN)/python tools/execute.py

exercises: .venv/installed
	$(BIN)/rnnlib release

models: .venv/installed
	for script in experiments/train_*.py experiments/measure_*.py; do $(BIN)/python $$script || exit 1; done

bench: .venv/installed
	$(BIN)/python tests/benchmarks/steps.py
	$(BIN)/python tests/benchmarks/grading.py

clean:
	rm -rf _build .venv
