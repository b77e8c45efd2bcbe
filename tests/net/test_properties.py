# SPDX-License-Identifier: GPL-2.0-or-later
"""Properties of prefixes (G6): who may say what, who counts more, and that `dmmctl prefixes` tells
who said it."""
import json

import pytest

from lib import ndoption, services, topology as net
from lib.run import wait_until

NAME = "pvd.example.org"
DOCUMENT = "/.well-known/pvd"


def prefix(scene, place="A"):
    return scene.wait_shown("prefixes", prefix=net.PREFIX[place])


def said(scene, name, place="A"):
    """(value, source) of a property of the place's prefix."""
    found = prefix(scene, place)["properties"].get(name)
    return (found["value"], found["source"]) if found else None


def wait_said(scene, name, value, source, place="A", timeout=5.0):
    wait_until(lambda: said(scene, name, place) == (value, source),
               lambda: f"{name} {value} by {source}: {prefix(scene, place)['properties']}",
               timeout, interval=0.05)


def scene_with(make_places, *options, places="AB", anchored="", **settings):
    """In A, whose router sends these options."""
    scene = make_places(places, anchored=anchored)
    scene.start_routers(options=[w for o in options for w in ("--option", o.hex())])
    scene.start_agents()
    scene.capture()
    scene.capture("cn", "wan")
    scene.configure(**settings).start()
    wait_until(scene.bus.has_name, "dmmd to be on the bus")
    scene.serve(22)
    scene.attach("A")
    return scene


def section(head, **lines):
    return [f"[{head}]", *(f"{k}={v}" for k, v in lines.items())]


# Configuration


def test_G6_nobody_says_anything(make_places):
    scene = scene_with(make_places)
    assert said(scene, "anchoring") == ("local", "default")
    assert said(scene, "internet") == (True, "default")
    assert prefix(scene)["origin"] == "router-advertisement"


def test_G6_configuration_by_prefix(make_places):
    """The longest prefix that covers it counts, as a whole."""
    scene = scene_with(make_places, sections=[
        *section("Prefix 2001:db8::/32", Cost=9, Published="yes"),
        *section(f"Prefix {net.PREFIX['A']}", Service="graceful-replacement", Mobility="network",
                 Internet="no", Cost=3)])
    for name, value in (("service_type", "graceful-replacement"), ("mobility", "network"),
                        ("internet", False), ("cost", 3)):
        assert said(scene, name) == (value, "configuration"), name
    assert said(scene, "published") == (False, "default")
    scene.move("B")
    wait_said(scene, "cost", 9, "configuration", "B")
    assert said(scene, "published", "B") == (True, "configuration")


def test_G6_configuration_of_an_anchor(make_places):
    scene = scene_with(make_places, anchored="A")
    assert said(scene, "anchoring") == ("anchored", "configuration")
    assert said(scene, "anchor") == ("a", "configuration")
    assert said(scene, "service_type") == ("session-lasting", "configuration")
    assert prefix(scene)["anchor"] == "a"


def test_G6_configuration_by_domain(make_places):
    """All prefixes that a router puts into the provisioning domain; its name in any case."""
    option = ndoption.provisioning_domain("PVD.Example.ORG")
    scene = scene_with(make_places, option, sections=section(f"Domain {NAME}", Cost=5,
                                                             Internet="no"))
    wait_said(scene, "cost", 5, "configuration")
    assert said(scene, "internet") == (False, "configuration")
    assert prefix(scene)["provisioning_domain"].lower() == NAME


def test_G6_the_prefix_counts_more_than_its_domain(make_places):
    scene = scene_with(make_places, ndoption.provisioning_domain(NAME), sections=[
        *section(f"Domain {NAME}", Cost=5, Internet="no"),
        *section(f"Prefix {net.PREFIX['A']}", Cost=7)])
    wait_said(scene, "cost", 7, "configuration")
    wait_said(scene, "internet", False, "configuration")


# Router advertisements


def test_G6_a_home_agent_flag_raises_nothing(make_places):
    """E11: that a router calls itself a home agent makes its prefix neither anchored nor local."""
    scene = scene_with(make_places, anchored="A", anchors=[])
    wait_said(scene, "anchoring", "unknown", "router-advertisement")
    ssh = scene.session("ssh")
    scene.move("B")
    scene.wait_native("B")
    assert ssh.source == scene.address("A")
    assert not scene.updates()


def property_option(**what):
    return ndoption.prefix_property(net.PREFIX["A"], **what)


