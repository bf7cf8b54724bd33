# `make` lists the targets. Everything lives in .venv; nothing else on the machine is changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

# For tools that load the settings without needing a server.
PRODUCTION := SECRET_KEY=$(shell printf 'check-only-%.0s' 1 2 3 4 5 6) ALLOWED_HOSTS=example.org SITE_URL=https://example.org \
	DATABASE_URL=postgres://scheduler@localhost/scheduler REDIS_URL=redis://localhost EMAIL_URL=smtp://localhost \
	SECURE=on DEBUG=off
TEMPLATES = find templates -name '*.html' -print0 | xargs -0 -r
SOURCES = find . -path ./$(VENV) -prune -o -path ./var -prune -o -name '*.py' -print0 | xargs -0

.PHONY: help run test check format lint types imports deployment migrations schema schema-kept fmt messages reference bench chaos siege fuzz screenshots manage migrate shell clean
.DEFAULT_GOAL := help

help:
	@echo "make run      the whole site with demo data on http://127.0.0.1:8000 (PORT=, HOST=; DEMO=off without the data)"
	@echo "make test     the tests (ARGS='-k holds -x')"
	@echo "make check    everything CI runs: format, lint, types, imports, migrations, deployment, API schema, tests"
	@echo "make fmt      format, and fix what can be fixed"
	@echo "make messages find what is to be translated in locale/, and compile the translations"
	@echo "make reference   write docs/reference/ anew, where the code says something else"
	@echo "make schema-kept  at a release: keep its OpenAPI document, against which later changes are held"
	@echo "make bench    measure (ARGS=...)"
	@echo "make chaos    kill workers and servers while 10,000 reminders go out, and count what arrives (ARGS=...)"
	@echo "make siege    measure what others wait while 1,700 connections send and read slowly (ARGS=...)"
	@echo "make fuzz     ask the API whatever its document allows, for some minutes, and check each answer (ARGS=...)"
	@echo "make screenshots  pictures of the main pages, light and dark, phone and desktop (needs Chromium)"
	@echo "make migrate | shell | manage ARGS='...'   Django's commands, with the servers they need"
	@echo "make clean    remove .venv, caches and collected files; the data in var/ stays"

run: $(VENV)/run.stamp
	@$(BIN)/python -m scheduler_project.runner

# Bytecode is kept, whatever the environment says: each process of the tests would compile 700 modules anew.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n logical --dist worksteal $(ARGS)

# `make -k check` goes on after a failure; each part is a target of its own.
check: format lint types imports deployment migrations schema test

format lint types imports deployment migrations schema: $(VENV)/dev.stamp

format:
	$(BIN)/ruff format --check .
	@$(TEMPLATES) $(BIN)/djade --target-version 5.2 --check

lint:
	$(BIN)/ruff check .
	@$(SOURCES) $(BIN)/django-upgrade --target-version 5.2 --check

types:
	@$(PRODUCTION) $(BIN)/mypy

imports:
	PYTHONPATH=. $(BIN)/lint-imports

deployment:
	@$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

migrations:
	$(BIN)/python manage.py makemigrations --check

schema:
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

fmt: $(VENV)/dev.stamp
	@$(SOURCES) $(BIN)/django-upgrade --target-version 5.2 --exit-zero-even-if-changed
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .
	@$(TEMPLATES) $(BIN)/djade --target-version 5.2 || true

# Needs GNU gettext (apt install gettext). What is new in locale/*/LC_MESSAGES/django.po is then to be translated, and
# what is marked "fuzzy" looked at; run it again to compile. `make test ARGS=tests/project/test_messages_catalogue.py` says
# what is missing.
messages: $(VENV)/dev.stamp
	@command -v xgettext msgmerge msgfmt >/dev/null || { echo "GNU gettext is needed: apt install gettext"; exit 1; }
	@$(PRODUCTION) $(BIN)/python manage.py makemessages --all --no-obsolete --no-wrap --add-location file \
		--ignore tests --ignore var --ignore staticfiles --ignore $(VENV)
	@$(PRODUCTION) $(BIN)/python manage.py compilemessages --ignore $(VENV) --ignore var

# Programs that work with a release work with the next: a test holds the API against the document kept of the last one.
schema-kept: $(VENV)/dev.stamp
	@$(PRODUCTION) $(BIN)/python manage.py keep_schema

reference: $(VENV)/dev.stamp
	@$(PRODUCTION) $(BIN)/python manage.py write_reference

bench: $(VENV)/dev.stamp
	$(BIN)/python -m tests.slow.benchmarks $(ARGS)

chaos: $(VENV)/dev.stamp
	$(BIN)/python -m tests.slow.chaos $(ARGS)

siege: $(VENV)/dev.stamp
	$(BIN)/python -m tests.slow.siege $(ARGS)

# CI asks a little of it, the same each time.
fuzz: export PYTHONDONTWRITEBYTECODE =
fuzz: $(VENV)/dev.stamp
	$(BIN)/python -m pytest tests/slow/conformance --hypothesis-profile=deep -n logical -o faulthandler_timeout=0 $(ARGS)

screenshots: $(VENV)/dev.stamp
	$(BIN)/python -m tests.browser.screenshots

manage: $(VENV)/run.stamp
	@$(BIN)/python manage.py $(ARGS)

migrate shell: $(VENV)/run.stamp
	@$(BIN)/python manage.py $@ $(ARGS)

clean:
	rm -rf $(VENV) staticfiles .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- The virtual environment: made when missing, completed when a requirements file is newer than its stamp ---

INSTALL = if command -v uv >/dev/null; then uv pip install --quiet --python $(BIN)/python $(1); \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check $(1); fi

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON). Name a Python 3.11 or later: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is `$(PYTHON) -V`; 3.11 or later is needed. Name another: make PYTHON=python3.12"; exit 1; }
	@echo "Creating $(VENV)"
	@if command -v uv >/dev/null; then uv venv --quiet --allow-existing --python $(PYTHON) $(VENV); \
		else $(PYTHON) -m venv $(VENV); fi \
		|| { rm -rf $(VENV); echo "On Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(VENV)/run.stamp: requirements.txt | $(BIN)/python
	@echo "Installing requirements.txt"
	@$(call INSTALL,-r requirements.txt)
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt requirements.txt | $(BIN)/python
	@echo "Installing requirements-dev.txt"
	@$(call INSTALL,-r requirements-dev.txt)
	@touch $(VENV)/run.stamp $@
