# One verb a task. Everything lives in .venv; VENV=… puts it elsewhere.
VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin

.PHONY: demo test lint docs system bench web clean

# uv, where it is there, installs in a fraction of the time
INSTALL = $(if $(shell command -v uv 2>/dev/null),uv pip install --quiet --python $(BIN)/python,\
	$(BIN)/pip install --quiet --disable-pip-version-check) -c constraints.txt -e

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) '.[build,cluster,dicom,docs,learn,plot,publish,remote,sandbox,dev]'
	touch $@ $(VENV)/.demo

# what the demo and the README's first model need, and no more
$(VENV)/.demo: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) '.[build,learn,sandbox]'
	touch $@

demo: $(VENV)/.demo  ## the main job on an embedded local OpenNeuro, off-line
	$(BIN)/allbrains demo --out .demo

# One run, so that no failure hides another. In the order of the folders: by number of tests, xdist's own
# order, the long builds would come last, each alone on its core.
test: lint system  ## lint, types, layers, tests
	$(BIN)/python -m pytest -q -n 2 --dist loadscope --no-loadscope-reorder

lint: $(VENV)/.installed
	$(BIN)/ruff check --no-cache .  # a cached verdict once hid what a new file elsewhere had changed
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.installed  ## the documentation site, in .site
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet --site-dir .site

system:
	tools/install-debian

bench: $(VENV)/.installed  ## DATA=folder with brains/ and labels/; see docs/benchmarks.md
	$(BIN)/python bench/processing.py $(DATA)

web:  ## the report's page, from web/ into the package; needs Node 20. The result is committed
	cd web && npm ci --no-audit --no-fund && npm run check && npm run build

clean:
	rm -rf $(VENV) .demo .site
