#!/bin/sh
# What is sent of a file of the page, uncompressed: lines without what only who writes them needs, indentation and comments. The
# script is several files, in the order in which they need each other.
folder=$(dirname "$1")
case $1 in
*/page.js) set -- "$folder/words.js" "$folder/wire.js" "$folder/people.js" "$folder/questions.js" "$folder/page.js" ;;
esac
cat "$@" | sed -E 's/^ +//; /^\/\//d; /^\/\*\*.*\*\/$/d; /^\/\*\*$/,/^\*\/$/d' | case $1 in
*.css) sed -E 's/ *([{};,]) */\1/g; s/: /:/g' | tr -d '\n' ;;
*) cat ;;
esac
