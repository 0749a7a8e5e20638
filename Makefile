# make demo [VIDEOS=folder]   the whole way on generated clips, or on your own
# make test                   lint and the default tests
# make test-slow              the tests that take minutes
# make lint                   ruff and mypy
# make install                only the installation into .venv
# make clean                  removes .venv, the demos and caches
#
# Each installs into .venv first, if setup.py has changed since the last time.
# VENV_FLAGS=--system-site-packages keeps the TensorFlow of a TPU VM image.

SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
VENV_FLAGS ?=
# Three test processes, of about 3 GB each, keep two cores busy; one file stays
# in one process, and the longest files begin first (tests/conftest.py).
PYTEST_FLAGS ?= -n 3 --dist loadfile --no-loadscope-reorder

# A pyenv shim may exist and still not run, so each candidate is tried.
FIND_PYTHON = for candidate in $(PYTHON) python3.11 python3.10 python3 \
    "$$HOME"/.pyenv/versions/3.1[10].*/bin/python; do \
  "$$candidate" -c 'import sys, venv, ensurepip; \
sys.exit(sys.version_info[:2] not in ((3, 10), (3, 11)))' \
    >/dev/null 2>&1 && echo "$$candidate" && break; \
  done

.PHONY: help demo test test-slow lint clean install

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

$(STAMP): setup.py
	@if [ ! -x $(BIN)/python ]; then \
	  python="$$($(FIND_PYTHON))"; \
	  if [ -z "$$python" ]; then \
	    echo "error: no working Python 3.11 or 3.10 with venv found; install\
 one (Debian, Ubuntu: apt install python3.11-venv) or name it:\
 make PYTHON=/path/to/python3.11" >&2; \
	    exit 1; \
	  fi; \
	  echo "creating $(VENV) with $$python"; \
	  "$$python" -m venv $(VENV_FLAGS) $(VENV) || exit 1; \
	fi
	@echo "installing (about 2 GB the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --editable '.[dev]'
	@touch $@

install: $(STAMP)

demo: export DEMO_VIDEOS := $(VIDEOS)
demo: $(STAMP)
	@videos="$${DEMO_VIDEOS/#\~/$$HOME}"; \
	$(BIN)/python -m tfvssl.demo --workdir=demo$${videos:+_videos} \
	  $${videos:+"--videos=$$videos"}

test: lint
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow $(PYTEST_FLAGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) demo demo_videos build *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
