# Sourced by tools/run, tools/test and .ci/run: installs the Debian packages that are missing, and builds.
# Sets `root`, the repository's folder.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Tells what is going on, apart from the output of the tools that are called.
say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
[[ -t 2 ]] || say() { printf '==> %s\n' "$*" >&2; }

die() {
  printf '%s\n' "$@" >&2
  exit 1
}

# as_root COMMAND...: as it is for root, through sudo for others.
as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "Installing packages needs root, and there is no sudo here. As root, run:" "  $*"
  fi
}

# The packages of the given groups of tools/packages.txt that are not installed, one a line.
missing_packages() {
  local group package _
  while read -r group package _; do
    [[ " $* " == *" $group "* ]] || continue
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || echo "$package"
  done < <(grep -v '^ *#' "$root/tools/packages.txt")
}

# install_packages GROUP...: makes sure that every package of these groups is installed.
install_packages() {
  local missing
  if ! command -v apt-get >/dev/null; then
    say "No apt-get here: what tools/packages.txt lists must be installed by other means."
    return
  fi
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  say "Installing ${#missing[@]} Debian packages with apt-get: ${missing[*]}"
  as_root apt-get -qq update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
    install --no-install-recommends "${missing[@]}" </dev/null
}

# How many compilers run at once: as many as there are processors, as long as each has 1.5 GiB of memory.
compilers() {
  local processors memory_kib by_memory
  processors=$(nproc)
  memory_kib=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
  by_memory=$((memory_kib / (1536 * 1024)))
  ((by_memory >= 1)) || by_memory=1
  echo $((processors < by_memory ? processors : by_memory))
}

# configure PRESET: in build/PRESET. What CMake says is shown only when it fails.
configure() {
  local log=$root/build/$1.configure.log
  mkdir -p "$root/build"
  if ! (cd "$root" && cmake --preset "$1") >"$log" 2>&1; then
    cat "$log" >&2
    die "Configuring build/$1 failed, as told above."
  fi
}

# build PRESET [TARGET...]: configures and builds in build/PRESET; everything without a target.
build() {
  local preset=$1
  shift
  configure "$preset"
  say "Building in build/$preset (the first time takes some minutes, later only what changed)"
  cmake --build "$root/build/$preset" --parallel "$(compilers)" ${1:+--target} "$@"
}

# build_for_label PRESET LABEL: like build, but only the programs that the tests with this label run.
build_for_label() {
  local targets
  configure "$1"
  mapfile -t targets < <(cd "$root/build/$1" && ctest -L "$2" --show-only=json-v1 | /usr/bin/python3 -c '
import json, os
tests = json.load(os.sys.stdin)["tests"]
words = {word for test in tests for word in test.get("command", [])}
here = os.getcwd() + "/"
print("\n".join(sorted(word[len(here):] for word in words if word.startswith(here))))')
  ((${#targets[@]})) || die "No test has the label $2."
  build "$1" "${targets[@]}"
}
