# Each target first sees to the virtual environment; it is filled again only when the pins change.
# Operating a stage needs a short list of packages; running it here and testing it need more.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OPS := $(VENV)/.ops
READY := $(VENV)/.ready

# What comes from outside is never part of a command's text: it could run something.
override STAGE := $(value STAGE)
override OUT := $(value OUT)
export STAGE OUT
# Without bytecode each of many processes would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test coverage bench nights page screenshot deploy package plan live-check destroy ops check audit format docs pins clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(READY) ## everything on this machine, with a simulated Marathon (ARGS=--once: check it and end)
	@$(BIN)/python scripts/run.py $(ARGS)

test: $(READY) ## the tests, or some of them: make test ARGS=tests/pure
	@$(BIN)/python -m pytest --durations=10 $(ARGS)

coverage: $(READY) ## the tests, and which branches they take
	@$(BIN)/python -m pytest --durations=10 --cov --cov-report=term:skip-covered $(ARGS)

bench: $(READY) page ## what an event costs, beside what people write by hand (ARGS=--load: under load)
	@PYTHONPATH=scripts:. $(BIN)/python -m tests.bench $(ARGS)

page: $(OPS) ## build the page that the API serves, where it is missing or old
	@$(BIN)/python scripts/page.py

screenshot: $(READY) page ## take the README's picture of the page from the local system
	@PYTHONPATH=scripts:. $(BIN)/python -m tests.screenshot

deploy: $(OPS) ## deploy a stage: make deploy STAGE=prod
	@$(BIN)/python scripts/deploy.py --stage "$$STAGE" $(ARGS)

package: $(OPS) ## what CI needs to deploy a stage: make package STAGE=prod OUT=folder
	@$(BIN)/python scripts/package.py --stage "$$STAGE" --out "$$OUT" $(ARGS)

plan: $(OPS) ## what a deploy of a stage would change and lose: make plan STAGE=prod
	@$(BIN)/python scripts/plan.py --stage "$$STAGE" $(ARGS)

live-check: $(OPS) ## try a stage of its own on a live account: make live-check STAGE=check
	@$(BIN)/python scripts/live_check.py --stage "$$STAGE" $(ARGS)

destroy: $(OPS) ## take a stage down, all but its table: make destroy STAGE=prod
	@$(BIN)/python scripts/destroy.py --stage "$$STAGE" $(ARGS)

ops: $(OPS) ## only set up what the scripts need: .venv/bin/python scripts/…

check: $(READY) ## format, lint, types, layers, templates, written files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PYTHONPATH=scripts:. $(BIN)/lint-imports --no-logo
	$(BIN)/cfn-lint .chalice/templates/*.yaml
	$(BIN)/python scripts/document.py --check
	$(BIN)/bandit --quiet --severity-level medium --recursive app.py chalicelib marathon_relay scripts

# Without the database there is no audit, and it says so.
audit: $(READY) ## known vulnerabilities in what we depend on
	@if $(BIN)/pip-audit --strict --progress-spinner off --no-deps --disable-pip -r requirements.txt -r requirements-dev.txt > $(VENV)/audit 2>&1; \
	then cat $(VENV)/audit; \
	elif grep -q "known vulnerabilit" $(VENV)/audit; then cat $(VENV)/audit; exit 1; \
	else echo "Not audited: the database of known vulnerabilities can't be reached."; fi

format: $(READY) ## format, and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

nights: $(READY) ## write anew what people would have heard in the nights of tests/nights
	@WRITE_NIGHTS=1 $(BIN)/python -m pytest -q tests/aws/test_nights.py
	@git --no-pager diff -- tests/nights

docs: $(READY) ## write the files that follow from others (docs/events.md, schemas)
	$(BIN)/python scripts/document.py

pins: $(OPS) ## take the newest versions of what the short lists name
	for list in $(LISTS); do \
	  $(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 --no-header $$list.in -o $$list.txt || exit; done

clean: ## delete what is made here (not .chalice/deployed, and not what you put into vendor/)
	rm -rf $(VENV) .chalice/deployments bench.json .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf chalicelib/web/page page/node_modules
	if [ -d vendor ]; then find vendor -name __pycache__ -prune -exec rm -rf {} + ; find vendor -depth -type d -empty -delete; fi
	find app.py chalicelib marathon_relay scripts tests -name __pycache__ -prune -exec rm -rf {} +

LISTS := requirements-uv requirements page/requirements marathon_relay/requirements requirements-ops requirements-dev

$(OPS): requirements-uv.txt requirements-ops.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 …")'
	@echo "Setting up $(VENV) (once) …" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(call install,requirements-uv.txt)
	@$(call sync,requirements-ops.txt)
	@touch $(OPS)

$(READY): $(OPS) requirements-dev.txt
	@echo "Adding what tests and the local system need (once) …" >&2
	@$(call sync,requirements-dev.txt)
	@touch $(READY)

# uv takes a tenth of pip's time. It knows nothing of pip's settings, a mirror for example: where it
# fails, pip does the same.
sync = VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --require-hashes $(1) || $(call install,$(1))
install = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)
