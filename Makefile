# Everything a developer runs. Each target says what it does and stops at the first failure.
#
# make demo and make test need Rust (rustup, stable), a C compiler, Python >= 3.9, Node >= 18 and
# make, and nothing else. What a part of the tests needs beyond that it fetches by itself; where it
# cannot, that part is skipped with a line that says SKIPPED and why.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check unit release no-std no-panic models mutants sanitize fuzz fuzz-short \
        firmware python node c install bench bench-quick bench-http bench-node coverage lint lint-format lint-clippy lint-docs lint-c lint-scripts \
        lint-python lint-node clean

# Each workspace that has its own lock file; and the scripts in bash.
workspaces := . benches fuzz firmware .ci/no-panic.d
scripts := .ci/run .ci/models .ci/no-panic .ci/sanitize .ci/coverage .ci/fuzz firmware/check bindings-python/check bindings-node/check \
    ffi-c/check ffi-c/install examples/clients/peeker.sh examples/clients/prolifi.sh tower/tests/shims/sleep

c_warnings := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror

target := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),$(CURDIR)/target)
bench := cargo run --release --quiet --manifest-path benches/Cargo.toml \
    --target-dir $(target)/benches

say = @printf '\n== %s\n'

help: ## say what the targets are
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{ printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## services behind published limits, and clients that run into them or keep to them
	@cargo build --package guarded-service
	@cargo run --quiet --package guarded-service

test: unit no-std no-panic release firmware fuzz-short bench-quick sanitize models python node c ## all tests

check: lint test ## what .ci/run runs

unit: ## all tests of the workspace, conformance and documentation included, overflow checked
	$(say) 'tests of the workspace'
	@cargo test --workspace

release: ## tests of threads and raw memory as users build it: optimized, so that threads collide more
	$(say) 'tests of threads and raw memory, optimized'
	@RATECELL_STRESS=$${RATECELL_STRESS:-3} cargo test --release --package ratecell \
	    --test stress --test tables

no-std: ## the core without the standard library, and without 64-bit atomics of its own
	$(say) 'the core without std'
	@cargo build --package ratecell --no-default-features
	@cargo build --package ratecell --no-default-features --features critical-section

no-panic: ## proves that no call of the core can panic
	$(say) 'no call of the core can panic'
	@.ci/no-panic

models: ## explores the interleavings of the lock-free parts: about 3 minutes
	$(say) 'models'
	@.ci/models

mutants: ## breaks the core in named ways and expects a model to notice: about 10 minutes
	$(say) 'mutants'
	@.ci/mutants

sanitize: ## threads and raw memory under sanitizers, if a nightly toolchain is installed
	$(say) 'sanitizers'
	@.ci/sanitize

fuzz: ## each fuzz target for FUZZ_SECONDS=20 seconds
	$(say) 'fuzzing'
	@.ci/fuzz

fuzz-short: ## each fuzz target for 5 seconds
	$(say) 'fuzzing, briefly'
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-5} .ci/fuzz

firmware: ## the core on bare metal: it builds, its size, its cases on emulated boards
	$(say) 'firmware'
	@firmware/check

python: ## the Python package: its tests, and its wheel in every Python found
	$(say) 'the Python package'
	@bindings-python/check test
	@bindings-python/check wheels
	@bindings-python/check sdist
	@bindings-python/check free
	@BENCH_QUICK=1 bindings-python/check bench

node: ## the npm package: its conformance cases, every call, and what it needs of the engine
	$(say) 'the npm package'
	@bindings-node/check

bench: ## ratecell beside what users would pick instead; take the machine for yourself
	@$(bench)
	@ffi-c/bench/run

closed-loop: ## the table of client/RESULTS.md: twenty clients under each contract, over real HTTP
	@cargo test --release --quiet --package ratecell-client --test closed_loop -- \
	    --ignored --nocapture table

bench-http: ## what a request costs behind the tower layer, beside a bare handler and tower_governor
	@cargo run --release --quiet --manifest-path benches/http/Cargo.toml \
	    --target-dir $(target)/benches-http

bench-node: ## the npm package beside what users would pick instead: about 6 minutes
	@bindings-node/check bench