LOW = {"service": "graceful-replacement", "anchoring": "local", "mobility": "none", "cost": 8,
       "flags": ndoption.NO_INTERNET}
HIGH = {"service": "fixed", "anchoring": "anchored", "mobility": "network",
        "flags": ndoption.PUBLISHED}


@pytest.mark.parametrize("switch", ["off", "253"])
def test_G6_the_experimental_option_behind_its_switch(make_places, quiet, switch):
    scene = scene_with(make_places, property_option(**LOW), PrefixPropertyOption=switch)
    source = "prefix-property-option"
    if switch == "off":
        quiet(0.2)
        assert source not in str(prefix(scene))
        return
    for name, value in (("service_type", "graceful-replacement"), ("anchoring", "local"),
                        ("mobility", "none"), ("cost", 8), ("internet", False)):
        wait_said(scene, name, value, source)


def test_E11_the_experimental_option_raises_nothing(make_places, quiet):
    """Whoever can send on the link can say so: fixed, anchored, kept by the network, published."""
    scene = scene_with(make_places, property_option(**HIGH), PrefixPropertyOption=253)
    quiet(0.2)
    assert said(scene, "anchoring")[0] in ("local", "unknown")
    for name, value in (("service_type", "fixed"), ("mobility", "network"), ("published", True)):
        assert (said(scene, name) or ("",))[0] != value, name
    assert "prefix-property-option" not in str(prefix(scene))


@pytest.mark.parametrize("spoilt", ["version", "other prefix", "short"])
def test_G6_options_that_are_not_understood(make_places, quiet, spoilt):
    option = {"version": property_option(version=2, **LOW),
              "other prefix": ndoption.prefix_property(net.PREFIX["B"], **LOW),
              "short": property_option(**LOW)[:1] + b"\x03" + property_option(**LOW)[2:24]}[spoilt]
    scene = scene_with(make_places, option, PrefixPropertyOption=253)
    quiet(0.2)
    assert "prefix-property-option" not in str(prefix(scene))


def test_G6_an_advertisement_lowers_what_it_may_but_not_configuration(make_places):
    """The administrator's word stands above the router's."""
    scene = scene_with(make_places, property_option(**LOW), anchored="A",
                       PrefixPropertyOption=253)
    assert said(scene, "anchoring") == ("anchored", "configuration")
    assert said(scene, "service_type") == ("session-lasting", "configuration")
    wait_said(scene, "cost", 8, "prefix-property-option")


def test_G6_what_a_prefix_was_said_to_be_is_taken_back(make_places):
    scene = scene_with(make_places, property_option(**LOW), PrefixPropertyOption=253)
    wait_said(scene, "cost", 8, "prefix-property-option")
    scene.routers["A"].command("options", "lan")
    wait_said(scene, "cost", 0, "default")


# Provisioning domains


def with_document(make_places, document, option=None, names=(NAME,), trusted=True, **settings):
    """In A, whose router names a domain that answers by HTTPS."""
    scene = make_places("AB", anchored=settings.pop("anchored", ""))
    web = scene.web_server(*names)
    dns = scene.name_server({NAME: [services.WEB]})
    web.serve(DOCUMENT, document if isinstance(document, str) else json.dumps(document))
    option = option or ndoption.provisioning_domain(NAME, http=True)
    scene.start_routers(options=("--option", option.hex()))
    scene.start_agents()
    scene.capture()
    scene.configure(resolver=dns.address, environment=web.trust if trusted else {},
                    **{"FetchProvisioningDomains": "yes", **settings}).start()
    wait_until(scene.bus.has_name, "dmmd to be on the bus")
    scene.attach("A")
    return scene, web


def information(place="A", **what):
    return services.domain(NAME, [net.PREFIX["A"]], **{
        "vendor-dmmd": {"prefixes": {net.PREFIX[place]: what}}})


def wait_asked(web, count=1):
    wait_until(lambda: len(web.requests) >= count, "the request", 8, interval=0.05)


def test_G6_additional_information_of_a_domain(make_places):
    scene, web = with_document(make_places, information(service="session", cost=4,
                                                        mobility="network"))
    wait_said(scene, "cost", 4, "provisioning-domain", timeout=8)
    assert said(scene, "mobility") == ("network", "provisioning-domain")
    assert web.requests == [DOCUMENT]
    assert net.canonical(web.peers[0]) == scene.address("A"), "asked from its own prefix"
    assert prefix(scene)["provisioning_domain"] == NAME


