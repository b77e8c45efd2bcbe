# SPDX-License-Identifier: GPL-2.0-or-later
# make study: distributed against centralised mobility management, with STUDY_NODES=, STUDY_SECONDS= and STUDY_SEED=.
# Included by sim.mk.

STUDY_NODES ?= 10000
STUDY_SECONDS ?= 3600
STUDY_SEED ?= 1
STUDY_SRC := $(wildcard tests/sim/study/*.c)
STUDY_OBJ := $(STUDY_SRC:%.c=$(B)/obj/%.o)

$(STUDY_OBJ): ALL_CFLAGS += -iquote tests/sim -iquote tests/sim/study

$(B)/sim-study: $(STUDY_OBJ) $(B)/obj/tests/sim/sched.o $(B)/obj/tests/sim/settings.o $(B)/libdmmd.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) -o $@ $^ $(LIBS) -lm

study: $(B)/sim-study
	$(Q)$(B)/sim-study --seed $(STUDY_SEED) --nodes $(STUDY_NODES) --seconds $(STUDY_SECONDS) \
		--output $(B)/study
	$(Q)cd $(B)/study && gnuplot $(CURDIR)/tests/sim/study/plots.gp
	@echo "study: tables and plots are in $(B)/study"

.PHONY: study
-include $(STUDY_OBJ:.o=.d)
