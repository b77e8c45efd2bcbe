# SPDX-License-Identifier: GPL-2.0-or-later
# install, uninstall and deb.  Included by the Makefile, which has the directories; all may be given.
#
# Settings under SYSCONFDIR are the administrator's: an existing file stays as it is, and uninstall
# leaves the directory dmmd/ with configuration and keys.

SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
NETWORKDIR ?= $(PREFIX)/lib/systemd/network
NMCONFDIR ?= $(PREFIX)/lib/NetworkManager/conf.d
DBUSDIR ?= $(DATADIR)/dbus-1
DOCDIR ?= $(DATADIR)/doc/dmmd
BASHCOMPDIR ?= $(DATADIR)/bash-completion/completions
ZSHCOMPDIR ?= $(DATADIR)/zsh/vendor-completions
IPROUTEDIR ?= $(SYSCONFDIR)/iproute2
DEB_MAINTAINER ?= The developers of dmmd <dmmd@localhost>

# Some pages are made of what the programs say of themselves.
MAN_PAGES = $(patsubst %,$(B)/%,$(wildcard man/*.[1-8]) $(patsubst %.in,%,$(wildcard man/*.[1-8].in)))
# They name the directories as they are by default.
MAN_PATHS = -e 's|/etc/dmmd|$(SYSCONFDIR)/dmmd|g' -e 's|/etc/iproute2|$(IPROUTEDIR)|g' \
	-e 's|/usr/libexec/dmmd|$(LIBEXECDIR)|g' -e 's|/usr/share/doc/dmmd|$(DOCDIR)|g' \
	-e 's|/usr/share/dbus-1|$(DBUSDIR)|g'
PATHS = $(VERSION) $(SYSCONFDIR) $(LIBEXECDIR) $(PRIVATE_DIR) $(IPROUTEDIR) $(DOCDIR) $(DBUSDIR)
# In the order of the manual page.
DBUS_XML := systemd/org.dmmd1.Manager.xml \
	$(filter-out %.Manager.xml,$(wildcard systemd/org.dmmd1.*.xml))

# What loads programs into the kernel, where it is built.
BPF_NAMES = $(notdir $(BPF_PROGRAMS))
LIBSOCK_NAME = libdmmsock.so.$(LIBSOCK_ABI)
# Each function is found by its own name.
LIBSOCK_PAGES = $(addprefix $(MANDIR)/man3/,$(addsuffix .3,$(shell sed -n 's/^\.Nm \([a-z0-9_]*\).*/\1/p' man/dmmsock.3)))

# mode:file:where to
INSTALL_FILES = \
	755:$(B)/dmmd:$(SBINDIR)/dmmd \
	$(foreach p,$(BPF_NAMES),755:$(B)/$(p):$(LIBEXECDIR)/$(p)) \
	755:$(B)/dmmd-fetch:$(LIBEXECDIR)/dmmd-fetch \
	755:$(B)/dmmctl:$(BINDIR)/dmmctl \
	755:$(B)/dmm-run:$(BINDIR)/dmm-run \
	644:$(B)/$(LIBSOCK_NAME):$(LIBDIR)/$(LIBSOCK_NAME) \
	644:$(B)/libdmmsock.a:$(LIBDIR)/libdmmsock.a \
	644:$(B)/libdmmsock-preload.so:$(PRIVATE_DIR)/libdmmsock-preload.so \
	644:$(B)/dmmsock.pc:$(LIBDIR)/pkgconfig/dmmsock.pc \
	644:libsock-ext/include/dmmsock.h:$(INCLUDEDIR)/dmmsock.h \
	644:$(B)/systemd/dmmd.service:$(UNITDIR)/dmmd.service \
	644:$(B)/systemd/dmmd-failed.service:$(UNITDIR)/dmmd-failed.service \
	$(foreach p,$(BPF_NAMES),644:$(B)/systemd/$(p).service:$(UNITDIR)/$(p).service) \
	644:systemd/sysusers/dmmd.conf:$(SYSUSERSDIR)/dmmd.conf \
	644:systemd/network/05-dmmd.network:$(NETWORKDIR)/05-dmmd.network \
	644:systemd/NetworkManager/dmmd.conf:$(NMCONFDIR)/dmmd.conf \
	644:systemd/org.dmmd1.conf:$(DBUSDIR)/system.d/org.dmmd1.conf \
	644:systemd/org.dmmd1.service:$(DBUSDIR)/system-services/org.dmmd1.service \
	$(foreach x,$(DBUS_XML),644:$(x):$(DBUSDIR)/interfaces/$(notdir $(x))) \
	$(foreach m,$(MAN_PAGES),644:$(m):$(MANDIR)/man$(subst .,,$(suffix $(m)))/$(notdir $(m))) \
	644:$(B)/dmmd.conf:$(DOCDIR)/examples/dmmd.conf \
	644:README.md:$(DOCDIR)/README.md \
	644:LICENSE:$(DOCDIR)/copyright \
	644:$(B)/completion/dmmctl:$(BASHCOMPDIR)/dmmctl \
	644:$(B)/completion/_dmmctl:$(ZSHCOMPDIR)/_dmmctl \
	644:$(B)/completion/dmm-run:$(BASHCOMPDIR)/dmm-run \
	644:$(B)/completion/_dmm-run:$(ZSHCOMPDIR)/_dmm-run \
	$(foreach e,$(wildcard libsock-ext/examples/*),644:$(e):$(DOCDIR)/examples/$(notdir $(e)))

CONFIG_FILES = \
	644:$(B)/dmmd.conf:$(SYSCONFDIR)/dmmd/dmmd.conf \
	644:systemd/policy/90-default.conf:$(SYSCONFDIR)/dmmd/policy.d/90-default.conf \
	644:systemd/iproute2/rt_protos.conf:$(IPROUTEDIR)/rt_protos.d/dmmd.conf \
	644:$(B)/systemd/rt_tables.conf:$(IPROUTEDIR)/rt_tables.d/dmmd.conf

# The second and third field of each entry.
sources_of = $(foreach f,$(1),$(word 2,$(subst :, ,$(f))))
targets_of = $(foreach f,$(1),$(word 3,$(subst :, ,$(f))))

# Made anew each time: the directories may have been given differently.
$(B)/systemd/%.service: systemd/%.service.in FORCE
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)sed -e 's|@SBINDIR@|$(SBINDIR)|g' -e 's|@LIBEXECDIR@|$(LIBEXECDIR)|g' \
		-e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' $< > $@

$(B)/systemd/rt_tables.conf: systemd/iproute2/rt_tables.sh
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)sh $< > $@

$(B)/dmmd.conf: $(B)/dmmd
	$(call say,GEN,$@)
	$(Q)$< --sample-config > $@

$(B)/man/%: man/% $(B)/paths
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)sed $(MAN_PATHS) $< > $@

$(B)/man/dmmd.conf.5: man/dmmd.conf.5.in $(B)/dmmd $(B)/paths
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)$(B)/dmmd --options-mdoc > $@.options
	$(Q)sed $(MAN_PATHS) -e '/^@OPTIONS@$$/{r $@.options' -e 'd}' $< > $@
	$(Q)rm $@.options

$(B)/man/org.dmmd1.5: man/org.dmmd1.5.in man/dbus.awk $(DBUS_XML) $(B)/paths
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)awk -f man/dbus.awk $(DBUS_XML) > $@.interfaces
	$(Q)sed $(MAN_PATHS) -e '/^@INTERFACES@$$/{r $@.interfaces' -e 'd}' $< > $@
	$(Q)rm $@.interfaces

man: $(MAN_PAGES)

install: $(call sources_of,$(INSTALL_FILES) $(CONFIG_FILES))
	$(call say,INSTALL,"$(DESTDIR)$(PREFIX) $(DESTDIR)$(SYSCONFDIR)")
	$(Q)set -e; for f in $(INSTALL_FILES); do \
		mode=$${f%%:*}; f=$${f#*:}; \
		install -D -m "$$mode" "$${f%%:*}" "$(DESTDIR)$${f#*:}"; \
	done; \
	for f in $(CONFIG_FILES); do \
		mode=$${f%%:*}; f=$${f#*:}; \
		[ -e "$(DESTDIR)$${f#*:}" ] || install -D -m "$$mode" "$${f%%:*}" "$(DESTDIR)$${f#*:}"; \
	done
	$(Q)ln -sf $(LIBSOCK_NAME) $(DESTDIR)$(LIBDIR)/libdmmsock.so
	$(Q)for f in $(LIBSOCK_PAGES); do \
		printf '.so man3/dmmsock.3\n' > "$(DESTDIR)$$f" && chmod 644 "$(DESTDIR)$$f" || exit; \
	done
	$(Q)[ -n "$(DESTDIR)" ] || ldconfig
	$(Q)install -d -m 700 $(DESTDIR)$(SYSCONFDIR)/dmmd/keys

uninstall:
	$(call say,REMOVE,"$(DESTDIR)$(PREFIX) (not $(DESTDIR)$(SYSCONFDIR)/dmmd)")
	$(Q)cd / && rm -f $(addprefix $(DESTDIR),$(call targets_of,$(INSTALL_FILES)) \
		$(filter-out $(SYSCONFDIR)/dmmd/%,$(call targets_of,$(CONFIG_FILES))))
	$(Q)rm -f $(DESTDIR)$(LIBDIR)/libdmmsock.so $(addprefix $(DESTDIR),$(LIBSOCK_PAGES))
	$(Q)rmdir $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(PRIVATE_DIR) $(DESTDIR)$(DOCDIR)/examples $(DESTDIR)$(DOCDIR) 2>/dev/null || :

# A binary package for the distribution it is built on; its dependencies are what the programs link.
DEB := $(B)/deb
deb: all
	$(Q)rm -rf $(DEB) $(B)/dmmd_*.deb && mkdir -p $(DEB)/debian $(DEB)/root/DEBIAN
	$(Q)$(MAKE) --no-print-directory -f $(firstword $(MAKEFILE_LIST)) install DESTDIR=$(CURDIR)/$(DEB)/root
	$(Q)strip --strip-unneeded $(DEB)/root$(SBINDIR)/dmmd $(DEB)/root$(BINDIR)/dmmctl \
		$(DEB)/root$(BINDIR)/dmm-run $(DEB)/root$(LIBDIR)/$(LIBSOCK_NAME) \
		$(DEB)/root$(PRIVATE_DIR)/libdmmsock-preload.so \
		$(addprefix $(DEB)/root$(LIBEXECDIR)/,$(BPF_NAMES) dmmd-fetch)
	$(Q)printf 'Source: dmmd\n\nPackage: dmmd\nArchitecture: any\n' > $(DEB)/debian/control
	$(Q)cd $(DEB) && dpkg-shlibdeps -Tsubstvars root$(SBINDIR)/dmmd root$(BINDIR)/dmmctl \
		root$(BINDIR)/dmm-run root$(LIBDIR)/$(LIBSOCK_NAME) \
		$(addprefix root$(LIBEXECDIR)/,$(BPF_NAMES) dmmd-fetch)
	$(Q)sed -e 's/@VERSION@/$(VERSION)/' -e "s/@ARCH@/$$(dpkg --print-architecture)/" \
		-e 's/@MAINTAINER@/$(DEB_MAINTAINER)/' \
		-e "s/@DEPENDS@/$$(sed -n 's/^shlibs:Depends=//p' $(DEB)/substvars)/" \
		systemd/deb/control.in > $(DEB)/root/DEBIAN/control
	$(Q)install -m 755 systemd/deb/postinst systemd/deb/prerm systemd/deb/postrm $(DEB)/root/DEBIAN
	$(Q)printf '%s\n' $(call targets_of,$(CONFIG_FILES)) > $(DEB)/root/DEBIAN/conffiles
	$(Q)dpkg-deb --root-owner-group --build $(DEB)/root $(B) >/dev/null
	$(Q)ls $(B)/dmmd_$(VERSION)_*.deb

FORCE:
.PHONY: man install uninstall deb FORCE
