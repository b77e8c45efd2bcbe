# SPDX-License-Identifier: GPL-2.0-or-later
# Targets that run something: tests, demonstration, figures.  ONLY=PATTERN selects by name, SKIP_DEPS=1
# installs nothing.  tests/run.py tells what each layer is.

RUN := $(PYTHON) tests/run.py
FUZZ_PROGRAMS := $(FUZZ_NAMES:%=$(B)/fuzz/%)
NET_PROGRAMS := $(B)/dmmd $(B)/dmmctl $(BPF_PROGRAMS) $(B)/dmmd-fetch $(PEER_PROGRAMS) \
	$(B)/dmm-run $(LIBSOCK_PROGRAMS) $(APPS)

# Packages first: what is built next needs them, and a make started later sees them.
deps:
	$(Q)[ -n "$(SKIP_DEPS)" ] || tests/deps.sh

check: deps
	+$(Q)$(MAKE) --no-print-directory $(NET_PROGRAMS) $(B)/unit $(B)/sim $(B)/sim-san \
		$(B)/sim-study $(FUZZ_PROGRAMS) deb
	$(Q)KERNEL_SHORT=1 $(RUN)

check-unit: $(B)/unit
	$(Q)$(RUN) unit

check-fuzz: $(FUZZ_PROGRAMS)
	$(Q)$(RUN) fuzz

check-net: $(NET_PROGRAMS)
	$(Q)$(RUN) net

demo: deps
	+$(Q)$(MAKE) --no-print-directory $(NET_PROGRAMS)
	$(Q)$(PYTHON) -B tests/net/demo.py

bench: deps
	+$(Q)$(MAKE) --no-print-directory $(NET_PROGRAMS) $(BENCH_PROGRAMS)
	$(Q)$(PYTHON) -B tests/bench/bench.py

.PHONY: deps check check-unit check-fuzz check-net demo bench
