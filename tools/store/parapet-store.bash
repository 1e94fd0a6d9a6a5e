# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# bash completion for parapet-store

_parapet_store_paths()
{
	local dir=${cur%/*} name names
	names=$(parapet-store list "${dir:-/}" 2>/dev/null)
	for name in $names; do
		[[ $dir/$name == "$cur"* ]] && COMPREPLY+=("$dir/$name")
	done
	compopt -o nospace 2>/dev/null
}

_parapet_store()
{
	local cur=${COMP_WORDS[COMP_CWORD]} i cmd=
	local commands="ls list read write mkdir rm exists chmod watch usage
		quota control"
	local options="--json --socket --help --version -p -f -r -t -d -n -D"

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ " ${commands//[[:space:]]/ } " == *" ${COMP_WORDS[i]} "* ]]
		then
			cmd=${COMP_WORDS[i]}
			break
		fi
	done
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
	elif [[ -z $cmd ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
	elif [[ $cmd == control ]]; then
		mapfile -t COMPREPLY < <(compgen -W "check help log memreport
			quota stats usage checkpoint live-update print" -- "$cur")
	elif [[ $cmd == quota ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(parapet-store quota \
			2>/dev/null | cut -d' ' -f1)" -- "$cur")
	elif [[ $cmd != usage ]]; then
		_parapet_store_paths
	fi
}

complete -F _parapet_store parapet-store
