# Two commands do everything on a fresh machine: `make run` and `make test`.
# Each sets up .venv first; it needs make, network access, and any Python ≥ 3.12.

BIN := .venv/bin
INSTALLED := .venv/.installed
DOCS_INSTALLED := .venv/.installed-docs
PIP := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --constraint .ci/constraints.txt

# The Python that the constraints were tested with comes first. Every candidate is tried by running it.
PYTHONS = $(PYTHON) python3.12 python3.13 python3.14 python3 python \
          "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.*/bin/python
USABLE := -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 12))'

.DEFAULT_GOAL := help
.PHONY: help install run design test verify check bench figures docs clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: $(INSTALLED) ## set up .venv; done by itself where it is needed

run: $(INSTALLED) ## run the main study, experiments/001-plating-under-a-coating
	@$(BIN)/interphase run experiments/001-plating-under-a-coating

design: $(INSTALLED) ## run the main design study, experiments/010-modulus-thickness-conductivity (about 15 minutes)
	@$(BIN)/interphase design experiments/010-modulus-thickness-conductivity

test: $(INSTALLED) ## run the tests; more options of pytest in ARGS="..."
	@$(BIN)/python -m pytest -m "not slow and not gpu" $(ARGS)

verify: $(INSTALLED) ## run the slow tests: convergence, published numbers
	@$(BIN)/python -m pytest -m "slow and not gpu" $(ARGS)

check: $(INSTALLED) ## style, types, floors
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/pyright
	@$(BIN)/lint-imports

bench: $(INSTALLED) ## measure the speed
	@$(BIN)/interphase bench

figures: $(INSTALLED) ## draw the figures and reports of all runs again
	@runs=$$(find experiments -path '*/output/*' -name summary.json | sort); \
	if [ -z "$$runs" ]; then echo "No run to report on yet: make run" >&2; exit 1; fi; \
	for summary in $$runs; do $(BIN)/interphase report "$$(dirname "$$summary")" || exit; done

docs: $(DOCS_INSTALLED) ## build the documentation into docs/site
	@$(BIN)/mkdocs build --quiet --strict --config-file docs/mkdocs.yml
	@echo "docs/site/index.html"

clean: ## remove .venv, caches and built files; results and checkpoints stay
	rm -rf .venv .hypothesis .pytest_cache .ruff_cache .import_linter_cache build dist docs/site
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml .ci/constraints.txt
	@if ! { $(BIN)/python $(USABLE) && $(BIN)/python -m pip --version; } >/dev/null 2>&1; then \
	    python=; \
	    for candidate in $(PYTHONS); do \
	        if "$$candidate" $(USABLE) >/dev/null 2>&1; then python=$$candidate; break; fi; \
	    done; \
	    if [ -z "$$python" ]; then \
	        echo "interphase needs Python 3.12 or newer (with its venv module), and none was found." >&2; \
	        echo "Install one, for example:" >&2; \
	        echo "  Debian, Ubuntu   apt install python3.12 python3.12-venv" >&2; \
	        echo "  macOS            brew install python@3.12" >&2; \
	        echo "  anywhere         pyenv install 3.12" >&2; \
	        echo "or name one: make PYTHON=/path/to/python3.12 $(or $(MAKECMDGOALS),install)" >&2; \
	        exit 1; \
	    fi; \
	    echo "Creating .venv with $$("$$python" --version)"; \
	    "$$python" -m venv --clear .venv || exit; \
	fi
	@echo "Installing interphase and what it needs into .venv (about 1 GB, a minute or two, once)"
	@$(PIP) --editable '.[dev]'
	@touch $@

$(DOCS_INSTALLED): $(INSTALLED)
	@$(PIP) --editable '.[docs]'
	@touch $@
