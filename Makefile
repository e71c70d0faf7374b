# Gridwatch: the commands of everyday work. `make help` lists them.
#
#   make demo           play a story in a simulated building, and keep it alive
#   make demo ONCE=1    play it at speed, check the cases, end with 0 or 1
#   make test           every check and test there is
#
# Both do all the set-up that a fresh Debian 12 with Rust and Node needs.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup build demo test schemathesis bench train evaluate

CONSOLE := hub/console
TARGET := $(or $(CARGO_TARGET_DIR),target)

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: ## Install what is missing: Debian packages, npm packages; checks Rust and Node
	@tests/scripts/setup.sh

build: setup ## Build console, hub, agent and demo
	@tests/scripts/build.sh

demo: build ## Play the demo; ONCE=1: at speed, checked, exit status 0 or 1; SPEED=N: N times faster
	@"$(TARGET)/debug/demo" $(if $(ONCE),--once) $(if $(SPEED),--speed $(SPEED))

test: setup ## Every check: format, lints, docs, unit, integration, end-to-end and browser tests
	@tests/scripts/check.sh

schemathesis: build ## Generated requests against a real hub, as an administrator and as a duty officer
	@"$(TARGET)/schemathesis/bin/python" tests/api/run.py "$(TARGET)/debug/hub"

bench: setup ## The numbers, with release builds: kills, power cuts, latency, throughput, the store (root for power cuts)
	@tests/scripts/bench.sh

train: ## Train the anomaly models from the recordings in DATA=folder (needs Python)
	@DATA="$(DATA)" tests/scripts/model.sh train

evaluate: ## Train anew, compare with the models that are checked in, measure; DATA=folder (needs Python)
	@DATA="$(DATA)" tests/scripts/model.sh evaluate
