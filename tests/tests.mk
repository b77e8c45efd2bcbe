# SPDX-License-Identifier: GPL-2.0-or-later
# Test layers.  Unit tests and fuzz programs are built with the sanitizers in build/asan and build/fuzz.

SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
A := $(B)/asan
UNIT_SRC := $(wildcard tests/unit/*.c)
FUZZ_NAMES := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))

$(A)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,"$< (asan)")
	$(Q)$(CC) $(filter-out -D_FORTIFY_SOURCE=2,$(ALL_CFLAGS)) -O1 $(SAN) -c -o $@ $<

$(A)/libdmmd.a: $(DAEMON_SRC:%.c=$(A)/obj/%.o)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# With its inner names.
$(A)/libdmmsock.a: $(patsubst %.c,$(A)/obj/%.o,$(wildcard libsock-ext/lib/*.c))
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/unit: $(UNIT_SRC:%.c=$(A)/obj/%.o) $(A)/libdmmd.a $(A)/libdmmsock.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) $(SAN) -o $@ $^ -lcriterion $(LIBS)

# libFuzzer: build/fuzz/NAME runs, or replays the files named as arguments.
F := $(B)/fuzz-obj
$(F)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(filter-out -D_FORTIFY_SOURCE=2,$(ALL_CFLAGS)) -O1 \
		-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -c -o $@ $<
$(F)/libdmmd.a: $(DAEMON_SRC:%.c=$(F)/%.o)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(F)/libdmmsock.a: $(patsubst %.c,$(F)/%.o,$(wildcard libsock-ext/lib/*.c))
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(B)/fuzz/%: $(F)/tests/fuzz/%.o $(F)/libdmmd.a $(F)/libdmmsock.a
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined $(LDFLAGS) -o $@ $^ $(LIBS)

.SECONDARY:
include tests/net/apps/apps.mk
-include $(wildcard $(A)/obj/*/*/*.d $(F)/*/*/*.d)
