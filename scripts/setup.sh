#!/usr/bin/env bash
# Makes .venv with the command `genescribe` and installs the programs that the workflow calls.
# Run by `make setup`; cheap when there is nothing to do.
#
#   PYTHON=python3.12   the Python that .venv is made from (3.11 or later; default python3)
#   PIP_FLAGS="..."     further arguments for pip, such as an index that holds a CPU build of torch
#   CUFFCOMPARE=1       where gffcompare is not on PATH, add its predecessor cuffcompare (Debian's non-free cufflinks)
#
# Exit code 2: something is missing that only the user can add; the last line says what.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PYTHON=${PYTHON:-python3}
PIP_FLAGS=${PIP_FLAGS:-}
CUFFCOMPARE=${CUFFCOMPARE:-0}
VENV=.venv

say() { printf 'setup: %s\n' "$*" >&2; }

give_up() {
    say "$*"
    exit 2
}

# The Debian packages that are missing here, one a line.
missing_packages() {
    local pair
    for pair in augustus:augustus gffread:gffread bedtools:bedtools samtools:samtools gt:genometools; do
        command -v "${pair%%:*}" >/dev/null || echo "${pair##*:}"
    done
    # AUGUSTUS's species parameters are a package of their own, which a minimal installation may lack.
    if ! command -v augustus >/dev/null || ! species_parameters; then echo augustus-data; fi
    if [ "$CUFFCOMPARE" = 1 ] && ! command -v gffcompare >/dev/null && ! command -v cuffcompare >/dev/null; then
        echo cufflinks
    fi
    if command -v "$PYTHON" >/dev/null && ! [ -x "$VENV/bin/pip" ]; then
        "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    fi
}

species_parameters() {
    [ -d "${AUGUSTUS_CONFIG_PATH:-/usr/share/augustus/config}/species/E_coli_K12" ]
}

# A sources entry like the machine's own for Debian's main component, but for contrib and non-free.
nonfree_source() {
    local line uri release signed option
    # shellcheck disable=SC2016  # the placeholders are apt's
    line=$(apt-get indextargets --format '$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)|$(SIGNED_BY)' \
        'Created-By: Packages' | awk -F'|' '$3 == "main" && $4 == "Debian" && $2 !~ /-/ { print; exit }')
    [ -n "$line" ] || return 1
    IFS='|' read -r uri release _ _ signed <<<"$line"
    option=""
    case "$signed" in
        /*) option="[signed-by=$signed] " ;;
        *) if [ -r /usr/share/keyrings/debian-archive-keyring.gpg ]; then
            option="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
        fi ;;
    esac
    printf 'deb %s%s %s contrib non-free\n' "$option" "$uri" "$release"
}

install_packages() {
    local packages=("$@") as_root=() sources=/etc/apt/sources.list.d/genescribe-nonfree.list entry
    local line="apt-get install -y --no-install-recommends ${packages[*]}"
    command -v apt-get >/dev/null ||
        give_up "these programs are missing and there is no apt here; install what these Debian packages hold: ${packages[*]}"
    if [ "$(id -u)" != 0 ]; then
        if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
            as_root=(sudo)
        else
            give_up "neither root nor sudo; run this as root, then make again: apt-get update && $line"
        fi
    fi
    as_root+=(env DEBIAN_FRONTEND=noninteractive)
    say "installing ${packages[*]}"
    "${as_root[@]}" apt-get update -q
    if [[ " ${packages[*]} " == *" cufflinks "* ]] && ! apt-cache policy cufflinks | grep -q 'Candidate: [0-9]'; then
        entry=$(nonfree_source) || give_up "no Debian source found in apt's configuration; add contrib and non-free by hand"
        printf '%s\n' "$entry" | "${as_root[@]}" tee "$sources" >/dev/null
        "${as_root[@]}" apt-get update -q
    fi
    "${as_root[@]}" apt-get install -y --no-install-recommends "${packages[@]}"
}

check_python() {
    command -v "$PYTHON" >/dev/null || give_up "$PYTHON is not on PATH; install Python 3.11 or later, or name one: make setup PYTHON=..."
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        give_up "$("$PYTHON" --version) is too old; install Python 3.11 or later, or name one: make setup PYTHON=..."
}

# The stamp's name holds a digest of what is installed, so that a changed lock installs anew and a checkout does not.
install_python_packages() {
    local stamp
    stamp="$VENV/.setup-$(cat requirements.txt pyproject.toml | sha256sum | cut -c1-16)"
    [ -e "$stamp" ] && return
    [ -x "$VENV/bin/pip" ] || "$PYTHON" -m venv "$VENV"
    say "installing the Python packages of requirements.txt into $VENV"
    # PIP_FLAGS is a list of words.
    # shellcheck disable=SC2086
    "$VENV/bin/python" -m pip install --disable-pip-version-check $PIP_FLAGS -r requirements.txt
    # shellcheck disable=SC2086
    "$VENV/bin/python" -m pip install --disable-pip-version-check $PIP_FLAGS \
        --no-deps --no-build-isolation --editable .
    rm -f "$VENV"/.setup-*
    touch "$stamp"
}

check_python
mapfile -t packages < <(missing_packages)
[ ${#packages[@]} -eq 0 ] || install_packages "${packages[@]}"
install_python_packages
