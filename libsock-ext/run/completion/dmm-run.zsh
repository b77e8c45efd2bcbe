# SPDX-License-Identifier: LGPL-2.1-or-later
# zsh completion of dmm-run

_arguments -S \
	'(-t --type)'{-t+,--type=}'[what the connections need]:type:((
		fixed\:"an address that others know, always the same"
		session\:"stays as long as the session does"
		graceful\:"stays for a while after a move"
		local\:"may end with the next move"
		session-lasting\:"session, as RFC 8653 calls it"
		graceful-replacement\:"graceful, as RFC 8653 calls it"
		non-persistent\:"local, as RFC 8653 calls it"))' \
	'(-b --backend)'{-b+,--backend=}'[how to reach the sockets]:backend:((
		auto\:"the first that can be used"
		bpf\:"hooks in the kernel"
		preload\:"an object for the dynamic linker"
		seccomp\:"a supervisor of each connection"))' \
	'(-u --udp)'{-u,--udp}'[UDP sockets as well]' \
	'(-v --verbose)'{-v,--verbose}'[say which backend is used, and why]' \
	'--debug=-[explain each decision]::file:_files' \
	'(- *)'{-h,--help}'[show the options]' \
	'(- *)--version[show the version]' \
	'(-):command:_command_names -e' \
	'*::arguments:_normal'
