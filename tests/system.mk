# SPDX-License-Identifier: GPL-2.0-or-later
# The installed service on a fresh Debian under systemd; included by the Makefile.

check-system: deb peers
	$(Q)$(RUN) system

.PHONY: check-system
