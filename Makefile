# The usual ways in. Everything is set up by scripts/setup, once, and built by CMake under build/<preset>.
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)

.DEFAULT_GOAL := all
.PHONY: all dev demo test test-asan test-tsan soak coverage lint fmt bench fuzz install setup clean help

# One's own DuckDB: make DUCKDB_ROOT=/opt/duckdb
export DUCKDB_ROOT
OPTIONS = $(if $(DUCKDB_ROOT),-DDUCKDB_ROOT=$(DUCKDB_ROOT))

# $(call build,<preset>,<targets>): configure, once, and build.
build = { [ -f build/$(1)/build.ninja ] || cmake --preset $(1) $(OPTIONS); } && \
	cmake --build build/$(1) -j $(JOBS) --target $(2)

all: build/.setup-build
	@$(call build,release,programs)

dev: build/.setup-test
	@$(call build,dev,all)

help:
	@sed -n 's/^#: //p' Makefile

#: make             the programs, optimized, in build/release/bin
#: make demo        the whole story on this machine, in a minute
#: make test        all tests
#: make test-asan   the tests under the address and undefined behaviour sanitizers
#: make test-tsan   the tests under the thread sanitizer
#: make soak        kills and faults by the hundred, an hour
#: make coverage    how much of each room the tests reach
#: make lint        format, clang-tidy, the law of the rooms, scripts
#: make fmt         lay the C out anew
#: make bench       the figures, beside what one would use instead
#: make fuzz        a minute for each fuzz target (FUZZ_SECONDS=60)
#: make install     PREFIX=/usr/local, DESTDIR=
#: make setup       only fetch what the above need
#: make clean       forget what was built (not what was fetched)

demo: all
	@scripts/demo

test: build/.setup-test
	@$(call build,release,all)
	@ctest --preset release

test-asan: build/.setup-test
	@$(call build,asan,all)
	@ctest --preset asan

test-tsan: build/.setup-test
	@$(call build,tsan,all)
	@ctest --preset tsan

soak: build/.setup-test
	@$(call build,release,all)
	@scripts/soak

coverage: build/.setup-test
	@$(call build,coverage,all)
	@ctest --preset coverage
	@scripts/coverage

lint: build/.setup-test
	@scripts/lint

fmt: build/.setup-test
	@git ls-files '*.c' '*.h' | xargs clang-format -i

bench: build/.setup-bench
	@$(call build,release,programs benches)
	@scripts/bench

FUZZ_SECONDS ?= 60
fuzz: build/.setup-test
	@$(call build,fuzz,fuzzers)
	@scripts/fuzz $(FUZZ_SECONDS)

install: all
	@DESTDIR="$(DESTDIR)" cmake --install build/release --prefix "$(PREFIX)"

setup: build/.setup-test

build/.setup-%: scripts/setup scripts/packages scripts/pins tests/requirements.txt tests/azurite/package-lock.json
	@scripts/setup $*

clean:
	rm -rf build/tidy build/dev build/release build/asan build/tsan build/coverage build/lint build/fuzz
