# SPDX-License-Identifier: GPL-2.0-or-later
# make lint: nothing that a program can find needs a reader.  Included by the Makefile.

lint_files = $(wildcard $(shell git ls-files --cached --others --exclude-standard -- $(1) 2>/dev/null))
LINT_C := $(call lint_files,'*.c')
LINT_H := $(call lint_files,'*.h')
LINT_SH := $(call lint_files,'*.sh' 'systemd/deb/p*')
# What clang-tidy cannot read: programs for another machine.
LINT_TIDY := $(filter-out %.bpf.c,$(LINT_C))

lint: lint-format lint-tidy lint-shell lint-manual lint-layers lint-files lint-packaging
	@echo "lint: nothing found"

lint-format:
	$(call say,FORMAT,"*.c *.h")
	$(Q)clang-format --dry-run -Werror $(LINT_C) $(LINT_H)

# One stamp a file: only what changed is read again, and -j works.
lint-tidy: $(LINT_TIDY:%.c=$(B)/lint/%.tidy)

$(B)/lint/%.tidy: %.c .clang-tidy $(LINT_H)
	@mkdir -p $(@D)
	$(call say,TIDY,$<)
	$(Q)clang-tidy --quiet $< -- $(filter-out -M%,$(ALL_CFLAGS)) -iquote tests/sim -DPLANE_OBJECT='""' -DHOOKS_OBJECT='""' \
		-Wno-unknown-warning-option 2>$@.err || { cat $@.err >&2; exit 1; }
	$(Q)rm $@.err; touch $@

# Left out: quoted commands for another shell, functions called by a trap.
lint-shell:
	$(call say,SHELL,"*.sh")
	$(Q)shellcheck --external-sources --exclude=SC2016,SC2317 $(LINT_SH)

lint-manual: $(MAN_PAGES)
	$(call say,MANUAL,"man/*")
	$(Q)tests/lint/manual.sh $(MAN_PAGES)

lint-layers:
	$(call say,LAYERS,"daemon cli")
	$(Q)$(PYTHON) -B tests/lint/layers.py

lint-files:
	$(call say,FILES,".")
	$(Q)$(PYTHON) -B tests/lint/files.py

lint-packaging: all $(patsubst %,$(B)/systemd/%.service,dmmd dmmd-loader dmmd-hooks)
	$(call say,PACKAGE,"systemd/*")
	$(Q)tests/lint/packaging.sh $(B)

.PHONY: lint lint-format lint-tidy lint-shell lint-manual lint-layers lint-files lint-packaging
