# SPDX-License-Identifier: GPL-2.0-or-later
# The simulator: build/sim, and build/sim-san with the sanitizers.  Included by the Makefile.

SIM_SRC := $(wildcard tests/sim/*.c)
SIM_CFLAGS = -iquote tests/sim

$(SIM_SRC:%.c=$(B)/obj/%.o): ALL_CFLAGS += $(SIM_CFLAGS)
$(SIM_SRC:%.c=$(A)/obj/%.o): ALL_CFLAGS += $(SIM_CFLAGS)

$(B)/sim: $(SIM_SRC:%.c=$(B)/obj/%.o) $(B)/libdmmd.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) -o $@ $^ $(LIBS) -lm

$(B)/sim-san: $(SIM_SRC:%.c=$(A)/obj/%.o) $(A)/libdmmd.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) $(SAN) -o $@ $^ $(LIBS) -lm

include tests/sim/study/study.mk

check-sim: $(B)/sim $(B)/sim-san $(B)/sim-study
	$(Q)$(RUN) sim

.PHONY: check-sim
-include $(SIM_SRC:%.c=$(B)/obj/%.d)
