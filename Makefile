# What one can do here; `make` alone lists it.

# The first of these that will do makes .venv; `make PYTHON=...` picks another one.
USABLE = 'import ensurepip, sqlite3, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, $(1)))'
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.13 python3.12 python3.11 python3.14; do \
    $$python -c $(call USABLE,15) >/dev/null 2>&1 && { echo $$python; break; }; done)
endif
PY := .venv/bin/python
BENCHMARKS := .venv-benchmarks/bin/python
BENCHMARKS_ENVIRONMENT = $(PYTHON) demo/environment.py --venv .venv-benchmarks --group benchmarks
CLUSTER := .venv-cluster/bin/python
BROWSER_VENV := .venv-browser$(addprefix -,$(AIRFLOW))
BROWSER := $(BROWSER_VENV)/bin/python
BROWSER_ENVIRONMENT = $(PYTHON) demo/environment.py --venv $(BROWSER_VENV) --group browser $(ANOTHER_AIRFLOW)

# `make smoke`, `make test-on` and `make browser-test` take AIRFLOW=3.2.2.
ANOTHER_AIRFLOW = $(if $(AIRFLOW),--airflow $(AIRFLOW) \
    $(addprefix --constraints ,$(wildcard constraints/airflow-$(AIRFLOW).txt)))
TESTED_ON = .venv-$(AIRFLOW)-on-3.$(shell $(PYTHON) -c $(MINOR))

BENCHMARK_NAMES := imports core poll density thrift learning end_to_end submits triggerer upload_memory downloads player \
    shares scale

# The oldest supported Airflow knows no Python after 3.12. With it goes the oldest Python, where it is here.
OLDEST := constraints/airflow-3.0.6.txt
OLDEST_PYTHON := $(shell for python in python3.11 python python3 python3.12; do \
    $$python -c $(call USABLE,13) >/dev/null 2>&1 && { echo $$python; break; }; done)

# What `make test-newest` runs beside the fast tests.
ON_THE_NEWEST := $(addprefix tests/integration/test_,journal.py clears.py operators.py)

# The newest one that will do, wherever pyenv and the system keep them; pyenv's are side by side.
MINOR = 'import ensurepip, sqlite3, sys, venv; (3, 11) <= sys.version_info < (3, 15) and print(sys.version_info.minor)'
BESIDE = $(shell $(PYTHON) -c 'import pathlib, sys; print(pathlib.Path(sys.base_prefix).parent)')
NEWEST_PYTHON = $(shell for python in python3.14 python3.13 python3.12 python3.11 python3 python \
        $(wildcard $(BESIDE)/3.1[1-4].*/bin/python3 $(HOME)/.pyenv/versions/3.1[1-4].*/bin/python3); do \
    minor=$$($$python -c $(MINOR) 2>/dev/null) && [ -n "$$minor" ] && echo "$$minor $$python"; \
    done | sort -rn -k 1,1 -s | head -n 1 | cut -d ' ' -f 2)

# Settings of the user's shell that would put other code or another Airflow in the place of this one.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PIP_USER PIP_TARGET PIP_PREFIX AIRFLOW_HOME AIRFLOW_CONFIG
export PYTHONNOUSERSITE = 1

# More at once than small machines have cores, as much of a test is waiting. A file of tests stays together: some
# share an Airflow. The files keep their order, in which those that start an Airflow come first: they take longest.
PARALLEL := -n 4 --dist loadfile --no-loadscope-reorder
# Next to nothing is shared by the tests of a file.
SCATTERED := -n 4 --dist worksteal

# What takes longer has a target of its own.
OF_THEIR_OWN := airflow or browser or contention or crashes or faults or samples or secrets

# What is the same on every Airflow, or needs the newest one.
SAME_EVERYWHERE := benchmarks browser contract docs properties reliability typing contention faults secrets \
    demo/test_interrupted.py \
    $(addprefix unit/test_,callback_tokens.py completion.py rate_limit.py ready_queue.py thrift.py)

