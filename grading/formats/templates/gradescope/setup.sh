#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image.
set -euo pipefail
home=${AUTOGRADER:-/autograder}
export DEBIAN_FRONTEND=noninteractive

# The exam is for the grader alone. (A sandbox hides it from hand-ins; where there is none it is removed before they run.)
chmod 600 "$home/source/exam.npz"

apt-get update
apt-get install -y --no-install-recommends bubblewrap

newest() {
    for name in python3.14 python3.13 python3.12 python3.11 python3; do
        if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            echo "$name"
            return
        fi
    done
}
python=$(newest)
if [ -z "$python" ]; then
    apt-get install -y --no-install-recommends python3.11
    python=python3.11
fi
apt-get install -y --no-install-recommends "$python-venv"

"$python" -m venv "$home/venv"
"$home/venv/bin/python" -m pip install --no-cache-dir -r "$home/source/requirements.txt"
