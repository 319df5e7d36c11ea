#!/bin/sh
# Compiles impsd to LLVM IR as it is flashed and lists the copies of more than 256 octets, beside the list that is kept.
# Large values are to be changed in place; a copy that is wanted is in the list. Run with --write, it becomes the list.
set -eu
here=$(dirname "$0")
scratch=.build-embedded
# A build that has nothing to do does not say its command.
touch Sources/impsd/Entry.swift
command=$(IMPSD_EMBEDDED=1 swift build -c release --scratch-path $scratch --product impsd -v 2>&1 |
    grep -E "swiftc -module-name impsd " | head -n 1)
command=$(printf '%s' "$command" | sed -e 's/-emit-dependencies//; s/-emit-module-path [^ ]*//; s/ -emit-module / /; s/-emit-objc-header-path [^ ]*//; s/ -emit-objc-header / /' \
    -e 's/-output-file-map [^ ]*//; s/-parseable-output//; s/-num-threads [0-9]*//g; s/-serialize-diagnostics//' \
    -e "s# -c # -emit-ir -o $scratch/impsd.ll #; s/ -v / /")
eval "$command"
python3 "$here/copies.py" $scratch/impsd.ll "$here/copies.txt" "$@"