bench-quick: ## that every benchmark still runs; its figures say nothing
	$(say) 'benchmarks, once and briefly'
	@$(bench) -- --quick
	@ffi-c/bench/run --quick

c: ## the C libraries: header, exports, cases in C and C++, examples
	$(say) 'the C library'
	@ffi-c/check

install: ## the C libraries into PREFIX=/usr/local, with DESTDIR= in front
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' ffi-c/install

coverage: ## which lines of the core the tests reach
	$(say) 'coverage'
	@.ci/coverage

lint: lint-format lint-clippy lint-docs lint-c lint-scripts lint-python lint-node ## linters; every warning is an error

lint-format: # Lock files, too: what is locked is what the manifests ask for.
	$(say) 'lock files and formatting'
	@rustup component add rustfmt clippy >/dev/null 2>&1 || cargo fmt --version
	@set -e; for folder in $(workspaces); do \
	    cargo metadata --locked --format-version 1 --manifest-path $$folder/Cargo.toml >/dev/null; \
	    cargo fmt --all --check --manifest-path $$folder/Cargo.toml; \
	done

# What it cannot do: build with the oldest Rust promised (rust-version in Cargo.toml), which takes
# that toolchain: cargo +1.90 check --workspace.
lint-clippy:
	$(say) 'clippy'
	@cargo clippy --quiet --workspace --all-targets -- -D warnings
	@cargo clippy --quiet --package ratecell --no-default-features -- -D warnings
	@cargo clippy --quiet --package ratecell --no-default-features --features critical-section \
	    -- -D warnings
	@RUSTFLAGS='--cfg loom' cargo clippy --quiet --package ratecell --release --test 'loom_*' \
	    --target-dir $(target)/loom -- -D warnings
	@cargo clippy --quiet --manifest-path benches/Cargo.toml --all-targets \
	    --target-dir $(target)/benches -- -D warnings
	@RUSTFLAGS='--cfg fuzzing' cargo clippy --quiet --manifest-path fuzz/Cargo.toml --lib --bins \
	    --target-dir $(target)/lint -- -D warnings
	@cargo clippy --quiet --release --manifest-path .ci/no-panic.d/Cargo.toml \
	    --target-dir $(target)/lint -- -D warnings
	@folder=$$(rustc --print target-libdir --target thumbv7em-none-eabihf); \
	if ls "$$folder"/libcore-*.rlib >/dev/null 2>&1; then \
	    cargo clippy --quiet --release --manifest-path firmware/Cargo.toml \
	        --target thumbv7em-none-eabihf --target-dir $(target)/lint -- -D warnings; \
	else echo '*** SKIPPED clippy in firmware: rustup target add thumbv7em-none-eabihf ***'; fi

lint-docs:
	$(say) 'documentation'
	@RUSTDOCFLAGS=-Dwarnings cargo doc --quiet --workspace --no-deps
	@RUSTDOCFLAGS=-Dwarnings cargo doc --quiet --package ratecell --no-deps --no-default-features \
	    --target-dir $(target)/lint

# The headers from C and C++, and all that is in C, every warning an error; and the library without std.
lint-c:
	$(say) 'C'
	@for file in ffi-c/tests/c/*.c examples/c/*.c examples/c-cmake/*.c; do \
	    $(CC) $(c_warnings) -std=c99 -fsyntax-only -Iinclude $$file || exit 1; done
	@for file in include/ratecell.hpp ffi-c/tests/c/*.cpp examples/c-cmake/*.cpp; do \
	    $(CXX) $(c_warnings) -std=c++17 -fsyntax-only -Iinclude -x c++ $$file || exit 1; done
	@cargo clippy --quiet --profile c-freestanding --package ratecell-c --lib --no-default-features \
	    -- -D warnings

lint-scripts:
	$(say) 'scripts'
	@set -e; for script in $(scripts); do bash -n $$script; done
	@python3 -c 'import ast; ast.parse(open(".ci/mutants").read())'
	@if command -v shellcheck >/dev/null; then shellcheck $(scripts); \
	    else echo '*** SKIPPED shellcheck: it is not installed ***'; fi

lint-python:
	$(say) 'Python'
	@bindings-python/check lint

lint-node:
	$(say) 'the npm package: types, linter'
	@bindings-node/check lint

clean: ## removes all that was built
	@rm -rf target
