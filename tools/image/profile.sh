#!/bin/sh
# /etc/profile of the initramfs.
# busybox asks its own init to end the machine; ours is a script: do it at once.
alias poweroff='poweroff -f' reboot='reboot -f' halt='halt -f'
PS1='parapet:\w# '
