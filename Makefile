# bantam's front door. `make demo` and `make test` install what they need (tools/setup), then build and run.
BUILD := build/release
JOBS  := $(shell nproc)

PREFIX ?= /usr/local

.PHONY: build demo test install deb format clean help

help:
	@echo "make build   the release program at $(BUILD)/bantam"
	@echo "make demo    search Fashion-MNIST for 5 minutes, print the front"
	@echo "make test    every test under ASan + UBSan, then the release-build tests"
	@echo "make install program, manual pages, completions, examples, library into PREFIX (/usr/local), below DESTDIR"
	@echo "make deb     a Debian package in $(BUILD)"
	@echo "make format  clang-format on all sources"

build:
	@tools/setup build
	@cmake --preset release >/dev/null
	@cmake --build $(BUILD) --parallel $(JOBS)

demo:
	@tools/setup demo
	@$(MAKE) --no-print-directory build
	rm -rf demo
	$(BUILD)/bantam search fashion-mnist --budget 5m --max-params 50k --out demo

# Does not build: `make && sudo make install` leaves no files of root in the tree.
install:
	@test -x $(BUILD)/bantam || { echo "run make build first"; exit 1; }
	@cmake --install $(BUILD) --prefix $(PREFIX)

deb: build
	@tools/setup deb
	@cd $(BUILD) && cpack -G DEB

# The sanitized build runs everything; the release program is what crash and end-to-end tests kill and time.
test:
	@tools/setup test
	@$(MAKE) --no-print-directory build
	@cmake --preset dev >/dev/null
	@cmake --build build/dev --parallel $(JOBS)
	@ctest --test-dir build/dev --no-tests=error --output-on-failure --parallel $(JOBS)

format:
	@git ls-files '*.c' '*.h' | xargs clang-format-14 -i

clean:
	rm -rf build demo
