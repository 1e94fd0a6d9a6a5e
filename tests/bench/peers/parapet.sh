# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# shellcheck disable=SC2034 # all for control_run.sh
# Guests of Parapet's, made by its own toolstack from XML.

log=/run/console.log
create_words="parapet -q create /guest/%s.xml"
destroy_words="parapet -q destroy %s"
list_words="parapet -q list --name"

toolstack() {
	mkdir -p /run/xenstored /run/parapet /var/lib/parapet
	parapetd 2>/run/parapetd.err
	until_true parapet -q list
}

complaints() {
	cat /run/parapetd.err /run/parapet/services/*.log
}
