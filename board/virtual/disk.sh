#!/bin/sh
# Makes the image of a data disk: disk.sh FILE [MB [FOLDER]], with what is in the folder.
set -eu
file=$1
rm -f "$file"
truncate -s "${2:-32}M" "$file"
PATH=$PATH:/usr/sbin:/sbin mke2fs -q -t ext4 -L data -E lazy_itable_init=0,lazy_journal_init=0,nodiscard ${3:+-d "$3"} "$file"
