# Commands for development. `make` lists them. They use the variables VENV, PYTHON, PORT, CC, BASE and ARGS.

VENV ?= .venv
PORT ?= 3000
BIN := $(VENV)/bin
ASAN_LIB := build/asan/lib
# One job for each core, for the independent tests of csrc.
JOBS := -j$(shell getconf _NPROCESSORS_ONLN)
# One process of pytest for each core, except for single files: starting the processes takes longer than such a run.
PARALLEL = $(if $(findstring .py,$(ARGS)),,-n logical --dist worksteal)

SOURCES := $(wildcard csrc/*.[ch] src/trio_socketio/_core/*.py[xd]) setup.py src/trio_socketio/_version.py
READY := $(VENV)/.built

# A sanitizer must be loaded before Python. Child processes inherit it, so tests with clients and browsers are left out.
SANITIZED = LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
	PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 PYTHONPATH=$(ASAN_LIB)

# Tests of whole processes pass no other input to the code in C. Under sanitizers each start takes a second.
PROCESSES = $(addprefix --ignore=tests/,docs guest mixed_cluster workers)

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export PORT
# Images of containers set this. With it, each start of Python would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

.PHONY: help
help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: $(READY) ## Run the example chat on PORT (3000)
	@$(MAKE) -s examples/chat/node_modules/.package-lock.json
	@exec $(BIN)/python examples/chat/server.py

.PHONY: quick
quick: $(READY) $(VENV)/.has-test ## Run the tests without real clients, a browser or whole programs; ARGS go to pytest
	@$(BIN)/python -m pytest -q $(PARALLEL) --hypothesis-profile=quick -m "not (slow or clients or browser or programs)" $(ARGS)

.PHONY: test
test: $(READY) $(VENV)/.has-test ## Run the tests, real clients and browser included; ARGS go to pytest
	@$(BIN)/python -m pytest $(PARALLEL) --hypothesis-profile=quick -m "not slow" $(ARGS)

.PHONY: test-all
test-all: $(READY) $(VENV)/.has-test ## Run all tests, for up to an hour; ARGS go to pytest
	@$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

.PHONY: build
build: $(READY) ## Make the virtual environment and compile
	@echo "$(VENV) is built"

.PHONY: lint
lint: $(VENV)/.has-dev ## Check format and style of Python, Cython and news fragments
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@PATH="$(BIN):$$PATH" cython-lint src/trio_socketio/_core
	@said=$$($(BIN)/towncrier build --draft --version next 2>&1) || { echo "$$said"; exit 1; }
	@echo "format and style are in order"

.PHONY: types
types: $(READY) $(VENV)/.has-dev $(VENV)/.has-test ## Check types, and that the stubs match the modules
	@$(BIN)/mypy src tools/rows.py tools/requires.py tests/typing
	@$(BIN)/pyright --pythonpath $(BIN)/python --warnings
	@for example in examples/*/server.py; do $(BIN)/mypy $$example || exit; done
	@$(BIN)/stubtest $(patsubst src/trio_socketio/_core/%.pyx,trio_socketio._core.%,$(wildcard src/trio_socketio/_core/*.pyx))

.PHONY: layers
layers: $(READY) $(VENV)/.has-dev ## Check that modules import only from lower layers
	@$(BIN)/lint-imports --no-logo

.PHONY: rows
rows: $(VENV)/.created ## Check that every required feature row has a test
	@$(BIN)/python tools/rows.py

.PHONY: c-test
c-test: ## Test csrc without Python, with CC
	@$(MAKE) -s $(JOBS) -C csrc test OUT=../build/csrc-$(notdir $(CC))

.PHONY: asan
asan: $(READY) $(VENV)/.has-test ## Run the tests of csrc and of Python under sanitizers
	@$(MAKE) -s $(JOBS) -C csrc asan OUT=../build/csrc-$(notdir $(CC))
	@CC=gcc TSIO_SANITIZE=1 $(BIN)/python setup.py -q build --build-base build/asan --build-lib $(ASAN_LIB)
	@$(SANITIZED) $(BIN)/python -c 'from trio_socketio._core import _connection; assert "build/asan" in _connection.__file__'
	@$(SANITIZED) $(BIN)/python -m pytest $(PARALLEL) -m "not (slow or clients or browser or programs)" $(PROCESSES) $(ARGS)

.PHONY: bench
bench: $(READY) $(VENV)/.has-bench ## Compare with other servers, in five minutes; ARGS go to benches/run.py
	@$(BIN)/python benches/run.py $(ARGS)

.PHONY: bench-connect
bench-connect: $(READY) $(VENV)/.has-bench ## Measure connecting and polling, in ten minutes; ARGS go to benches/run.py
	@$(BIN)/python benches/run.py --only connect,connect-,polling-echo,storm,storm-polling $(ARGS)

.PHONY: bench-asgi
bench-asgi: $(READY) $(VENV)/.has-bench ## Measure a web framework beside the engine; ARGS go to benches/run.py
	@$(BIN)/python benches/run.py --only asgi $(ARGS)

.PHONY: bench-scale
bench-scale: $(READY) ## Hold as many connections as open files allow; ARGS go to benches/scale.py
	@$(BIN)/python benches/scale.py $(ARGS)

.PHONY: bench-cluster
bench-cluster: $(READY) $(VENV)/.has-test $(VENV)/.has-bench ## Measure servers on one Redis, and workers; ARGS go to benches/cluster.py
	@$(BIN)/python benches/cluster.py $(ARGS)

.PHONY: bench-micro
bench-micro: $(READY) ## Run the small benchmarks; ARGS go to benches/micro
	@PYTHONPATH=benches $(BIN)/python -m micro $(ARGS)

.PHONY: bench-compare
bench-compare: $(READY) $(VENV)/.has-bench ## Compare HEAD with the commit BASE; ARGS go to benches/compare.py
	@$(if $(BASE),$(BIN)/python benches/compare.py $(BASE) $(ARGS),echo "make bench-compare BASE=<commit>"; exit 2)

.PHONY: dist
dist: $(VENV)/.has-dev ## Make the sdist, and a wheel from it, and check their metadata and README
	@rm -rf dist
	@$(BIN)/python setup.py -q sdist
	@$(BIN)/pip wheel -q --no-deps --no-build-isolation -w dist dist/*.tar.gz
	@$(BIN)/twine check --strict dist/*

.PHONY: check
check: lint types layers c-test test-all asan rows ## Run all checks above that CI runs

.PHONY: doctor
doctor: ## Print what this machine lacks
	@python=$$(PYTHON="$(PYTHON)" sh tools/python.sh) && echo "nothing is missing: $$($$python --version)"

.PHONY: clean
clean: ## Remove all generated files
	@rm -rf .venv* build dist src/*.egg-info src/trio_socketio/_core/*.so examples/chat/node_modules
	@rm -rf .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find benches csrc src tests tools examples -name __pycache__ -prune -exec rm -rf {} +

# Rules for the stamp files of installing and compiling. The time of a stamp is that of the last run of its rule.

$(VENV)/.created:
	@python=$$(PYTHON="$(PYTHON)" sh tools/python.sh) && \
	echo "making $(VENV) with $$($$python --version)" && \
	"$$python" -m venv --clear $(VENV)
	@touch $@

$(VENV)/.has-run: pyproject.toml tools/requires.py | $(VENV)/.created
	@echo "installing what is needed to build and run"
	@$(BIN)/pip install -q $$($(BIN)/python tools/requires.py run)
	@rm -f $(READY)
	@touch $@

$(VENV)/.has-test $(VENV)/.has-dev: $(VENV)/.has-%: $(VENV)/.has-run
	@echo "installing what is needed to $*"
	@$(BIN)/pip install -q $$($(BIN)/python tools/requires.py $*)
	@touch $@

# Optional: only the pictures and the colours of the tables need these packages.
$(VENV)/.has-bench: $(VENV)/.has-run
	@echo "installing what is needed to draw benchmarks"
	@$(BIN)/pip install -q $$($(BIN)/python tools/requires.py bench) || echo "note: without it there are no pictures"
	@touch $@

$(READY): $(SOURCES) $(VENV)/.has-run
	@$(BIN)/python tools/doctor.py
	@echo "compiling"
	@for built in src/trio_socketio/_core/*.cpython-*.so; do [ -e "$${built%%.*}.pyx" ] || rm -f "$$built"; done
	@if [ -e $@ ]; then $(BIN)/python setup.py -q build_ext --inplace; \
	else $(BIN)/pip install -q --no-deps --no-build-isolation --editable .; fi
	@touch $@

examples/chat/node_modules/.package-lock.json: examples/chat/package.json
	@if command -v npm >/dev/null; \
	then npm install --prefix examples/chat --silent --no-audit --no-fund --no-package-lock && touch $@ || \
		echo "note: npm install failed; the chat's page asks a public CDN for the client"; \
	else echo "note: npm is not on PATH (Debian package: npm); the chat's page asks a public CDN for the client"; fi
