# SPDX-License-Identifier: LGPL-2.1-or-later
# libdmmsock: the library (shared, static), the object to preload, the description for pkg-config.

LIBDIR ?= $(PREFIX)/lib/$(shell $(CC) -print-multiarch)
INCLUDEDIR ?= $(PREFIX)/include
LIBSOCK_ABI := 0

LIBSOCK_SRC := $(wildcard libsock-ext/lib/*.c)
LIBSOCK_COMMON_SRC := $(filter-out %/api.c %/rfc5014.c %/real.c,$(LIBSOCK_SRC))
LIBSOCK_PRELOAD_SRC := $(wildcard libsock-ext/preload/*.c)
LIBSOCK_OBJ := $(LIBSOCK_SRC:%.c=$(B)/pic/%.o)
LIBSOCK_PRELOAD_OBJ := $(LIBSOCK_COMMON_SRC:%.c=$(B)/pic/%.o) $(LIBSOCK_PRELOAD_SRC:%.c=$(B)/pic/%.o)
LIBSOCK_PROGRAMS := $(B)/libdmmsock.so.$(LIBSOCK_ABI) $(B)/libdmmsock.so $(B)/libdmmsock.a \
	$(B)/libdmmsock-preload.so $(B)/dmmsock.pc

LIBSOCK_CFLAGS = -std=gnu17 -D_GNU_SOURCE $(WARN) $(WERROR) $(CFLAGS) -fstack-protector-strong \
	-D_FORTIFY_SOURCE=2 -fPIC -fvisibility=hidden -fno-plt -MMD -MP
LIBSOCK_LINK = -shared -Wl,--as-needed -Wl,-z,relro -Wl,-z,now -Wl,-z,defs $(LDFLAGS)

# For the example, which finds the header where it will be installed.
ALL_CFLAGS += -Ilibsock-ext/include

all: $(LIBSOCK_PROGRAMS)

$(B)/pic/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,"$< (pic)")
	$(Q)$(CC) $(LIBSOCK_CFLAGS) -c -o $@ $<

$(B)/libdmmsock.so.$(LIBSOCK_ABI): $(LIBSOCK_OBJ) libsock-ext/dmmsock.map
	$(call say,LD,$@)
	$(Q)$(CC) $(LIBSOCK_LINK) -Wl,-soname,$(@F) -Wl,--version-script=libsock-ext/dmmsock.map \
		-o $@ $(LIBSOCK_OBJ)

$(B)/libdmmsock.so: $(B)/libdmmsock.so.$(LIBSOCK_ABI)
	$(Q)ln -sf $(<F) $@

# One object: names that are not for others do not meet those of the program.
$(B)/libdmmsock.a: $(LIBSOCK_OBJ)
	$(call say,AR,$@)
	$(Q)$(CC) -r -nostdlib -o $(B)/pic/dmmsock.o $^
	$(Q)objcopy --localize-hidden $(B)/pic/dmmsock.o
	$(Q)rm -f $@ && $(AR) rcs $@ $(B)/pic/dmmsock.o

$(B)/libdmmsock-preload.so: $(LIBSOCK_PRELOAD_OBJ) libsock-ext/preload/preload.map
	$(call say,LD,$@)
	$(Q)$(CC) $(LIBSOCK_LINK) -Wl,--version-script=libsock-ext/preload/preload.map -o $@ \
		$(LIBSOCK_PRELOAD_OBJ) -ldl

$(B)/dmmsock.pc: libsock-ext/dmmsock.pc.in FORCE
	@mkdir -p $(@D)
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(VERSION)|' $< > $@

$(B)/example-client: $(B)/obj/libsock-ext/examples/client.o $(B)/libdmmsock.so
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) -o $@ $< -L$(B) -ldmmsock

-include $(LIBSOCK_OBJ:.o=.d) $(LIBSOCK_PRELOAD_OBJ:.o=.d)