def test_G6_without_internet(make_places):
    scene, _ = with_document(make_places, services.domain(NAME, [net.PREFIX["A"]],
                                                          noInternet=True))
    wait_said(scene, "internet", False, "provisioning-domain", timeout=8)


def test_G6_not_fetched_unless_wanted(make_places, quiet):
    scene, web = with_document(make_places, information(cost=4), FetchProvisioningDomains="no")
    quiet(1.5)
    assert not web.requests
    assert said(scene, "cost") == (0, "default")


def test_G6_not_fetched_without_the_flag(make_places, quiet):
    _, web = with_document(make_places, information(cost=4),
                           ndoption.provisioning_domain(NAME))
    quiet(1.5)
    assert not web.requests


BAD = {
    "no json": "{",
    "another identifier": json.dumps({**information(cost=4), "identifier": "other.example"}),
    "expired": json.dumps({**information(cost=4), "expires": "2020-01-01T00:00:00Z"}),
    "prefix not covered": json.dumps({**information(cost=4), "prefixes": [net.PREFIX["B"]]}),
}


@pytest.mark.parametrize("why", BAD)
def test_G6_information_that_is_not_used(make_places, quiet, why):
    scene, web = with_document(make_places, BAD[why])
    wait_asked(web)
    quiet(0.5)
    assert said(scene, "cost") == (0, "default")
    assert "provisioning-domain" not in str(prefix(scene)["properties"])
    assert len(web.requests) == 1, "not asked again at once"


@pytest.mark.parametrize("why", ["authority", "name"])
def test_R7_a_server_that_cannot_prove_its_name(make_places, quiet, why):
    """Its certificate is by an unknown authority, or for another name."""
    scene, web = with_document(
        make_places, information(cost=4), trusted=why != "authority",
        names=("other.example",) if why == "name" else (NAME,))
    wait_until(lambda: "not used" in scene.daemon.process.output(), "the refusal", 8)
    quiet(0.3)
    assert not web.requests
    assert "provisioning-domain" not in str(prefix(scene)["properties"])


def test_G6_configuration_counts_more_than_the_domain(make_places):
    scene, _ = with_document(make_places, information(cost=4, mobility="network"),
                             sections=section(f"Prefix {net.PREFIX['A']}", Cost=1))
    wait_said(scene, "mobility", "network", "provisioning-domain", timeout=8)
    assert said(scene, "cost") == (1, "configuration")


def test_G6_the_domain_counts_more_than_the_router(make_places):
    """Verified by HTTPS against written on the link."""
    option = ndoption.provisioning_domain(NAME, http=True) + property_option(cost=8)
    scene, _ = with_document(make_places, information(cost=4), option, PrefixPropertyOption=253)
    wait_said(scene, "cost", 4, "provisioning-domain", timeout=8)


def test_R7_a_domain_that_is_only_named_promises_nothing(make_places, quiet):
    """Where domains are asked, the name in an advertisement is not enough for what the
    administrator has promised of it."""
    scene, web = with_document(make_places, information(cost=4), names=("other.example",),
                               sections=section(f"Domain {NAME}", Published="yes", Cost=2))
    wait_said(scene, "cost", 2, "configuration")
    wait_until(lambda: "not used" in scene.daemon.process.output(), "the refusal", 8)
    quiet(0.2)
    assert said(scene, "published") == (False, "default")
    assert not web.requests


# Bindings


def test_G6_a_live_binding_says_that_it_is_anchored(make_places):
    """While it lives, and from whom; afterwards what others say counts again."""
    scene = scene_with(make_places, anchored="A")
    ssh = scene.session("ssh")
    scene.move("B")
    scene.wait_bound("A", "B")
    scene.wait_shown("prefixes", prefix=net.PREFIX["A"], state="remote")
    shown = prefix(scene)
    assert shown["properties"]["anchoring"]["value"] == "anchored"
    assert shown["anchor"] == "a" and shown["sessions_in_need"] == 1
    ssh.close()
    scene.wait_unbound("A")
    wait_until(lambda: not scene.shown("prefixes", prefix=net.PREFIX["A"]), "the prefix to go")


def test_G6_a_binding_counts_more_than_the_router(make_places):
    """Found by a router advertisement, registered by an authenticated exchange."""
    scene = make_places("AB", anchored="A")
    section_of_a = scene.anchor("A", found=True, Discover="router-advertisement")
    scene.standard([section_of_a])
    scene.attach("A")
    scene.session("ssh")
    scene.move("B")
    scene.wait_bound("A", "B")
    assert said(scene, "anchoring")[0] == "anchored"


