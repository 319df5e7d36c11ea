#!/bin/sh
# What is sent of a file of the page, uncompressed: lines without what only who writes them needs, indentation and comments.
exec sed -E 's/^ +//; /^\/\//d; /^\/\*\*.*\*\/$/d' "$1"