# What meets no other part of Airflow than the files that are left do: whole runs of more calls, jobs and accounts, and
# the demo's own parts. `make test-oldest` leaves it to `make matrix`.
LEFT_TO_THE_MATRIX := $(addprefix demo/test_,account.py chromium.py environment.py main.py processes.py progress.py \
        surroundings.py) \
    $(addprefix integration/test_,account_poller.py continuations.py costs.py downloads.py family.py \
        family_callbacks.py keep_jobs.py keep_kills.py known_pitfalls.py poll_gaps.py polls_beside_submissions.py \
        profiles.py uploads.py)

# Unlike on the newest, on the oldest the example Dags run together with the other tests.
AT_ONCE := not ($(subst airflow or ,,$(OF_THEIR_OWN)))

# What `make coverage` runs and looks at, and how much of it has to be run, in percent.
COVERING := tests/unit $(addprefix tests/integration/test_,journal.py paid_results.py clears.py persona.py \
    without_journal.py continuations.py conversions.py callbacks.py keep_jobs.py)
COVERED := airflow_provider_suno/api/*,airflow_provider_suno/polling/*,airflow_provider_suno/journal/*
COVERAGE_FLOOR := 100

# What `make test-wheel` runs.
WHEEL := build/wheel
OF_THE_WHEEL := tests/packaging tests/contract/test_media.py tests/contract/test_running.py \
    tests/integration/test_operators.py

SPEED ?= 12
PORT ?= 8321
ROUNDS ?= 1
EXAMPLES ?= 20000
PER_CALL ?= 10

.DEFAULT_GOAL := help
.PHONY: help environment demo playground test example-test test-oldest test-on test-newest test-wheel matrix coverage \
    crash-test fault-test contention-test secrets-test kill-test cluster-test callback-test browser-test sample-test property-test \
    schema-test smoke benchmarks-environment benchmark lint types unit integration simulator reference docs screenshots \
    build clean

help: ## list what one can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

environment: ## set up .venv, if it is missing, out of date or half made
	@test -n "$(PYTHON)" || { echo "Python 3.11 to 3.14 (with venv and sqlite3) is needed; found only:" \
	    "$$(python3 --version 2>&1). Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) -c $(call USABLE,15) || { echo "$(PYTHON) is not usable:" \
	    "Python 3.11 to 3.14 with venv and sqlite3 is needed" >&2; exit 2; }
	@$(PYTHON) demo/environment.py

demo: environment ## run the chain on a real Airflow and the simulator; no key needed
	@$(PY) -m demo

playground: environment ## leave the UI of an Airflow with all example Dags open; Ctrl-C ends it
	@$(PY) -m demo.playground

test: lint types ## what has to pass: lint, types, all tests but those with a target of their own
	$(PY) -m pytest $(PARALLEL) -m "not ($(OF_THEIR_OWN))"

example-test: environment ## the example Dags, the demo and the playground on a real Airflow
	$(PY) -m pytest $(PARALLEL) -m airflow tests/demo

crash-test: environment ## kill a task's process at each point of a submission, in each mode
	$(PY) -m pytest $(PARALLEL) -m crashes tests/demo tests/integration

fault-test: environment ## the network and the service at their worst: one charge, and an error that says what to do
	$(PY) -m pytest $(SCATTERED) tests/faults

contention-test: environment ## two workers or people at one task instance, and a state store that fails
	$(PY) -m pytest $(PARALLEL) tests/contention

secrets-test: environment ## look for the key in everything that a real Airflow keeps
	$(PY) -m pytest $(PARALLEL) tests/secrets

sample-test: environment ## run each sample of the documentation; some change the settings of their process
	$(PY) -m pytest $(SCATTERED) -m samples tests/docs

property-test: environment ## hostile replies by the thousand (EXAMPLES=1100000 for the long form)
	SUNO_EXAMPLES=$(EXAMPLES) $(PY) -m pytest $(PARALLEL) -o faulthandler_timeout=0 tests/properties

schema-test: environment ## generated requests to the simulator of each reseller (PER_CALL=100 for the long form)
	@$(PYTHON) demo/environment.py --venv .venv-schema --group schema --tools-only
	$(PY) -m reliability.schema --schemathesis $(CURDIR)/.venv-schema/bin/schemathesis --per-call $(PER_CALL)

callback-test: environment ## callbacks on a real deployment: resume, find lost replies, start Dags, a flood (SONGS=100 for figures)
	$(PY) -m reliability.callbacks $(if $(SONGS),--songs $(SONGS) --at-once 200 --lost 50 --flood 30) $(CALLBACK_OPTIONS)

browser-test: ## Airflow's UI in Chromium: form, chain, links, player, roles (AIRFLOW=3.1.8 for another one)
	@chromium=$$($(PYTHON) demo/chromium.py) || exit 1; [ -n "$$chromium" ] || exit 0; \
	    $(BROWSER_ENVIRONMENT) && \
	    $(BROWSER) -m pytest --durations 0 --durations-min 0.1 tests/browser

kill-test: environment ## kill -9 a real deployment at random moments (ROUNDS=4 for the long form)
	@$(PY) -m reliability --rounds $(ROUNDS)

cluster-test: ## kill and cut an Airflow on Celery with 2 of each and 3 workers (ROUNDS=10 for the long form; SCENARIO=all)
	@$(PYTHON) demo/environment.py --venv .venv-cluster --group cluster
	@$(CLUSTER) -m reliability.cluster --rounds $(ROUNDS) $(if $(SCENARIO),--scenario $(SCENARIO)) $(CLUSTER_OPTIONS)

test-oldest: ## most of what touches Airflow, on the oldest one, 3.0.6 (skipped without Python 3.11 or 3.12)
ifeq ($(OLDEST_PYTHON),)
	@echo "SKIPPED: Airflow 3.0.6 needs Python 3.11 or 3.12, and neither is here"
else
	@$(OLDEST_PYTHON) demo/environment.py --venv .venv-oldest --constraints $(OLDEST)
	.venv-oldest/bin/python -m pytest $(PARALLEL) -m "$(AT_ONCE)" \
	    $(addprefix --ignore tests/,$(SAME_EVERYWHERE) $(LEFT_TO_THE_MATRIX))
endif

test-on: ## what touches Airflow, on another one: make test-on AIRFLOW=3.2.2 PYTHON=python3.13
	@test -n "$(AIRFLOW)" || { echo "Which? make test-on AIRFLOW=3.2.2" >&2; exit 2; }
	@$(PYTHON) demo/environment.py --venv $(TESTED_ON) $(ANOTHER_AIRFLOW)
	$(TESTED_ON)/bin/python -m pytest $(PARALLEL) $(addprefix --junitxml ,$(REPORT)) -m "$(AT_ONCE)" \
	    $(addprefix --ignore tests/,$(SAME_EVERYWHERE)) || \
	    { code=$$?; echo "pytest ended with exit code $$code"; exit $$code; }

matrix: environment ## that on each Airflow and each Python that is here (CELLS=whole for all pairs)
	@$(PY) -m reliability.matrix $(CELLS)

test-newest: environment ## fast tests, journal, clears, operators on the newest Python here (skipped where .venv has it)
	@if [ "$$($(PY) -c $(MINOR))" = "$$($(NEWEST_PYTHON) -c $(MINOR))" ]; then \
	    echo "SKIPPED: no Python is here that is newer than that of .venv, 3.$$($(PY) -c $(MINOR))"; else \
	    $(NEWEST_PYTHON) demo/environment.py --venv .venv-newest && \
	    .venv-newest/bin/python -m pytest $(PARALLEL) -m "not ($(OF_THEIR_OWN))" \
	        $(ON_THE_NEWEST) tests/unit tests/properties; fi

coverage: environment ## what no test runs of the API, the polling and the journal; fails below the floor
	rm -f .coverage .coverage.*
	$(PY) -m coverage run -m pytest $(PARALLEL) -m "not ($(OF_THEIR_OWN))" $(COVERING)
	$(PY) -m coverage combine --quiet
	$(PY) -m coverage report --include "$(COVERED)" --fail-under $(COVERAGE_FLOOR)

# The tests run in a folder that has everything of the sdist but the package, whose examples are those of the wheel.
# Dependencies come from .venv by a .pth file, which does not take up the editable installation beside them.
test-wheel: build ## tests and the demo on the built wheel in an environment of its own, without the source tree
	rm -rf $(WHEEL)
	mkdir -p $(WHEEL)/project
	tar -xzf dist/*.tar.gz -C $(WHEEL)/project --strip-components 1
	rm -r $(WHEEL)/project/airflow_provider_suno $(WHEEL)/project/example_dags
	$(PY) -m venv --without-pip $(WHEEL)/venv
	$(PY) -m pip --python $(WHEEL)/venv/bin/python install --quiet --no-index --no-deps dist/*.whl
	$(PY) -c "import sysconfig; print(sysconfig.get_path('purelib'))" \
	    > $$($(WHEEL)/venv/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/dependencies.pth
	ln -s $$($(WHEEL)/venv/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/airflow_provider_suno/example_dags \
	    $(WHEEL)/project/example_dags
	cd $(WHEEL)/project && SUNO_TESTED_WHEEL=1 ../venv/bin/python -m pytest $(PARALLEL) $(OF_THE_WHEEL)
	cd $(WHEEL)/project && ../venv/bin/python -m demo

smoke: ## the demo on another Airflow: make smoke AIRFLOW=3.2.2
	@test -n "$(AIRFLOW)" || { echo "Which? make smoke AIRFLOW=3.2.2" >&2; exit 2; }
	@$(PYTHON) demo/environment.py --venv .venv-$(AIRFLOW) $(ANOTHER_AIRFLOW)
	@.venv-$(AIRFLOW)/bin/python -m demo

benchmarks-environment: ## set up .venv-benchmarks: the official providers beside this one
	@$(BENCHMARKS_ENVIRONMENT)

benchmark: ## measure one thing: make benchmark NAME=imports (RECORD=--record keeps the figures)
ifeq ($(filter $(NAME),$(BENCHMARK_NAMES)),)
	@echo "Which? make benchmark NAME=... with one of: $(BENCHMARK_NAMES)" >&2; exit 2
else
	@$(if $(filter player,$(NAME)),$(BROWSER_ENVIRONMENT),$(BENCHMARKS_ENVIRONMENT))
	@$(if $(filter player,$(NAME)),$(BROWSER),$(BENCHMARKS)) -m benchmarks.$(NAME) $(RECORD)
endif

lint: environment ## style and likely mistakes
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: environment ## type annotations
	$(PY) -m mypy

unit: environment ## the fast tests: no socket, no sleep
	$(PY) -m pytest tests/unit

integration: environment ## the slow tests: real Airflow, real sockets
	$(PY) -m pytest --ignore tests/unit --ignore tests/properties -m "not ($(OF_THEIR_OWN))"

simulator: environment ## run the API's simulator (PORT=8321 SPEED=12)
	@$(PY) -m airflow_provider_suno.simulator --port $(PORT) --speed $(SPEED)

reference: environment ## write docs/reference anew from the docstrings
	$(PY) -m docs.make_reference

screenshots: ## take the pictures in docs/pictures of a real Airflow (skipped without Chromium)
	@chromium=$$($(PYTHON) demo/chromium.py) || exit 1; [ -n "$$chromium" ] || exit 0; \
	    $(BROWSER_ENVIRONMENT) && $(BROWSER) -m docs.make_screenshots

docs: ## build the documentation site in build/site; a dead link or a missing page is an error
	@$(PYTHON) demo/environment.py --venv .venv-docs --group docs --tools-only
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict --quiet

build: environment ## make the sdist and the wheel in dist/
	rm -rf dist
	$(PY) -m build

clean: ## remove .venv, caches and what was built
	rm -rf .venv .venv-* build dist .coverage .coverage.* htmlcov .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
