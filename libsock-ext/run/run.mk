# SPDX-License-Identifier: LGPL-2.1-or-later
# dmm-run; included by the Makefile.

# Not where the linker looks: nothing is to be linked with what is preloaded.
PRIVATE_DIR ?= $(LIBDIR)/dmmd

RUN_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(wildcard libsock-ext/run/*.c)) \
	$(addprefix $(B)/obj/libsock-ext/lib/,choose.o client.o debug.o library.o mapping.o reader.o \
		real.o source.o state.o)
ALL_CFLAGS += -DDMM_PRIVATE_DIR='"$(PRIVATE_DIR)"'

RUN_COMPLETIONS := $(B)/completion/dmm-run $(B)/completion/_dmm-run

all: $(B)/dmm-run
completions: $(RUN_COMPLETIONS)

$(B)/dmm-run: $(RUN_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) -o $@ $^

$(B)/completion/dmm-run: libsock-ext/run/completion/dmm-run.bash
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)cp $< $@

# What zsh wants to see in the first line.
$(B)/completion/_dmm-run: libsock-ext/run/completion/dmm-run.zsh
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q){ echo '#compdef dmm-run'; cat $<; } > $@

-include $(RUN_OBJ:.o=.d)
