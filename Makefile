# SPDX-License-Identifier: GPL-2.0-or-later
# dmmd: build, test, install.  V=1 shows the commands.  README.md lists the targets.

VERSION ?= 0.1.0
PREFIX ?= /usr
SYSCONFDIR ?= /etc
LOCALSTATEDIR ?= /var
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
LIBEXECDIR ?= $(PREFIX)/libexec/dmmd
UNITDIR ?= $(PREFIX)/lib/systemd/system
MANDIR ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share
DESTDIR ?=

CC ?= gcc
CLANG ?= clang
PKG_CONFIG ?= pkg-config
PYTHON ?= /usr/bin/python3
B ?= build

ifeq ($(V),)
Q := @
say = @printf '  %-8s %s\n' $(1) $(2)
else
say =
endif

DEPS := libmnl libnl-3.0 libnl-route-3.0 dbus-1 libsystemd libcrypto jansson libcares
FETCH_DEPS := libcurl
CLI_DEPS := dbus-1 jansson smartcols
PKG_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(DEPS) $(CLI_DEPS) $(FETCH_DEPS))
WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla
WERROR ?= -Werror
CFLAGS ?= -O2 -g
HARDEN := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -Idaemon -I$(B)/gen $(WARN) $(WERROR) $(CFLAGS) $(HARDEN) \
	$(PKG_CFLAGS) -DDMMD_VERSION='"$(VERSION)"' -DDMMD_SYSCONFDIR='"$(SYSCONFDIR)"' \
	-DDMMD_LIBEXECDIR='"$(LIBEXECDIR)"' -MMD -MP
LINK = -pie -Wl,--as-needed -Wl,-z,relro -Wl,-z,now $(LDFLAGS)
LIBS = $(shell $(PKG_CONFIG) --libs $(DEPS))
CLI_LIBS = $(shell $(PKG_CONFIG) --libs $(CLI_DEPS))

DAEMON_SRC := $(wildcard daemon/*/*.c)
CLI_SRC := $(wildcard cli/*.c)
DAEMON_OBJ := $(DAEMON_SRC:%.c=$(B)/obj/%.o)
CLI_OBJ := $(CLI_SRC:%.c=$(B)/obj/%.o)

all: $(B)/dmmd $(B)/dmmctl $(B)/dmmd-loader $(B)/dmmd-fetch

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(B)/libdmmd.a: $(DAEMON_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/dmmd: $(B)/obj/daemon/main.o $(B)/libdmmd.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) -o $@ $^ $(LIBS)

$(B)/obj/daemon/loader.o: ALL_CFLAGS += -DPLANE_OBJECT='"$(B)/bpf/plane.bpf.o"'
$(B)/obj/daemon/loader.o: $(B)/bpf/plane.bpf.o

$(B)/dmmd-loader: $(B)/obj/daemon/loader.o $(B)/obj/daemon/base/log.o
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) -o $@ $^ $(shell $(PKG_CONFIG) --libs libbpf)

# A program of its own: what it loads is not in the daemon's memory, and it needs no privilege.
$(B)/dmmd-fetch: $(B)/obj/daemon/fetch.o $(B)/obj/daemon/base/log.o
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) -o $@ $^ $(shell $(PKG_CONFIG) --libs $(FETCH_DEPS))

$(B)/dmmctl: $(CLI_OBJ) $(B)/libdmmd.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) -o $@ $^ $(CLI_LIBS)

# Programs for the kernel.  -g gives the BTF that typed maps need; the debug info itself is stripped.
$(B)/bpf/%.bpf.o: daemon/net/bpf/%.bpf.c $(wildcard daemon/net/bpf/*.h)
	@mkdir -p $(@D)
	$(call say,BPF,$<)
	$(Q)$(CLANG) -target bpf -O2 -g -Wall -Werror -Idaemon \
		-I/usr/include/$(shell $(CC) -print-multiarch) -c -o $@ $<
	$(Q)$(or $(LLVM_STRIP),llvm-strip) -g $@

clean:
	rm -rf $(B)

.PHONY: all clean
.DELETE_ON_ERROR:
include tests/tests.mk tests/peer/peer.mk cli/completion/completion.mk systemd/install.mk
include tests/check.mk tests/sim/sim.mk tests/lint.mk tests/system.mk
-include $(DAEMON_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(B)/obj/daemon/main.d $(B)/obj/daemon/loader.d \
	$(B)/obj/daemon/fetch.d
