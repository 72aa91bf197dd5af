#!/bin/sh
# Installs what the lab and the tests need, if it is missing: Debian's packages, and a
# Python environment in .venv exactly as requirements.lock says. Quick when nothing is.
# Run twice, or by two at once, it does no harm.
set -eu
cd "${0%/*}/.."

# Services among them are neither started nor enabled: the lab runs its own.
packages="ca-certificates python3 python3-venv iproute2 iptables kmod conntrack tcpdump
iputils-ping netbase ppp xl2tpd strongswan-charon libstrongswan-standard-plugins
strongswan-swanctl mosquitto wireguard-tools wireguard-go user-mode-linux
docker.io debootstrap haproxy chromium libatomic1 prometheus mosquitto-clients"
kernel_packages="linux-source-6.1 build-essential flex bison bc xz-utils"
compiler_packages="gcc libc6-dev"
bench_packages="keepalived frr fping conntrack"
services="prometheus mosquitto xl2tpd strongswan-starter keepalived frr docker containerd haproxy"
uv_version=0.13.9
python=/usr/bin/python3
cache="${XDG_CACHE_HOME:-$HOME/.cache}/vpnchain"
uv="$cache/uv-$uv_version/bin/uv"

say() { echo "setup: $*" >&2; }

missing_of() {
    for package in "$@"; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || :
        [ "$status" = installed ] || printf '%s ' "$package"
    done
}

install_packages() {
    say "installing: $1"
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        trap 'exit 130' INT TERM
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"
    fi
    # shellcheck disable=SC2086 # words are wanted
    was_there=$(dpkg-query -W -f '${Package} ' $services 2>/dev/null) || :
    export DEBIAN_FRONTEND=noninteractive
    wait="-o DPkg::Lock::Timeout=300"
    apt-get -q $wait update
    # shellcheck disable=SC2086 # words are wanted
    apt-get -q -y $wait --no-install-recommends install $1
    for service in $services; do
        case " $was_there " in *" $service "*) continue ;; esac
        [ ! -d /run/systemd/system ] || systemctl disable --now "$service" || :
    done
}

set_up_packages() {
    if ! command -v apt-get >/dev/null; then
        say "no apt-get here: install by other means what is missing of: $1"
        return
    fi
    # shellcheck disable=SC2046,SC2086 # words are wanted
    missing=$(missing_of $1)
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        say "needs root once, for: apt-get install $missing"
        say "what needs them is skipped or refused until then"
        return
    fi
    install_packages "$missing"
}

set_up_python() {
    lock=$(sha256sum requirements.lock)
    [ ! -x .venv/bin/python ] || [ "$(cat .venv/synced 2>/dev/null)" != "$lock" ] ||
        return 0
    fetch_uv
    say "making .venv"
    [ -x .venv/bin/python ] ||
        "$uv" venv -q --clear --python "$python" --python-preference only-system .venv
    "$uv" pip sync -q --python .venv/bin/python --require-hashes requirements.lock
    # The command `vpnchain`, on the files that are here.
    "$uv" pip install -q --python .venv/bin/python --no-deps --editable .
    echo "$lock" >.venv/synced
}

set_up_page() {
    page=agents/dashboard
    lock=$(sha256sum $page/package-lock.json)
    [ "$(cat $page/node_modules/synced 2>/dev/null)" != "$lock" ] || return 0
    say "fetching what the dashboard's page takes from npm"
    PATH="$PWD/.venv/bin:$PATH" npm ci --prefix $page --silent --no-audit --no-fund
    echo "$lock" >$page/node_modules/synced
}

fetch_uv() {
    [ -x "$uv" ] && return
    say "fetching uv $uv_version"
    rm -rf "$cache/uv-$uv_version"
    "$python" -m venv "$cache/uv-$uv_version"
    "$cache/uv-$uv_version/bin/pip" install -q "uv==$uv_version"
}

# Debian 12 has only an old Compose, Debian 13's runs here too. It stays out of the
# system: a program in the cache.
fetch_compose() {
    compose="$cache/compose/docker-compose"
    [ ! -x "$compose" ] || return 0
    if ! command -v apt-get >/dev/null; then
        say "no apt-get here: put docker-compose 2 there: $compose"
        return
    fi
    say "fetching docker-compose"
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
        'Codename: bookworm' | head -n 1)
    new=$(mktemp -d "$cache/compose.XXXXXX")
    mkdir -p "$new/lists/partial" "$new/cache/archives/partial"
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb [signed-by=$keyring] ${mirror:-http://deb.debian.org/debian} trixie main" \
        >"$new/sources.list"
    apart="-o Dir::Etc::SourceList=$new/sources.list -o Dir::Etc::SourceParts=/dev/null
        -o Dir::State::Lists=$new/lists -o Dir::Cache=$new/cache
        -o APT::Sandbox::User=root"
    # shellcheck disable=SC2086 # words are wanted
    (cd "$new" && apt-get -q $apart update && apt-get -q $apart download docker-compose)
    dpkg-deb -x "$new"/docker-compose_*.deb "$new/files"
    mkdir -p "$cache/compose"
    mv "$new/files/usr/libexec/docker/cli-plugins/docker-compose" "$compose"
    rm -rf "$new"
}

# Only where the processor has AMX: lab/registers.c tells what for.
set_up_registers() {
    grep -qw amx_tile /proc/cpuinfo || return 0
    library="$cache/registers-$(sha256sum lab/registers.c | cut -c 1-8).so"
    [ ! -e "$library" ] || return 0
    set_up_packages "$compiler_packages"
    command -v gcc >/dev/null || return 0
    say "making $library"
    gcc -O2 -Wall -shared -fPIC -o "$library.$$" lab/registers.c
    mv "$library.$$" "$library"
}

# Home Assistant in an environment of its own, as it insists on old versions of much.
set_up_home() {
    home="$cache/home"
    wanted=$(cat tests/homeassistant/requirements.txt tests/homeassistant/package.json |
        sha256sum)
    [ "$(cat "$home/synced" 2>/dev/null)" != "$wanted" ] || return 0
    fetch_uv
    say "fetching Home Assistant and Node-RED"
    mkdir -p "$home"
    "$uv" venv -q --clear --python "$python" --python-preference only-system \
        "$home/home-assistant"
    "$uv" pip install -q --python "$home/home-assistant/bin/python" \
        -r tests/homeassistant/requirements.txt
    cp tests/homeassistant/package.json "$home"
    PATH="$PWD/.venv/bin:$PATH" npm install --prefix "$home" --silent --no-audit --no-fund
    echo "$wanted" >"$home/synced"
}

mkdir -p "$cache"
exec 9>"$cache/setup.lock"
flock 9
case "${1:-}" in
uv) # where it is, for the Makefile
    fetch_uv
    echo "$uv"
    ;;
kernel) # what it takes to build one
    set_up_packages "$kernel_packages"
    ;;
bench) # the systems that ours is measured beside
    set_up_packages "$bench_packages"
    ;;
fuzz) # what drives the long run of `make fuzz`
    fetch_uv
    "$uv" pip install -q --python .venv/bin/python --group fuzz
    ;;
home) # what `make test-home` shows the chain to
    set_up_home
    ;;
python) # what agents and `vpnchain` run in, no more
    set_up_packages "ca-certificates python3 python3-venv"
    set_up_python
    ;;
*)
    set_up_packages "$packages"
    set_up_python
    set_up_page
    set_up_registers
    fetch_compose
    ;;
esac
