# Everything a contributor runs. Needs Python 3.11 or later, Node 20.19 or later with npm, and make; `make test` also
# Chromium for the tests of the web client and nginx for those behind it, which it skips otherwise; `make bench` also a C
# compiler. What is installed stays in .venv and in node_modules below web, clients and tests.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# A stamp says "this lock file is installed"; it is older than the lock file when the lock file has changed.
RUN_STAMP := $(VENV)/.run-lock-installed
DEV_STAMP := $(VENV)/.dev-lock-installed

# The official JavaScript clients, Helm, what drives a browser, the schema of AsyncAPI and what generates clients from OpenAPI
# are part of the tests once they are in the tree.
NODE_LOCKS  := $(wildcard $(addsuffix /package-lock.json,tests/clients tests/deployment tests/page tests/reference))
NODE_TESTS  := $(NODE_LOCKS:%/package-lock.json=%)
NODE_STAMPS := $(NODE_TESTS:%=%/node_modules/.lock-installed)
# A generator of models, which only `make everything` installs.
MODELINA       := tests/reference/modelina
MODELINA_STAMP := $(MODELINA)/node_modules/.lock-installed

# The packages for JavaScript. The web client is made of their sources; tests and examples use what is built of them.
CLIENTS        := clients/javascript
CLIENT_STAMP   := $(CLIENTS)/node_modules/.lock-installed
CLIENT_SOURCES := $(shell find $(CLIENTS)/*/src -type f) $(wildcard $(CLIENTS)/*/*.json)
CLIENT_BUILT   := $(CLIENTS)/node_modules/.built

