# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures: one run for the session, a fresh internet for each test, judged when the test ends."""
import fnmatch
import json
import os
import pathlib
import shutil
import signal
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from lib.daemon import DMMD, LOADER  # noqa: E402
from lib.peers import PEER  # noqa: E402
from lib.places import Places  # noqa: E402
from lib.run import BUILD, Run  # noqa: E402
from lib import topology as net  # noqa: E402
from lib.scene import Scene  # noqa: E402
from lib.session import UdpSession  # noqa: E402

CAPTURES = pathlib.Path(os.environ.get("NET_CAPTURES") or BUILD / "net")
TEST_SECONDS = int(os.environ.get("NET_TEST_SECONDS") or 60)  # a test that takes longer is broken and ended


def full_name(nodeid):
    """file/test as it is reported and selected: no "test_" and no path."""
    path, _, name = nodeid.partition("::")
    return f"{pathlib.Path(path).stem.removeprefix('test_')}/{name.removeprefix('test_')}"


def pytest_collection_modifyitems(config, items):
    """Keep what NET_ONLY, a shell pattern, selects, and of that our part NET_SHARD, "I/N"."""
    only = os.environ.get("NET_ONLY")
    part, parts = map(int, os.environ.get("NET_SHARD", "0/1").split("/"))
    wanted = [i for i in items if not only or
              fnmatch.fnmatchcase(f"net/{full_name(i.nodeid)}", f"*{only}*")][part::parts]
    config.hook.pytest_deselected(items=[i for i in items if i not in wanted])
    items[:] = wanted


class Results:
    """Tells the outcome of each test in a file, a line of JSON each, when its teardown is over."""

    def __init__(self, path):
        self._path, self._reports = path, []

    def pytest_runtest_logreport(self, report):
        self._reports.append(report)
        if report.when != "teardown":
            return
        worst = next((r for r in self._reports if r.failed), None) or next(
            (r for r in self._reports if r.skipped), None)
        why = "" if not worst else worst.longrepr[2] if worst.skipped else worst.longreprtext
        with open(self._path, "a") as f:
            f.write(json.dumps({
                "name": full_name(report.nodeid), "why": why.removeprefix("Skipped: "),
                "result": worst.outcome if worst else "passed",
                "seconds": sum(r.duration for r in self._reports)}) + "\n")
        self._reports = []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    def too_long(*_):
        raise TimeoutError(f"{item.name} takes longer than {TEST_SECONDS} s")

    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(TEST_SECONDS)
    yield
    signal.alarm(0)


def pytest_configure(config):
    if os.environ.get("NET_RESULTS"):
        config.pluginmanager.register(Results(os.environ["NET_RESULTS"]))
    config.addinivalue_line("markers", "unjudged: the scene itself sends what the judge refuses")


@pytest.fixture(scope="session")
def run():
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    missing = [p for p in (DMMD, LOADER, PEER / "home-agent", PEER / "router", PEER / "probe")
               if not p.exists()]
    if missing:
        pytest.skip(f"not built: {', '.join(str(p.name) for p in missing)}")
    with Run() as one:
        yield one


@pytest.fixture
def quiet():
    """Look on for a while: the only way to see that something does not happen."""
    return time.sleep


@pytest.fixture
def directory(request):
    path = CAPTURES / request.node.name.replace("/", "-").replace("[", "-").rstrip("]")
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


@pytest.fixture
def scene(request, run, directory):
    """A stage with everything built and nothing started; whatever the mobile node sends on it is
    judged at the end."""
    one = Scene(run, directory)
    try:
        yield one
    finally:
        one.close()
    if request.node.get_closest_marker("unjudged") is None:
        faults = one.judged()
        assert not faults, "\n".join(faults[:20])


@pytest.fixture
def bound(scene):
    """Away from home, at B, with both home addresses registered."""
    scene.standard()
    scene.attach("B")
    return scene


@pytest.fixture
def in_use(bound):
    """The tunnel has carried something, both ways."""
    assert UdpSession(bound.mn, net.CN, source=net.HOME2).exchange()


@pytest.fixture
def make_places(request, run, directory):
    """Makes the one stage of a test that plays in places with native anchored prefixes; judged as
    `scene` is."""
    made = []

    def make(*args, **settings):
        made.append(Places(run, directory, *args, **settings))
        return made[0]
    try:
        yield make
    finally:
        for one in made:
            one.close()
    if request.node.get_closest_marker("unjudged") is None:
        faults = [fault for one in made for fault in one.judged()]
        assert not faults, "\n".join(faults[:20])
