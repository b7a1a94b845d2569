#!/bin/sh
# Installs tritstream on a board from the folder that this file lies in; run it as root:
#
#     sudo sh install.sh
#
# The packages of the board's image stay as they are: only what is missing is added. PYTHON=... names
# the Python to install into; without it that is the one of PYNQ's image, or else python3.
set -eu
cd "$(dirname "$0")"

stop() {
    echo "install.sh: error: $1" >&2
    exit 2
}

if [ -z "${PYTHON:-}" ]; then
    PYTHON=/usr/local/share/pynq-venv/bin/python3
    [ -x "$PYTHON" ] || PYTHON=python3
fi
command -v "$PYTHON" > /dev/null || stop "there is no $PYTHON here: name a Python with PYTHON=..."

here=$("$PYTHON" -c 'import platform; print(platform.machine())')
[ "$here" = @MACHINE@ ] \
    || stop "this folder is for @MACHINE@, and $PYTHON runs on $here: make it with \`tritstream board bundle $here\`"
"$PYTHON" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 14))' \
    || stop "tritstream needs Python 3.10 to 3.13, and $PYTHON is $("$PYTHON" --version 2>&1)"
"$PYTHON" -c 'import numpy; assert tuple(map(int, numpy.__version__.split(".")[:2])) >= (1, 21)' 2> /dev/null \
    || stop "$PYTHON lacks NumPy 1.21 or later, which the board's image brings: apt-get install python3-numpy"
"$PYTHON" -m pip --version > /dev/null 2>&1 \
    || stop "$PYTHON has no pip: apt-get install python3-pip, or name another Python with PYTHON=..."

# For this processor there are no wheels of some that a worker of a cluster needs.
if [ -e from-apt ]; then
    "$PYTHON" -c 'import msgpack, psutil, tornado, yaml; assert tornado.version_info >= (6, 2)' 2> /dev/null \
        || stop "$PYTHON lacks what a worker needs, tornado 6.2 or later among it: apt-get install python3-msgpack python3-psutil python3-tornado python3-yaml"
fi

# Of these any version does, if it is there; never their dependencies, which the image has its own of.
missing=$("$PYTHON" - requirements.txt << 'END'
import sys
from importlib.metadata import PackageNotFoundError, version

OLDEST = {
    "tokenizers": (0, 20), "safetensors": (0, 4), "rich": (12,), "click": (8, 1), "cloudpickle": (3,),
    "fsspec": (2021, 9), "jinja2": (2, 10), "msgpack": (1, 0), "packaging": (20,), "partd": (1, 4),
    "psutil": (5, 8), "pyyaml": (5, 4), "tblib": (1, 6), "toolz": (0, 12), "tornado": (6, 2),
    "zict": (3,),
}
EXACT = ("dask", "distributed")  # the other machines of a cluster have just these
for line in open(sys.argv[1]):
    name = line.partition("==")[0]
    if line.startswith("#") or not name.strip():
        continue
    try:
        if name in EXACT and version(name) != line.strip().partition("==")[2]:
            raise ValueError
        if tuple(int(p) for p in version(name).split(".")[:2]) >= OLDEST.get(name, ()):
            continue
    except (PackageNotFoundError, ValueError):
        pass
    print(line.strip())
END
)
from_here="--no-index --find-links wheels"
ls wheels | grep -q '^tokenizers-' || from_here=""
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086
    "$PYTHON" -m pip install --no-deps --only-binary=:all: $from_here $missing
fi
"$PYTHON" -m pip install --no-deps --no-index --force-reinstall wheels/tritstream-*.whl
"$PYTHON" -m tritstream --version > /dev/null || stop "tritstream is installed and does not start"
echo "tritstream is installed: $("$PYTHON" -c 'import sys; print(sys.prefix)')/bin/tritstream"
