# SPDX-License-Identifier: GPL-2.0-or-later
"""What the figures were taken on."""
import os
import pathlib
import re

GOVERNOR = pathlib.Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def _field(path, key):
    found = re.search(rf"^{key}\s*:\s*(.*)$", pathlib.Path(path).read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def load():
    """Processes that wanted a processor, on the average of the last minute."""
    return os.getloadavg()[0]


def describe():
    return {"cpu": _field("/proc/cpuinfo", "model name"), "cores": os.cpu_count(),
            "memory_mib": int(_field("/proc/meminfo", "MemTotal").split()[0]) // 1024,
            "kernel": os.uname().release, "version": os.uname().version,
            "governor": GOVERNOR.read_text().strip() if GOVERNOR.exists() else "none",
            "load_before": load()}


def line(about):
    loads = [f"{about[k]:.2f}" for k in ("load_before", "load_after") if k in about]
    return (f"{about['cpu']}, {about['cores']} cores, {about['memory_mib']} MiB, Linux "
            f"{about['kernel']} {about['version']}, governor {about['governor']}, load "
            f"{' then '.join(loads)}")
