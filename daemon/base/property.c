/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/property.h"

DEFINE_STRTAB(service_type, "non-persistent", "graceful-replacement", "session-lasting", "fixed");
DEFINE_STRTAB(prefix_anchoring, "unknown", "local", "anchored");
DEFINE_STRTAB(prefix_mobility, "unknown", "none", "host", "network");
DEFINE_STRTAB(property, "anchoring", "anchor", "service", "mobility", "internet", "published",
	      "cost");
DEFINE_STRTAB(property_source, "default", "inferred", "router-advertisement",
	      "prefix-property-option", "provisioning-domain", "binding", "configuration");
