# SPDX-License-Identifier: GPL-2.0-or-later
# Both data planes on a kernel of its own; included by the Makefile behind tests/check.mk.

check-kernel: $(NET_PROGRAMS)
	$(Q)$(RUN) kernel

.PHONY: check-kernel
