# SPDX-License-Identifier: GPL-2.0-or-later
# Applications for the tests of sockets: build/apps/apptest, and the same as a static program.

APPS_SRC := $(wildcard tests/net/apps/*.c)
APPS := $(B)/apps/apptest $(B)/apps/apptest-static

$(B)/apps/apptest: $(APPS_SRC:%.c=$(B)/obj/%.o)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) -o $@ $^ -lpthread

$(B)/apps/apptest-static: $(APPS_SRC:%.c=$(B)/obj/%.o)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -static -o $@ $^ -lpthread

apps: $(APPS)

.PHONY: apps
-include $(APPS_SRC:%.c=$(B)/obj/%.d)
