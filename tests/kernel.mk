# SPDX-License-Identifier: GPL-2.0-or-later
# Both data planes on a kernel of its own; included by the Makefile behind tests/check.mk.

# A kernel with virtual time for check-kernel, kept outside the tree.
kernel:
	$(Q)tests/kernel/build.sh

check-kernel: $(NET_PROGRAMS)
	$(Q)$(RUN) kernel

.PHONY: kernel check-kernel
