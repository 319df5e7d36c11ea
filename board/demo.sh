#!/bin/sh
# Starts an engine for trying out: configuration, store and users in ./run.
set -eu
cd "$(dirname "$0")/.."
programs=.build/release
folder=run
url=http://127.0.0.1:8080/

password() { head -c 9 /dev/urandom | base64 | tr '+/' '-_'; }

mkdir -p $folder
if [ ! -e $folder/bob.password ]; then
    # A demo that was not finished begins again.
    rm -rf $folder/data $folder/impsd.conf
    cat > $folder/impsd.conf <<END
config imps 'main'
	option listen '127.0.0.1'
	option port '8080'
	option domain 'home.test'
	option data_dir './run/data'
	option control './run/control'
	option poll_min '1'
	option clock 'trusted'

config sysmsg 'demo-terms'
	option kind 'login'
	option text 'This is a demonstration: what you write is kept in the folder run until it is read. Is that fine?'
	option required '1'
	option blocking '1'
	list option '1|Yes|full'
	list option '2|No messages, only look|limited:FundamentalFeat'
	list option '3|No|deny'
END
    for name in alice bob; do
        word=$(password)
        printf '%s\n' "$word" | $programs/impsctl --config $folder/impsd.conf --offline user add $name
        (umask 077 && printf '%s\n' "$word" > $folder/$name.password)
        echo "The password of $name is $word (this is not said again; it is in $folder/$name.password)."
    done
fi

cat <<END

Paste one line into each of two other terminals:

  $programs/imps --server $url --user wv:alice@home.test --password-file $folder/alice.password
  $programs/imps --server $url --user wv:bob@home.test --password-file $folder/bob.password

Ctrl-C stops the engine.

END
exec $programs/impsd --config $folder/impsd.conf --allow-root
