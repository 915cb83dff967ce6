# `make` alone shows what there is. Every target works from a fresh clone: the first one installs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup run check status serve test test-quick lint format docs screenshots example transcript lock clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

setup: $(STAMP) ## Make the environment in .venv from requirements.lock

# The stamp holds the lock's checksum and comes last: an interrupted setup starts over, and a fresh
# checkout, whose files all look new, does not install what is there already.
$(STAMP): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "error: no $(PYTHON) here; install Python 3.11, or give PYTHON=path" >&2; exit 2; }
	@found=$$($(PYTHON) -c 'import platform; print(platform.python_version())'); case "$$found" in 3.11.*) ;; *) echo "error: $(PYTHON) is Python $$found, expected 3.11; give PYTHON=path" >&2; exit 2;; esac
	@sum=$$(cat $^ | cksum); if [ "$$(cat $@ 2>/dev/null)" != "$$sum" ]; then \
	  echo "installing into $(VENV), about 3 minutes" && \
	  rm -rf $(VENV) && $(PYTHON) -m venv $(VENV) && \
	  $(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock && \
	  $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . && \
	  echo "$$sum" > $@.new && mv $@.new $@; \
	else touch $@; fi

run: setup ## Bring everything up to date, from data to Bento
	@$(BIN)/onetrunk run

check: setup ## Check settings and data; no training
	@$(BIN)/onetrunk check

status: setup ## What is up to date, the last verdict, the champion
	@$(BIN)/onetrunk status

serve: setup ## Serve the champion on http://127.0.0.1:3000
	@$(BIN)/onetrunk serve

# Bytecode first: else each of pytest's workers makes the same again.
BYTECODE = $(BIN)/python -m compileall -q -j 0 -x project/from components flows serving benchmarks

test: setup ## Run the whole suite
	@$(BYTECODE)
	@$(BIN)/python -m pytest -n auto

test-quick: setup ## Run most tests, in about a minute
	@$(BYTECODE)
	@$(BIN)/python -m pytest -n auto -m "not slow"

lint: setup ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: setup ## Put the code into the house's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --quiet .

example: setup ## Make a project of an example and run it: NAME=families
	@test -d examples/$(NAME)/project || $(BIN)/python examples/start.py $(NAME) examples/$(NAME)/project
	@cd examples/$(NAME)/project && $(abspath $(BIN))/onetrunk run

transcript: setup ## Ask an example's Bento, write the answers into its page
	@$(BIN)/python examples/transcript.py $(NAME)

screenshots: setup ## Write docs/pictures from the last run; needs chromium
	@$(BIN)/python docs/make_screenshots.py

docs: setup ## Write the pages that are made from the code
	@for made in $(filter-out %screenshots.py,$(wildcard docs/make_*.py)); do $(BIN)/python $$made || exit; done

lock: ## Write requirements.lock anew; test before you commit
	@rm -rf $(VENV)-lock && $(PYTHON) -m venv $(VENV)-lock
	@echo "resolving, about 4 minutes"
	@$(VENV)-lock/bin/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@{ sed -n '/^#/p' requirements.lock; $(VENV)-lock/bin/pip freeze --all --exclude-editable | grep -v '^pip=='; } > requirements.lock.new
	@mv requirements.lock.new requirements.lock && rm -rf $(VENV)-lock

clean: ## Remove what the pipeline has made; your own files stay
	@if [ -x $(BIN)/onetrunk ]; then $(BIN)/onetrunk clean; fi
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find components flows serving tests -name __pycache__ -type d -prune -exec rm -rf {} +
