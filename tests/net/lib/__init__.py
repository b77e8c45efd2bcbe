# SPDX-License-Identifier: GPL-2.0-or-later
"""The packet-level test rig of dmmd: a small internet in network namespaces, captures, judges.

    run        one run: its name, directory and processes; nothing of it stays behind
    spawn      short commands, started cheaply
    namespace  one network namespace: commands, sockets, sysctls inside it
    topology   names and addresses of the internet
    internet   builds it: mobile node, access networks, routers, home agents, correspondent
    peers      home agents, routers and probes as processes, and their control sockets
    daemon     dmmd: configuration, start, stop, crash
    bus        a D-Bus of our own for it
    monitor    what the kernel tells listeners of links and addresses, with times
    capture    tcpdump beside a scenario
    packets    captured packets taken apart, by code that shares nothing with the daemon
    mip6       mobility messages: checksum, authenticator, options (RFC 6275, RFC 4285)
    oracle     tshark's and scapy's opinion of the same messages
    judge      what must hold for whatever the mobile node sends
    ndoption   options of router advertisements: provisioning domain, captive portal, ...
    services   a name server and a web server
    forge      packets that nobody should believe
    state      what the kernel holds: addresses, routes, rules, devices, filters, pins
    session    TCP and UDP sessions whose fate is known
    flow       sessions of applications, followed through captures: tunnelled or direct
    account    mobility messages counted
    programs   real programs, started as users start them, and the servers that they talk to
    matrix     one host and every way to its sockets
    native     what tests of native first share: leaving, strays, everything the kernel holds
    stream     a 1 ms stream followed through captures
    faults     streams that know their silences, the daemon asleep, the kernel before and after
    move       one move of the mobile node, timed by captures
    stage      what all scenes have
    scene      two home agents and their home addresses, for a test, the demonstration, the figures
    places     places whose native prefixes are anchored: start reading here for a new test

Everything is judged by packets and kernel state.  Scenarios wait for conditions, never for time.
"""
