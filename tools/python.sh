#!/bin/sh
# Print the newest Python on PATH that can build the package, or PYTHON if that is set and can;
# when there is none, say in one sentence what is missing.
doctor=$(dirname "$0")/doctor.py
complaint=
for python in ${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3}; do
    # A name may be on PATH and still not run: pyenv has shims for versions that are not selected.
    "$python" -c '' >/dev/null 2>&1 || continue
    if said=$("$python" "$doctor" 2>&1); then
        echo "$python"
        exit 0
    fi
    complaint=${complaint:-$said}
done
if [ -n "$PYTHON" ]; then
    missing="PYTHON=$PYTHON does not run."
else
    missing="No Python: python3 is not on PATH, version 3.11 or newer is needed (Debian package: python3)."
fi
echo "${complaint:-$missing}" >&2
exit 1
