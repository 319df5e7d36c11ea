#!/bin/sh
# Compiles each program to SIL as it is flashed and looks for pointers into stack storage that is already given back.
# The optimiser made such code of getters that lend out a span of an inline array; the tests would not always see it.
set -eu
scratch=.build-embedded
for program in "$@"; do
    # A build that has nothing to do does not say its command.
    touch Sources/"$program"/Entry.swift
    command=$(IMPSD_EMBEDDED=1 swift build -c release --scratch-path $scratch --product impsd -v 2>&1 |
        grep -E "swiftc -module-name $program " | head -n 1)
    sil=$scratch/$program.sil
    command=$(printf '%s' "$command" | sed -e 's/-emit-dependencies//; s/-emit-module-path [^ ]*//; s/ -emit-module / /; s/-emit-objc-header-path [^ ]*//; s/ -emit-objc-header / /' \
        -e 's/-output-file-map [^ ]*//; s/-parseable-output//; s/-num-threads [0-9]*//g; s/-serialize-diagnostics//' \
        -e "s# -c # -emit-sil -o $sil #; s/ -v / /")
    eval "$command"
    python3 "$(dirname "$0")/check-lifetimes.py" "$sil"
done
