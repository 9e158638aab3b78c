# Two commands are enough: `make demo` and `make test`. Both need Python >= 3.11 and make, and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint examples bench-smoke clean

demo: $(VENV)/.installed
	mkdir -p demo
	$(BIN)/j3o new demo/taskonomy5.yaml --benchmark taskonomy5 --seed 0 --force
	$(BIN)/j3o solve demo/taskonomy5.yaml --out demo/plan.json --plot demo/plan.png

test: $(VENV)/.installed-development
	$(BIN)/python -m pytest -n auto

# Style, types and the directions of imports.
lint: $(VENV)/.installed-development
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright
	$(BIN)/lint-imports

# Every example in README and docs, run as written.
examples: $(VENV)/.installed-development
	$(BIN)/python -m pytest README.md docs -n 0 -W default
	for script in examples/*.py; do $(BIN)/python $$script || exit 1; done

# Every benchmark at its smallest size: does it run?
bench-smoke: $(VENV)/.installed-development
	$(BIN)/python -m bench --smoke

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "j3o-jax needs Python >= 3.11; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[plots,experiments]'
	touch $@

$(VENV)/.installed-development: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --group test --group lint
	touch $@

clean:
	rm -rf $(VENV) demo build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
