# Everything that a person types. `make run` starts the broker on port 9092 with its data in ./data.
CARGO ?= cargo

.PHONY: run build test lint fmt bench perf

run: build
	target/release/ringwood serve $(ARGS)

build:
	$(CARGO) build --release --locked

# The broker, the Rust tests, then the suites of real clients (tests/run.sh brings what they need).
test: build
	$(CARGO) test --locked
	bash tests/run.sh

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

fmt:
	$(CARGO) fmt

bench:
	$(CARGO) bench --locked

perf: build
	bash perf/run.sh
