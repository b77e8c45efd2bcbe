# SPDX-License-Identifier: GPL-2.0-or-later
# The installed service on a fresh Debian under systemd; included by the Makefile.

check-system: deb peers
	$(Q)tests/system/run.sh $(B)

.PHONY: check-system
