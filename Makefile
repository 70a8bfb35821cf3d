# The one entry point. `make help` lists what it can do.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Build folders live in the user's cache, so that a fresh clone reuses them.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/herdgate
export CARGO_TARGET_DIR ?= $(CACHE)/target
export HERDGATE_CACHE := $(CACHE)
# where rustup puts cargo, before a new shell has it in its path
export PATH := $(HOME)/.cargo/bin:$(PATH)
BIN_DEV := $(CARGO_TARGET_DIR)/debug
BIN_RELEASE := $(CARGO_TARGET_DIR)/release
LAB := tests/lab/lab.sh

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

.PHONY: demo
demo: setup-build ## Bring up 7,000 gateways on this machine, kill the broker, watch the herd come back
	cargo build --release --locked -p herdgate -p herdgate-swarm
	$(BIN_RELEASE)/herdgate-swarm demo --broker $(BIN_RELEASE)/herdgate $(DEMO_FLAGS)

.PHONY: demo-compare
demo-compare: setup-build ## The demo twice, with admission Open and Staged, both results printed
	cargo build --release --locked -p herdgate -p herdgate-swarm
	$(BIN_RELEASE)/herdgate-swarm demo-compare --broker $(BIN_RELEASE)/herdgate $(DEMO_FLAGS)

.PHONY: test
# The last two wait more than they work, each at addresses of its own; each one's output comes when it has ended.
test: check unit chart-test ## Everything that must be green: check, unit, process and lab tests
	@echo "test: process and lab tests run beside one another, for some minutes; their output follows"
	+$(MAKE) --jobs=2 --keep-going --output-sync=target process lab-test

.PHONY: check
check: setup-build ## Format, lints, no unused dependency
	scripts/unused-dependencies.sh
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: unit
unit: setup-test bins ## Unit tests beside the code, and the drift checks of generated files
	scripts/tests.sh unit

.PHONY: bins
# --all-targets: the same features as the tests, so that dependencies are compiled once.
bins: setup-build
	cargo build --workspace --all-targets --locked

.PHONY: process
process: setup-test bins ## Real binaries on loopback with clients that others wrote
	HERDGATE_BIN_DIR=$(BIN_DEV) scripts/tests.sh process

.PHONY: conformance
conformance: setup-build bins ## The standards' statements alone: their tests, and that none is left out
	cargo test --workspace --locked --lib conformance
	HERDGATE_BIN_DIR=$(BIN_DEV) cargo test --workspace --locked --test process_conformance

.PHONY: clients
clients: setup-test bins ## Client libraries of others: each version, transport, QoS and kind of session (HERDGATE_CLIENTS=hivemq,mqttjs: those)
	HERDGATE_BIN_DIR=$(BIN_DEV) cargo test --workspace --locked --test process_libraries -- --include-ignored --exact libraries_find_what_they_expect_in_every_case --nocapture

.PHONY: mutants
mutants: setup-build ## Break the broker, and the admission law, in one line at a time and see tests fail (some minutes of builds)
	cargo test --workspace --locked --test mutants -- --nocapture

.PHONY: chart-test
chart-test: bins lab-tools ## Charts: lint, golden renders, schema refusals, rights
	scripts/tests.sh charts

.PHONY: lab-tools
lab-tools:
	$(LAB) tools

.PHONY: lab-test
lab-test: bins ## End to end on a real Kubernetes (the lab, or HERDGATE_TEST_KUBECONFIG)
	HERDGATE_BIN_DIR=$(BIN_DEV) tests/lab/test.sh

.PHONY: lab
lab: ## Start a Kubernetes of its own on this machine and print its kubeconfig
	$(LAB) up

.PHONY: lab-down
lab-down: ## End the lab; nothing of it stays
	$(LAB) down

# Peers are built once; delete the folder to build them anew.
BENCH_PEERS := $(CACHE)/bench-peers
BENCH_FLAGS ?=
.PHONY: bench
bench: setup-build ## Measure against mosquitto, haproxy, NATS, rumqttd and rmqtt: docs/benchmarks.md (BENCH_FLAGS="--quick --peers mosquitto")
	scripts/bench-peers.sh $(BENCH_PEERS) $(BENCH_FLAGS)
	cargo build --release --locked -p herdgate -p herdgate-bench
	$(BIN_RELEASE)/herdgate-bench run --broker $(BIN_RELEASE)/herdgate --peer-folder $(BENCH_PEERS) $(BENCH_FLAGS)

.PHONY: simulate
simulate: setup-build ## The admission law beside its rivals, and a million clients, as a model: docs/simulator.md
	cargo build --release --locked -p herdgate-simulator
	$(BIN_RELEASE)/herdgate-simulator table
	$(BIN_RELEASE)/herdgate-simulator run simulator/scenarios/million.yaml

INCIDENTS_FLAGS ?=
.PHONY: incidents
incidents: setup-build ## Whole incidents with haproxy + mosquitto, without the gate and with it: docs/incidents.md (INCIDENTS_FLAGS="--only founding,nat --gateways 700")
	scripts/bench-peers.sh $(BENCH_PEERS) --peers haproxy
	cargo build --release --locked --workspace --bin herdgate --bin herdgate-swarm --bin herdgate-incidents
	$(BIN_RELEASE)/herdgate-incidents --broker $(BIN_RELEASE)/herdgate --swarm $(BIN_RELEASE)/herdgate-swarm $(INCIDENTS_FLAGS)

FUZZ_FLAGS ?=
.PHONY: fuzz
fuzz: setup-fuzz ## Throw bytes at what strangers reach, two hours: docs/fuzzing.md (FUZZ_FLAGS="--minutes 10 --target v5,session")
	scripts/fuzz.sh $(FUZZ_FLAGS)

.PHONY: image
image: setup-image ## OCI images from scratch, into the cache folder
	cargo build --release --locked --workspace --bins
	HERDGATE_BIN_DIR=$(BIN_RELEASE) images/build.sh

.PHONY: generate
generate: bins lab-tools ## Write the generated files anew: CRDs, chart copies, reference pages, snapshots
	scripts/generate.sh

.PHONY: setup-build setup-test setup-image setup-fuzz
setup-build:
	@scripts/setup.sh build
	@scripts/this-checkout.sh
setup-test:
	@scripts/setup.sh test
setup-image:
	@scripts/setup.sh image
setup-fuzz:
	@scripts/setup.sh fuzz
