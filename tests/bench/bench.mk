# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that are measured, or measure; included by the Makefile.

BENCH_NAMES := connect flow
BENCH_PROGRAMS := $(BENCH_NAMES:%=$(B)/bench-programs/%)

$(B)/bench-programs/%: $(B)/obj/tests/bench/%.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) -o $@ $^

-include $(BENCH_NAMES:%=$(B)/obj/tests/bench/%.d)
