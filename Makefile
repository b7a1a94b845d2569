# make generate     set up and tell a story from the demo model
# make test         set up and run the tests
# make check        lint, types, then the tests
# make check-long   the slow suites
# make prove        the proofs of the shell (they need Debian's berkeley-abc)
# make types        the folder that type checkers and editors read
# make clean        remove the environment and everything built
#
# Every target does its own set-up in .venv and is quick the second time.
# PYTHON=... chooses the interpreter; it is only looked at when .venv is made.

# 3.11 and 3.12 come first because they run every test: pynq 4 installs there. Each candidate is run,
# not just looked up: a version manager's shim exists for interpreters that it will not start.
ifndef PYTHON
PYTHON := $(shell for p in python3.11 python3.12 python3 python3.10 python3.13; do \
    $$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 14))' 2>/dev/null \
    && { echo $$p; break; }; done)
endif

VENV := .venv
BIN := $(VENV)/bin
PYNQ3 := .venv-pynq3
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
PROJECT := pyproject.toml setup.py $(wildcard host/native/src/*.[ch])
PROMPT ?= Once upon a time
TORCH := torch==2.13.0
WORKERS ?= 2
METADATA := 0.1.2 0.1.4 0.1.9 0.2.0

.PHONY: generate test test-pynq3 check check-long prove lint types clean
.DELETE_ON_ERROR:

generate: $(VENV)/.core
	@$(BIN)/tritstream generate "$(PROMPT)"

test: $(VENV)/.test $(VENV)/.torch
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)
	@$(if $(ARGS),,$(MAKE) --no-print-directory test-pynq3)

# The driver once more with the oldest pynq that boards have, which needs the Python of their images,
# and the hand-offs with every pynqmetadata that those carry.
test-pynq3:
	@if [ ! -e $(PYNQ3)/.test ] || [ pyproject.toml -nt $(PYNQ3)/.test ]; then \
	    for p in python3.10 $${PYENV_ROOT:-$$HOME/.pyenv}/versions/3.10.*/bin/python; do \
	        $$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 10))' 2>/dev/null || continue; \
	        echo "installing pynq 3.0.1 and what its tests need into $(PYNQ3)"; \
	        $$p -m venv $(PYNQ3) && $(PYNQ3)/bin/python -m pip install -qq \
	            --disable-pip-version-check --editable '.[board,test]' pynq==3.0.1 'setuptools<81' \
	            pynqmetadata==0.1.4 wheel || exit 1; \
	        for v in $(METADATA); do \
	            $(PYNQ3)/bin/python -m pip install -qq --disable-pip-version-check --upgrade --no-deps \
	                --no-build-isolation --target $(PYNQ3)/pynqmetadata-$$v pynqmetadata==$$v || exit 1; \
	        done; \
	        touch $(PYNQ3)/.test; \
	        break; \
	    done; \
	fi
	@if [ -e $(PYNQ3)/.test ]; then \
	    $(PYNQ3)/bin/python -m pytest -n $(WORKERS) tests/board; \
	else \
	    echo "skipped: the driver's tests with pynq 3.0.1, because there is no Python 3.10 here"; \
	fi

check: lint test

check-long: $(VENV)/.test $(VENV)/.torch
	$(BIN)/python -m pytest -n $(WORKERS) -m long --timeout 3600 $(ARGS)

prove: $(VENV)/.test
	PYTHONPATH=tests $(BIN)/python -m formal.prove $(ARGS)

lint: $(VENV)/.dev types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The two halves of the package, linked together the way a wheel lays them out: type checkers do not
# follow the import hook of an editable install.
types:
	@rm -rf .types && mkdir -p .types/tritstream
	@ln -s $(CURDIR)/host/* .types/tritstream/
	@for d in kernels bitstreams notebooks tcl; do ln -s $(CURDIR)/$$d .types/tritstream/$$d; done

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "tritstream needs Python 3.10 to 3.13; name one with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "python venv failed; on Debian: apt-get install python3-venv" >&2; \
	    rm -rf $(VENV); exit 1; }

$(VENV)/.core: $(PROJECT) | $(BIN)/python
	@echo "installing tritstream into $(VENV)"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.core
	@echo "installing what the tests need into $(VENV); the first time takes about a minute"
	@$(PIP) --editable '.[board,csim,rtl,test]'
	@$(PIP) --no-deps hls4ml==1.3.0
	@touch $@

$(VENV)/.dev: $(VENV)/.test
	@$(PIP) --editable '.[dev]'
	@touch $@

# PyTorch is the independent witness of the float engine in the tests. From PyPI it can be gigabytes,
# so it is taken only where pip has a build at hand (--no-index: its find-links); the second command
# adds what that build depends on. Without it those tests skip and say so.
$(VENV)/.torch: $(VENV)/.test
	@$(BIN)/python -c 'import torch' 2>/dev/null \
	    || { $(PIP) --no-index --no-deps $(TORCH) 2>/dev/null && $(PIP) $(TORCH) --editable '.[test]'; } \
	    || echo "no local build of $(TORCH): the tests against PyTorch will skip"
	@touch $@

clean:
	rm -rf $(VENV) $(PYNQ3) .types build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
