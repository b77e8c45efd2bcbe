# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that are measured, or measure; included by the Makefile.

BENCH_PROGRAMS := $(B)/bench-programs/connect

$(B)/bench-programs/%: $(B)/obj/tests/bench/%.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) -o $@ $^

-include $(B)/obj/tests/bench/connect.d
