# SPDX-License-Identifier: GPL-2.0-or-later
# Shell completions of dmmctl, generated from its verb table; included by the Makefile.

COMPLETIONS := $(B)/completion/dmmctl $(B)/completion/_dmmctl

$(B)/completion/dmmctl: $(B)/dmmctl
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)$(B)/dmmctl --completion=bash > $@

$(B)/completion/_dmmctl: $(B)/dmmctl
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)$(B)/dmmctl --completion=zsh > $@

completions: $(COMPLETIONS)

.PHONY: completions
