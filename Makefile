# Spillway. `make` lists the targets; `make demo` and `make test` set up .venv by themselves, once.

PY    ?= python3
VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
TOOLS := $(VENV)/.ready-tools
NUMBA := $(VENV)/.ready-numba
DASK  := $(VENV)/.ready-dask
WEB   := $(VENV)/.ready-web
UV    := $(shell command -v uv 2>/dev/null)
# Tests share nothing, so they run on all cores; `make test PYTEST="-x -k easy"` narrows a run down. The attacks on
# isolation, plain and under their planted faults, are what `make inspect` runs.
# Where the time goes: make test PYTEST="-n auto --dist worksteal --ignore=tests/isolation --durations=20".
PYTEST ?= -n auto --dist worksteal --ignore=tests/isolation

.DEFAULT_GOAL := help
.PHONY: help demo test fast check inspect bench study results fuzz validate kernel dask web client run doctor constraints clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

demo: $(READY) ## simulate the shipped cluster: bills, SLA report, one HTML page [DAYS=n SEED=n]
	@$(BIN)/python -m sim demo $(if $(DAYS),--days $(DAYS)) $(if $(SEED),--seed $(SEED))

test: $(READY) ## all tests but the attacks on isolation, which `make inspect` runs [PYTEST="-x -k word"]
	@$(BIN)/python -m pytest $(PYTEST)

fast: $(READY) ## unit tests, tidiness and documentation only
	@$(BIN)/python -m pytest tests/unit tests/test_tidy.py tests/test_docs.py $(PYTEST)

check: $(READY) $(TOOLS) ## ruff and mypy --strict
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy

inspect: $(READY) ## attack the isolation of tenants, and show what held [INSPECT="--property P1"]
	@$(BIN)/python -m sim inspect $(INSPECT)

bench: $(READY) ## speed, as ratios to references measured in the same run
	@echo "== the whole chain on real traces"; $(BIN)/python benchmarks/bench_chain.py
	@echo "== events into the log, durable and each once"; $(BIN)/python benchmarks/bench_billing.py
	@echo "== a million allocations to invoices"; $(BIN)/python benchmarks/bench_metering.py --only chain
	@echo "== a million hours by each kind of price"; $(BIN)/python benchmarks/bench_rating.py
	@echo "== a file of 20 million intervals (some minutes)"; $(BIN)/python benchmarks/bench_metering.py --only stream
	@echo "== the audit log"; $(BIN)/python benchmarks/bench_audit.py
	@echo "== walls before tenant data"; $(BIN)/python benchmarks/bench_walls.py
	@echo "== the API under load"; $(BIN)/python benchmarks/bench_api.py
	@echo "== 64 replications on several cores"; $(BIN)/python benchmarks/bench_sweep.py
	@echo "== placing with a long queue, and the guard"; $(BIN)/python benchmarks/bench_place.py
	@echo "== the core against the SimPy floor (some minutes)"; $(BIN)/python benchmarks/bench_core.py
	@echo "== a million jobs, in a process of their own"; $(BIN)/python benchmarks/bench_core.py --only p3 --loads --million

study: $(READY) ## every lend function on public workloads, into docs/lend-study.md (some minutes) [PRESET=small]
	@$(BIN)/python -m sim study --preset $(or $(PRESET),full) --out $(if $(PRESET),lend-study-$(PRESET).md,docs/lend-study.md)

results: $(READY) ## every experiment, small, into the table and the pictures of README.md (some minutes)
	@$(BIN)/python -m sim experiment all --results README.md --md > /dev/null

fuzz: $(READY) ## long random search; prints the seed that repeats a failure [SEED=n EXAMPLES=n]
	@HYPOTHESIS_PROFILE=fuzz FUZZ_EXAMPLES="$(EXAMPLES)" $(BIN)/python -m pytest -s tests/property tests/differential tests/isolation \
	  $(if $(SEED),--seed $(SEED) --hypothesis-seed=$(SEED))
	@HYPOTHESIS_PROFILE=fuzz FUZZ_EXAMPLES="$(EXAMPLES)" $(BIN)/python -m pytest -m hypothesis tests/unit \
	  $(if $(SEED),--seed $(SEED) --hypothesis-seed=$(SEED))

validate: $(READY) ## the long versions: golden files, published cases, whole traces
	@$(BIN)/python -m pytest -m "slow or traces" $(PYTEST)

kernel: $(NUMBA) ## install numba, and hold the compiled kernel to the core
	@$(BIN)/python -m pytest -m slow tests/differential/test_kernel_twin.py

dask: $(DASK) ## install dask, and hold a sweep on its workers to one on processes; a worker is killed
	@$(BIN)/python -m pytest -m slow tests/e2e/test_sweeps.py -k dask

web: $(WEB) ## the API by schemathesis, the console in a browser; pictures into SPILLWAY_SHOTS [PYTEST="-k word"]
	@$(BIN)/python -m pytest -m web tests/web $(PYTEST)

client: $(READY) ## write the typed client anew, from the API's own description
	@$(BIN)/python tests/support/client_source.py

run: $(READY) ## one scenario into a run folder: make run SCENARIO=name-or-file [DAYS=n SEED=n]
	@test -n "$(SCENARIO)" || { echo 'make run SCENARIO=x needs a bundled name or a TOML file; the names are:'; \
	  $(BIN)/python -m sim scenarios list; exit 2; } >&2
	@$(BIN)/python -m sim run "$(SCENARIO)" $(if $(DAYS),--days $(DAYS)) $(if $(SEED),--seed $(SEED))

doctor: $(READY) ## check this machine
	@$(BIN)/python -m sim doctor

constraints: ## pin again, for Python 3.11 and later at once; needs uv, writes no address
	@$(or $(UV),uv) pip compile pyproject.toml --extra test --extra dev --extra web --extra numba --extra dask --extra postgres --extra report --universal --python-version 3.11 --upgrade --quiet \
	  --no-header --no-emit-index-url --no-emit-find-links -o constraints.txt

clean: ## remove .venv and caches; run folders stay
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# One stamp for each set, so that `make -j4 demo test` sets up once. Where a pinned version can no longer be installed,
# the lower bounds of pyproject.toml are enough.
ifdef UV
venv = $(UV) venv -q --allow-existing -p $(PY) $(VENV)
pip  = $(UV) pip install -q -p $(BIN)/python
else
venv = $(PY) -m venv $(VENV)
pip  = $(BIN)/python -m pip install -q --disable-pip-version-check
endif
install = $(pip) -c constraints.txt -e '.[$(1)]' || \
  { echo "constraints.txt does not install here: taking the lower bounds of pyproject.toml" >&2; $(pip) -e '.[$(1)]'; }

$(READY): pyproject.toml constraints.txt
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed (set PY=python3.x)")'
	@echo "setting up $(VENV) (first run only)" >&2
	@$(venv)
	@$(call install,test)
	@touch $@

$(TOOLS): $(READY)
	@$(call install,dev)
	@touch $@

$(NUMBA): $(READY)
	@$(call install,numba)
	@touch $@

$(DASK): $(READY)
	@$(call install,dask)
	@touch $@

$(WEB): $(READY)
	@$(call install,web)
	@touch $@
