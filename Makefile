# SPDX-License-Identifier: Apache-2.0
# The entry point. Packages that a Debian 12 machine lacks are installed first (packages.txt lists them).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help build sites demo python reproduce tests quick test check test-torch coverage bench data format tidy clean

install := tools/install_packages.sh
jobs := $(shell nproc 2>/dev/null || echo 2)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## the program, optimised: build/laconic
	@$(install) build
	@tools/fetch_charts.sh || true
	@[[ -e build/build.ninja ]] || cmake --preset release -DLACONIC_TESTS=OFF -DLACONIC_BENCH=OFF
	@cmake --build --preset release --target laconic_program

# The program and all tests. Benchmarks are configured, because clang-tidy needs their commands, but not
# built.
tests:
	@$(install) build demo python test
	@tools/fetch_charts.sh || true
	@cmake --preset release -DLACONIC_TESTS=ON -DLACONIC_BENCH=ON -DLACONIC_PYTHON=ON
	@cmake --build --preset release

sites: ## the program and the library for runs across sites, with gRPC: docs/sites.md
	@$(install) build sites
	@tools/fetch_charts.sh || true
	@[[ -e build/build.ninja ]] || cmake --preset release -DLACONIC_TESTS=OFF -DLACONIC_BENCH=OFF
	@cmake --preset release -DLACONIC_SITES=ON
	@cmake --build --preset release --target laconic_program

demo: build ## eight methods on Fashion-MNIST, each at its best step: a table and a figure in runs/demo
	@$(install) demo
	@demo/run.sh

python: ## the Python package, and a virtual environment that has it: build/venv
	@$(install) build python
	@cmake --preset release -DLACONIC_PYTHON=ON
	@cmake --build --preset release --target laconic_python_package
	@tools/make_venv.sh build/venv build/python

reproduce: ## the papers' experiments in minutes: verdicts, figures and a page in runs/reproduce-quick
	@$(install) build demo
	@command -v npm >/dev/null || $(install) charts
	@$(MAKE) --no-print-directory build
	@LACONIC_DATA="$${LACONIC_DATA:-data}" build/laconic reproduce all --quick

quick: tests ## unit and law tests
	@ctest --preset quick -j $(jobs)

test: ## all tests but those of `make check`
	@echo "make test runs all tests but those of make check: sanitizers, fuzzer, clang-tidy, build of the benchmarks."
	@$(MAKE) --no-print-directory tests
	@ctest --preset test -j $(jobs)

check: test ## all there is: make test, then with gRPC AddressSanitizer, ThreadSanitizer, fuzzer and clang-tidy
	@$(install) check sites
	@cmake --preset release -DLACONIC_SITES=ON
	@ctest --preset check

test-torch: ## the tests of PyTorch's hook, and of networks by LibTorch; installs both, more than 1 GB
	@$(install) build python test torch
	@cmake --preset release -DLACONIC_PYTHON=ON
	@cmake --build --preset release --target laconic_python_package
	@PYTHONPATH=build/python /usr/bin/python3 -m pytest -q -p no:cacheprovider tests/python -k torch
	@cmake --preset torch
	@cmake --build --preset torch --target laconic_torch_checks
	@ctest --preset torch

coverage: ## which lines and branches the quick tests run: a table, and build-coverage/report/index.html
	@$(install) build demo test coverage
	@tools/fetch_charts.sh || true
	@tools/coverage.sh

bench: ## the benchmarks, each against a reference timed in the same run: docs/performance.md
	@$(install) build test python bench
	@cmake --preset release -DLACONIC_TESTS=ON -DLACONIC_BENCH=ON -DLACONIC_PYTHON=ON
	@cmake --build --preset release --target laconic_bench laconic_program laconic_python_package
	@/usr/bin/python3 bench/table.py build

data: ## fetch the public data sets into data/
	@$(install) data
	@python3 tools/fetch_data.py

format: ## clang-format over every source file
	@$(install) develop
	@git ls-files -z '*.h' '*.cc' | xargs -0 clang-format -i

tidy: ## clang-tidy over every source file of the library, the program and the benchmarks
	@$(install) build test check
	@cmake --preset release -DLACONIC_TESTS=ON -DLACONIC_BENCH=ON
	@tools/check_tidy.sh build all

clean: ## remove what building made; runs/ and data/ stay
	@rm -rf build build-*
