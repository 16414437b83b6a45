# GNU make 3.81 or newer, on Linux, macOS and Windows. Recipes only call Python.

ifeq ($(OS),Windows_NT)
PYTHON ?= python
else
PYTHON ?= python3
endif

# A path with a space in it gets quotes; a command with an argument, as py -3.12, does not.
SPACE := $(subst ,, )
FOUND = $(wildcard $(subst $(SPACE),\ ,$(subst \,/,$(PYTHON))))
# Without the user's PYTHONPATH and the like, which may hide modules that are needed.
PY = $(if $(FOUND),"$(PYTHON)",$(PYTHON)) -E -s

# Brings .venv up to date where needed, then runs its Python.
SETUP = $(PY) -m tools.setup_venv
RUN = $(SETUP) --

.DEFAULT_GOAL := help
.PHONY: help setup lab fresh test test-all test-flaky test-numpy test-browser test-nbgrader test-class grade handout site lite refresh format lint bench mutation lock clean

help: ## list the targets
	@$(PY) -m tools.make_help

setup: ## make .venv, or bring it up to date (every other target does that too)
	@$(SETUP)

lab: ## open JupyterLab on your own copies of the notebooks, in work/
	@$(RUN) -m tools.lab $(ARGS)

fresh: ## put a new copy beside yours: make fresh NOTEBOOK=02_forward_pass
	@$(RUN) -m tools.lab --fresh "$(NOTEBOOK)"

test: ## check style, code and notebooks: make test ARGS="-k layers"
	@$(RUN) -m tools.check $(ARGS)

test-all: ## the same with what takes long: every slow test, every cell twice, types
	@$(RUN) -m tools.check --all $(ARGS)

test-flaky: ## look for tests that fail now and then: fresh seeds, notebooks ten times
	@$(RUN) -m tools.flaky $(ARGS)

test-numpy: ## the same with another NumPy, figures not compared: make test-numpy NUMPY=newest
	@$(SETUP) --numpy "$(NUMPY)" -- -m tools.check --figures=skip $(ARGS)

test-browser: ## work the notebooks in Chromium, screenshots in build/browser: make test-browser ARGS="-k 04"
	@$(SETUP) --add browser --add site -- -m pytest tests/browser --verbose -rP --durations=5 $(ARGS)

test-nbgrader: ## let nbgrader validate and release what is exported for it
	@$(SETUP) --add nbgrader -- -m pytest tests/nbgrader --verbose $(ARGS)

test-class: ## grade 300 submissions of known truth, with the time it takes
	@$(RUN) -m pytest tests/class --verbose -rP -m "slow or not slow" $(ARGS)

grade: ## grade a class: make grade SUBMISSIONS=folder-or-zip OUTPUT=results ARGS="--help"
	@$(RUN) -m bnlib.grading "$(SUBMISSIONS)" --output "$(OUTPUT)" $(ARGS)

handout: ## make the zip for students in build/handout: notebooks without outputs, and set-up
	@$(RUN) -m tools.handout $(ARGS)

site: ## make the pages in build/site, offline: open build/site/index.html
	@$(SETUP) --add site -- -m tools.site $(ARGS)

lite: ## make build/lite: JupyterLab and the notebooks in a reader's browser
	@$(SETUP) --add lite -- -m tools.lite $(ARGS)

refresh: ## run the notebooks and store their outputs: make refresh NOTEBOOK=02_forward_pass
	@$(RUN) -m tools.refresh $(NOTEBOOK)

format: ## format code and notebooks
	@$(RUN) -m ruff check --fix
	@$(RUN) -m ruff format

lint: ## check style only: code, notebooks, who imports whom
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check
	@$(RUN) -m mypy
	@$(RUN) -m tools.notebook_style
	@$(RUN) -m tools.course
	@$(RUN) -m pytest --quiet tests/test_imports.py

bench: ## time the layer against its peers, with nothing else running: make bench ARGS="--help"
	@$(RUN) -m benchmarks $(ARGS)

mutation: ## test the tests, up to an hour; or of one module: make mutation MODULE=layout
	@$(RUN) -m tools.mutation $(MODULE)

lock: ## make requirements.txt anew from pyproject.toml (needs uv)
	@$(PY) -m tools.lock $(ARGS)

clean: ## remove what the targets made; never your work/
	@$(PY) -m tools.clean
