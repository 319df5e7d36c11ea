#!/bin/sh
# Puts axe-core, which finds what keeps people from using a page, into .build/axe.min.js: a package of PyPI carries it.
set -eu
cd "$(dirname "$0")/../.."
[ -s .build/axe.min.js ] && exit
mkdir -p .build/axe
python3 -m pip download -q --no-deps --no-binary :none: -d .build/axe axe-selenium-python==2.1.6 2> .build/axe/log || {
    cat .build/axe/log >&2
    exit 1
}
python3 - <<'PYTHON'
import glob, zipfile
with zipfile.ZipFile(glob.glob(".build/axe/*.whl")[0]) as package:
    source = package.read("axe_selenium_python/node_modules/axe-core/axe.min.js")
open(".build/axe.min.js", "wb").write(source)
PYTHON