WEB_STAMP   := web/node_modules/.lock-installed
WEB_SOURCES := $(shell find web/src web/worker web/public $(addprefix $(CLIENTS)/,$(addsuffix /src,client embed react)) -type f) $(wildcard web/*.html web/*.ts web/*.json)
# The web client, built into the Python package.
WEB_CLIENT  := src/talkwire/web/index.html

SOURCES     := $(wildcard src clients/python tests rigs bench deploy examples tools hatch_build.py)

# What each command leaves out; tests/kinds.py says which tests these are.
GATE        := not everything and not measure
IN_PROCESS  := not browser and not cluster and not processes and $(GATE)

# Three workers on two processors: tests wait for other processes in nearly half of their time. With many more, a test that
# gets no processor for seconds loses races which nobody else loses. Each worker takes up to a gigabyte of memory with its
# servers and its browser. A file's tests stay together, since they share servers; the longest files are started first
# (tests/kinds.py).
PROCESSORS  := $(shell getconf _NPROCESSORS_ONLN)
WORKERS     ?= $(shell expr $(PROCESSORS) + $(PROCESSORS) / 2)
IN_PARALLEL  = --quiet --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder --durations=25 --durations-min=3
# Tests that failed run once more at the end, alone.
PYTEST       = $(BIN)/python -m tests.rerun $(IN_PARALLEL)

# Sets and dictionaries of strings have the same order in each run. `make everything` chooses others.
export PYTHONHASHSEED ?= 0

# If the environment forbids bytecode files, each test worker and each server compiles all sources again.
unexport PYTHONDONTWRITEBYTECODE

# Python compiles a package when it is first imported; most of those for development never are.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

# $(VITE) FOLDER COMMAND runs a command of Vite or Vitest, wherever the clone lies.
VITE := sh tools/in_plain_path.sh

# $(call quietly,what,command) says what is done, and shows what the command prints only when it fails.
quietly = @echo '$(1)'; log=$$(mktemp); if ($(2)) >"$$log" 2>&1; then rm "$$log"; else cat "$$log"; rm "$$log"; exit 1; fi

.PHONY: help install run test everything measure check pytest pytest-in-process coverage node static bench torture fuzz image-check format docs site screenshots lock lint format-check types layers web-check clients-check packages packages-javascript packages-python release clean

help:
	@echo 'make run      start a demo server on port 3000; options in ARGS="--dialect talks"'
	@echo 'make test     every check, and the tests that a change has to pass; SHARD=2/5 runs the second fifth of these'
	@echo 'make everything  every check, and every test but those of "make measure"; SEED=7 repeats a run'
	@echo 'make measure  the tests that assert time, processor time or memory; nothing may run beside them'
	@echo 'make check    every check, and the tests that need no other process'
	@echo 'make pytest   the tests of "make test" alone; options in ARGS="tests/chat -x"'
	@echo 'make coverage what the in-process tests cover'
	@echo 'make bench    benchmarks; options in ARGS'
	@echo 'make torture  faults against a whole cluster; options in ARGS="--seed 7 --minutes 30"'
	@echo 'make fuzz     hostile input for a server; options in ARGS="--seed 7 --inputs 1000000"'
	@echo 'make image-check  perform the steps of the Dockerfile without a container engine, and start the result'
	@echo 'make packages build and pack everything into dist/'
	@echo 'make packages-python  build the packages of the server and of the Python client alone'
	@echo 'make release  set the version everywhere, commit and tag: VERSION=0.2.0, options in ARGS="--dry-run"'
	@echo 'make format   rewrite the sources in the project style'
	@echo 'make docs     write docs/events.md, docs/configuration.md and the types of the clients, after a change of an event,'
	@echo '            a schema or a setting'
	@echo 'make site     build the documentation as a site into site/'
	@echo 'make screenshots  take the pictures in docs/screenshots anew; needs Chromium'
	@echo 'make lock     resolve the dependencies anew; ARGS=--upgrade for newer versions'

# Python's packages and Node's beside each other.
install: node
	@$(MAKE) --no-print-directory --jobs=$(PROCESSORS) $(DEV_STAMP) $(NODE_STAMPS) $(WEB_CLIENT) $(CLIENT_BUILT)

run: node $(RUN_STAMP) $(WEB_CLIENT)
	@$(BIN)/talkwire serve --demo $(ARGS)

# The checks take what the tests leave of the processors while they wait for other processes.
test: install
	@checked=$$(mktemp); nice -n 19 $(MAKE) --no-print-directory static >"$$checked" 2>&1 & checks=$$!; \
	$(MAKE) --no-print-directory pytest || failed=yes; wait "$$checks" || failed=yes; \
	cat "$$checked"; rm "$$checked"; [ -z "$$failed" ]

check: node $(DEV_STAMP) static pytest-in-process

pytest: install
	$(PYTEST) -m '$(GATE)' $(if $(SHARD),--shard $(SHARD)) $(ARGS)

everything: SEED ?= $(shell date +%s)
everything: install static $(MODELINA_STAMP)
	@echo 'Random values have the seed $(SEED); repeat them with: make everything SEED=$(SEED)'
	HYPOTHESIS_PROFILE=thorough PYTHONHASHSEED=$(SEED) $(PYTEST) -m 'not measure' --hypothesis-seed=$(SEED) $(ARGS)

measure: install
	$(BIN)/python -m pytest --quiet -m measure $(ARGS)
	$(if $(ARGS),,MEASURE=1 $(VITE) web npm test --silent text_work code_colours)

pytest-in-process: $(DEV_STAMP) $(WEB_CLIENT)
	$(PYTEST) -m '$(IN_PROCESS)' $(ARGS)

# Servers that a test starts are processes of their own and not measured.
coverage: install
	$(PYTEST) --cov --cov-report=term:skip-covered -m '$(IN_PROCESS)' $(ARGS)

# The longest first, beside each other.
static:
	@$(MAKE) --no-print-directory --jobs=$(PROCESSORS) types web-check clients-check lint format-check layers

# Before what needs Node is built; what needs Python alone runs without it.
node:
	@sh tools/check_node.sh

bench: install
	$(BIN)/python -m bench $(ARGS)

torture: install
	$(BIN)/python -m rigs.torture $(ARGS)

fuzz: install
	$(BIN)/python -m rigs.hostile $(ARGS)

image-check: $(RUN_STAMP)
	$(BIN)/python deploy/check_image.py

lint: $(DEV_STAMP)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/python -m tools.check_sources
	$(BIN)/python -m tools.check_tests

format-check: $(DEV_STAMP)
	$(BIN)/ruff format --check $(SOURCES)

types: $(DEV_STAMP)
	$(BIN)/mypy $(SOURCES)

layers: $(DEV_STAMP)
	PYTHONPATH=clients/python/src $(BIN)/lint-imports

web-check: $(WEB_STAMP)
	cd web && npm run --silent check
	$(VITE) web npm test --silent

clients-check: $(CLIENT_BUILT)
	cd $(CLIENTS) && npm run --silent check
	$(VITE) $(CLIENTS) npm test --silent

packages: packages-javascript packages-python

packages-javascript: $(CLIENT_BUILT)
	cd $(CLIENTS) && npm run --silent docs
	mkdir -p dist/javascript
	cd $(CLIENTS) && npm pack --workspaces --pack-destination ../../dist/javascript

format: $(DEV_STAMP) $(WEB_STAMP) $(CLIENT_STAMP)
	$(BIN)/ruff check --fix-only --exit-zero $(SOURCES)
	$(BIN)/ruff format $(SOURCES)
	cd web && npm run --silent format
	cd $(CLIENTS) && npm run --silent format

docs: $(DEV_STAMP)
	$(BIN)/python -m talkwire.api.events_page docs/events.md
	$(BIN)/python -m talkwire.settings.configuration_page docs/configuration.md
	$(BIN)/python -m tests.excerpts CONTRIBUTING.md
	$(BIN)/python -m tests.reference.web_payloads
	$(BIN)/python -m tests.reference.python_payloads

site: $(DEV_STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet

# The server's packages, with the built web client, and the Python client's.
packages-python: $(RUN_STAMP) $(WEB_CLIENT)
	$(BIN)/python -m hatchling build --directory dist
	cd clients/python && ../../$(BIN)/python -m hatchling build --directory ../../dist

# Changes, commits and tags; it publishes nothing.
release:
	@$(PYTHON) -m tools.release $(VERSION) $(ARGS)

screenshots: install
	$(BIN)/python -m tests.page.screenshots

# uv resolves for every platform at once. The run lock, and that of the Dockerfile with all extras, take their versions
# from the dev lock, so that what is tested is what runs. No file names a package index: pip asks the one that it is
# configured for, and the hashes decide. Extras are kept: without them, older versions of pip refuse the lock as soon as
# there is a newer release of a package that another one requires with an extra.
# The pip of a new environment may be years old, and installs a third as fast; so it has a lock of its own.
RESOLVE = uv --no-config pip compile $(1) --universal --python-version 3.11 --generate-hashes \
	--no-strip-extras --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --quiet

lock:
	@set -e; tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; \
	$(PYTHON) -m venv "$$tools"; "$$tools/bin/pip" install --quiet --disable-pip-version-check uv; \
	PATH="$$tools/bin:$$PATH"; mkdir -p requirements; \
	echo pip | $(call RESOLVE,-) --output-file requirements/pip.lock $(ARGS); \
	$(call RESOLVE,pyproject.toml) --all-extras --group dev --output-file requirements/dev.lock $(ARGS); \
	$(call RESOLVE,pyproject.toml) --group build --no-annotate --constraints requirements/dev.lock --output-file requirements/run.lock $(ARGS); \
	$(call RESOLVE,pyproject.toml) --extra postgres --extra redis --extra s3 --extra otlp --extra docs --group build --no-annotate \
		--constraints requirements/dev.lock --output-file requirements/image.lock $(ARGS)

clean:
	rm -rf $(VENV) $(NODE_TESTS:%=%/node_modules) $(MODELINA)/node_modules web/node_modules $(CLIENTS)/node_modules $(CLIENTS)/docs $(wildcard $(CLIENTS)/*/dist) src/talkwire/web .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo 'Talkwire needs Python 3.11 or later; name one: make PYTHON=python3.11 ...'; exit 1; }
	$(call quietly,Making the Python environment $(VENV) ...,$(PYTHON) -m venv $(VENV) && \
		$(PIP_INSTALL) --require-hashes --requirement requirements/pip.lock)

