# Two commands are enough: `make demo` and `make test`. Both need Python >= 3.11 and make, and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ENGINE := tests/kernels tests/test_programs.py tests/test_few_shapes.py tests/test_methods.py tests/test_price_directed.py tests/test_certify.py

.PHONY: demo test test-engine lint examples docs bench-smoke results clean

demo: $(VENV)/.installed
	mkdir -p demo
	$(BIN)/j3o new demo/taskonomy5.yaml --benchmark taskonomy5 --seed 0 --force
	$(BIN)/j3o solve demo/taskonomy5.yaml --out demo/plan.json --plot demo/plan.png

# Neighbours share what they compile, so that a worker takes a run of tests. The slowest are listed at the end.
test: $(VENV)/.installed-development
	$(BIN)/python -m pytest -n auto --dist worksteal --durations=15

# What depends on JAX's release: kernels, methods, and what XLA makes of them.
test-engine: $(VENV)/.installed-development
	$(BIN)/python -m pytest -n auto --dist worksteal --durations=5 $(ENGINE)

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

# The pages of docs/ with a reference of the public names, as HTML; any warning is an error.
docs: $(VENV)/.installed-development
	$(BIN)/python -m pip install --quiet --group docs
	$(BIN)/python -m sphinx --quiet --fail-on-warning --nitpicky --keep-going --builder html docs build/docs

# Every benchmark at its smallest size: does it run?
bench-smoke: $(VENV)/.installed-development
	$(BIN)/python -m bench --smoke

# Every figure of README and docs measured anew, in pieces of minutes; stop it at any moment, and the same command goes on.
# One alone: make results ONLY=throughput
results: $(VENV)/.installed-development
	$(BIN)/python -m bench publish $(if $(ONLY),--only $(ONLY))

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
	rm -rf .venv .venv-* .compiled demo build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
