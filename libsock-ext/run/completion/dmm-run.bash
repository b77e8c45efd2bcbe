# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion of dmm-run

_dmm_run()
{
	local cur prev words cword split i
	_init_completion -s || return

	for ((i = 1; i < cword; i++)); do
		case ${words[i]} in
		-t | -b | --type | --backend)
			((i++))
			;;
		--)
			_command_offset $((i + 1))
			return
			;;
		-*) ;;
		*)
			_command_offset "$i"
			return
			;;
		esac
	done

	case $prev in
	-t | --type)
		mapfile -t COMPREPLY < <(compgen -W 'fixed session graceful local
			session-lasting graceful-replacement non-persistent' -- "$cur")
		return
		;;
	-b | --backend)
		mapfile -t COMPREPLY < <(compgen -W 'auto bpf preload seccomp' -- "$cur")
		return
		;;
	--debug)
		[[ $split == true ]] && _filedir && return
		;;
	--)
		_command_offset "$cword"
		return
		;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W '-t -b -u -v -h --type --backend --udp --verbose
			--debug --help --version' -- "$cur")
	else
		_command_offset "$cword"
	fi
} && complete -F _dmm_run dmm-run