# The lock lists the build backend too, so the editable install fetches nothing.
$(RUN_STAMP): requirements/run.lock pyproject.toml | $(BIN)/python
	$(call quietly,Installing the Python packages ...,$(PIP_INSTALL) --require-hashes --requirement requirements/run.lock && \
		$(PIP_INSTALL) --no-deps --no-build-isolation --editable .)
	@touch $@

# The dev lock holds all that the run lock holds.
$(DEV_STAMP): requirements/dev.lock pyproject.toml | $(BIN)/python
	$(call quietly,Installing the Python packages for development ...,$(PIP_INSTALL) --require-hashes --requirement \
		requirements/dev.lock && $(PIP_INSTALL) --no-deps --no-build-isolation --editable .)
	@touch $(RUN_STAMP) $@

$(NODE_STAMPS) $(MODELINA_STAMP) $(WEB_STAMP) $(CLIENT_STAMP): %/node_modules/.lock-installed: %/package-lock.json | node
	$(call quietly,Installing the Node packages of $* ...,cd $* && npm ci --no-audit --no-fund)
	@touch $@

$(CLIENT_BUILT): $(CLIENT_STAMP) $(CLIENT_SOURCES)
	$(call quietly,Building the packages for JavaScript ...,cd $(CLIENTS) && npm run --silent build)
	@touch $@

$(WEB_CLIENT): $(WEB_STAMP) $(WEB_SOURCES)
	$(call quietly,Building the web client ...,$(VITE) web npm run --silent build)
