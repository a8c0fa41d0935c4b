# Each target first sees to the virtual environment; it is filled again only when the pins change.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test bench deploy destroy check audit format docs pins clean

run: $(READY)
	@$(BIN)/python scripts/run.py $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest $(ARGS)

bench: $(READY)
	@PYTHONPATH=scripts $(BIN)/python -m tests.bench $(ARGS)

deploy: $(READY)
	@$(BIN)/python scripts/deploy.py --stage "$(STAGE)" $(ARGS)

destroy: $(READY)
	@$(BIN)/python scripts/destroy.py --stage "$(STAGE)" $(ARGS)

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/cfn-lint .chalice/templates/*.yaml
	$(BIN)/python scripts/document.py --check
	$(BIN)/bandit --quiet --severity-level medium --recursive app.py chalicelib scripts

# Known holes in what we depend on. Without the database there is no audit, and it says so.
audit: $(READY)
	@if $(BIN)/pip-audit --strict --progress-spinner off --no-deps --disable-pip -r requirements.txt -r requirements-dev.txt > $(VENV)/audit 2>&1; \
	then cat $(VENV)/audit; \
	elif grep -q "known vulnerabilit" $(VENV)/audit; then cat $(VENV)/audit; exit 1; \
	else echo "Not audited: the database of known holes can't be reached."; fi

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Writes the documents that follow from the code.
docs: $(READY)
	$(BIN)/python scripts/document.py

# Takes the newest versions of what the two short lists name.
pins:
	$(PYTHON) -m venv --clear .venv-pins && .venv-pins/bin/pip install --quiet uv
	.venv-pins/bin/uv pip compile --upgrade --universal --python-version 3.11 --no-header requirements.in -o requirements.txt
	.venv-pins/bin/uv pip compile --upgrade --universal --python-version 3.11 --no-header requirements-dev.in -o requirements-dev.txt
	rm -rf .venv-pins

clean:
	rm -rf $(VENV) .chalice/deployments bench.json .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(READY): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 …")'
	@echo "Setting up $(VENV) (once, about a minute) …" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $(READY)
