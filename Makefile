# SPDX-License-Identifier: GPL-2.0-or-later
# dmmd: build, test, install.  V=1 shows the commands.  `make help` lists the targets, as README.md does.

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

# Programs for the kernel, the data plane and the socket hooks, and what loads them: no leaves them out, yes fails without
# clang and libbpf.
WITH_BPF ?= auto
HAS_BPF := $(if $(filter no,$(WITH_BPF)),,$(shell command -v $(CLANG) >/dev/null && \
	$(PKG_CONFIG) --exists libbpf && echo yes))
ifeq ($(WITH_BPF)$(HAS_BPF),yes)
$(error WITH_BPF=yes needs clang and libbpf)
endif
BPF_PROGRAMS := $(if $(HAS_BPF),$(B)/dmmd-loader $(B)/dmmd-hooks)

DEPS := libmnl libnl-3.0 libnl-route-3.0 dbus-1 libsystemd libcrypto jansson libcares
FETCH_DEPS := libcurl
CLI_DEPS := dbus-1 jansson smartcols
PKG_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(DEPS) $(CLI_DEPS) $(FETCH_DEPS))
WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla
WERROR ?= -Werror
CFLAGS ?= -O2 -g
HARDEN := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -Idaemon -I. -I$(B)/gen $(WARN) $(WERROR) $(CFLAGS) $(HARDEN) \
	$(PKG_CFLAGS) -DDMMD_VERSION='"$(VERSION)"' -DDMMD_SYSCONFDIR='"$(SYSCONFDIR)"' \
	-DDMMD_LIBEXECDIR='"$(LIBEXECDIR)"' -MMD -MP
LINK = -pie -Wl,--as-needed -Wl,-z,relro -Wl,-z,now $(LDFLAGS)
LIBS = $(shell $(PKG_CONFIG) --libs $(DEPS))
CLI_LIBS = $(shell $(PKG_CONFIG) --libs $(CLI_DEPS))

DAEMON_SRC := $(wildcard daemon/*/*.c)
CLI_SRC := $(wildcard cli/*.c)
DAEMON_OBJ := $(DAEMON_SRC:%.c=$(B)/obj/%.o)
CLI_OBJ := $(CLI_SRC:%.c=$(B)/obj/%.o)

all: $(B)/dmmd $(B)/dmmctl $(BPF_PROGRAMS) $(B)/dmmd-fetch

# Changes when what is compiled in or written into manual pages does, as by make install PREFIX=/elsewhere.
$(B)/paths: FORCE
	@mkdir -p $(@D)
	@echo '$(PATHS)' | cmp -s - $@ || echo '$(PATHS)' > $@

$(B)/obj/%.o: %.c $(B)/paths
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(B)/libdmmd.a: $(DAEMON_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/dmmd: $(B)/obj/daemon/main.o $(B)/obj/daemon/ops.o $(B)/obj/daemon/view.o \
		$(B)/libdmmd.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) -o $@ $^ $(LIBS)

$(B)/obj/daemon/loader.o: ALL_CFLAGS += -DPLANE_OBJECT='"$(B)/bpf/plane.bpf.o"'
$(B)/obj/daemon/loader.o: $(B)/bpf/plane.bpf.o

$(B)/dmmd-loader: $(B)/obj/daemon/loader.o $(B)/obj/daemon/pin.o $(B)/obj/daemon/base/log.o
	$(call say,LD,$@)
	$(Q)$(CC) $(LINK) -o $@ $^ $(shell $(PKG_CONFIG) --libs libbpf)

$(B)/obj/daemon/hooks.o: ALL_CFLAGS += -DHOOKS_OBJECT='"$(B)/bpf/socket.bpf.o"'
$(B)/obj/daemon/hooks.o: $(B)/bpf/socket.bpf.o

$(B)/dmmd-hooks: $(addprefix $(B)/obj/daemon/,hooks.o attach.o pin.o base/log.o)
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
define compile_bpf
	@mkdir -p $(@D)
	$(call say,BPF,$<)
	$(Q)$(CLANG) -target bpf -O2 -g -Wall -Werror -Idaemon \
		-I/usr/include/$(shell $(CC) -print-multiarch) -c -o $@ $<
	$(Q)$(or $(LLVM_STRIP),llvm-strip) -g $@
endef

$(B)/bpf/%.bpf.o: daemon/net/bpf/%.bpf.c $(wildcard daemon/net/bpf/*.h)
	$(compile_bpf)

$(B)/bpf/%.bpf.o: libsock-ext/bpf/%.bpf.c $(wildcard libsock-ext/bpf/*.h)
	$(compile_bpf)

clean:
	rm -rf $(B)

# The table of README.md.
help:
	$(Q)awk -F ' *[|] *' '/^\| target / { getline; on = 1; next } !/^\|/ { on = 0 } \
		on { if ($$2) print $$2; print "    " $$3 }' README.md | sed 's/`//g; s/\[\([^]]*\)\]([^)]*)/\1/g'

.PHONY: all clean help
.DELETE_ON_ERROR:
include libsock-ext/libsock.mk libsock-ext/run/run.mk
include tests/tests.mk tests/peer/peer.mk cli/completion/completion.mk systemd/install.mk
include tests/bench/bench.mk tests/check.mk tests/sim/sim.mk tests/lint.mk tests/system.mk tests/kernel.mk
-include $(DAEMON_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(patsubst %,$(B)/obj/daemon/%.d,main ops view loader hooks attach \
	pin fetch)
