# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of parapet: commands, domains, options, files.

_parapet_options()
{
	case $1 in
	create) echo --paused --console --ignore-unsupported ;;
	start) echo --paused --console ;;
	define) echo --ignore-unsupported ;;
	shutdown | reboot) echo --wait --timeout= ;;
	console) echo --read-only ;;
	list) echo --all --name ;;
	dumpxml) echo --inactive ;;
	autostart) echo --disable ;;
	schedinfo) echo --weight= --cap= ;;
	attach-disk)
		echo --format= --block --cdrom --readonly --shareable \
			--discard --persistent
		;;
	attach-device) echo --persistent ;;
	attach-interface) echo --mac= --target= --openvswitch --persistent ;;
	detach-*) echo --force --persistent ;;
	top) echo --delay= --count= ;;
	events) echo --count= ;;
	bench)
		echo --kernel --initrd --memory --rounds --rows --quick \
			--no-guest --with --output --programs --quiet --help
		return
		;;
	esac
	echo --json --help
}

_parapet_domains()
{
	parapet list --all --name 2>/dev/null | grep -vx Domain-0
}

# The command among the words, behind the options.
_parapet_command()
{
	local i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --socket) ((i++)) ;;
		-*) ;;
		*)
			echo "${COMP_WORDS[i]}"
			return
			;;
		esac
	done
}

_parapet_words() # COMMAND: what may come here
{
	case $1 in
	'') parapet --list-commands ;;
	store) echo ls read write rm watch ;;
	bench) echo report ;;
	create | define | version | capabilities | dmesg | events | top | list | \
		services) ;;
	*) _parapet_domains ;;
	esac
}

_parapet()
{
	local word=${COMP_WORDS[COMP_CWORD]} command words
	command=$(_parapet_command)
	if [[ $word == -* && -n $command ]]; then
		words=$(_parapet_options "$command")
	elif [[ $word == -* ]]; then
		words='--json --quiet --socket --help --version'
	else
		words=$(_parapet_words "$command")
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
	if [[ ${#COMPREPLY[@]} == 0 ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}

complete -o filenames -F _parapet parapet
