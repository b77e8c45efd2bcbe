# SPDX-License-Identifier: GPL-2.0-or-later
# Test peers: build/peer/NAME from tests/peer/NAME/*.c, what they share, and the codecs.

PEER_NAMES := home-agent router probe
PEER_SHARED_SRC := $(filter-out tests/peer/common/ctl.c,$(wildcard tests/peer/common/*.c)) \
	$(wildcard daemon/base/*.c daemon/proto/*.c)
PEER_SRC := $(wildcard tests/peer/*/*.c)
PEER_PROGRAMS := $(PEER_NAMES:%=$(B)/peer/%) $(B)/peer/peer-ctl
PEER_LIBS = $(shell $(PKG_CONFIG) --libs libmnl libsystemd jansson libcrypto)

$(B)/libpeer.a: $(PEER_SHARED_SRC:%.c=$(B)/obj/%.o)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

define peer_program
$(B)/peer/$(1): $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/peer/$(1)/*.c)) $(B)/libpeer.a
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(LINK) -o $$@ $$^ $$(PEER_LIBS)
endef
$(foreach p,$(PEER_NAMES),$(eval $(call peer_program,$(p))))

$(B)/peer/peer-ctl: $(B)/obj/tests/peer/common/ctl.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) -o $@ $^

peers: $(PEER_PROGRAMS)

.PHONY: peers
-include $(PEER_SRC:%.c=$(B)/obj/%.d)
