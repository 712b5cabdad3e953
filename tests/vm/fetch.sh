#!/bin/bash
# fetch.sh FOLDER kernel SUITE PACKAGE KEY   the kernel image that PACKAGE stands for in SUITE; KEY: how its version must start
# fetch.sh FOLDER qemu SUITE                 QEMU and virtiofsd with all their libraries, and `run` and `virtiofsd` to start them
# Downloads by package name through the system's package client with a state of its own, and unpacks into FOLDER.
# Nothing is installed, and the system's sources are read only. Debian 12's own QEMU (7.2) does not do: its TCG breaks
# cmpxchg16b, and without it NumPy 2 refuses to import; Debian 13's (10) is right.
set -eu
folder=$1 what=$2 suite=$3
state=$folder/.state
mkdir -p "$state/lists/partial" "$state/archives/partial" "$state/debs"
: > "$state/status"
source=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2> /dev/null |
  grep -v '^ *#' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ') || true
[ -n "$source" ] || { echo "no Debian archive among the sources of apt: the kernels and QEMU come from Debian" >&2; exit 1; }
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $source $suite main" > "$state/sources.list"

client() { # client apt-get|apt-cache ARGUMENTS: with private state
  local tool=$1
  shift
  "$tool" -o Dir::State="$state" -o Dir::State::Lists="$state/lists" -o Dir::State::status="$state/status" \
    -o Dir::Cache="$state" -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::Etc::preferencesparts=/dev/null -o APT::Sandbox::User=root "$@"
}
unpack() { # unpack PACKAGE…
  (cd "$state/debs" && client apt-get -qq download "$@")
  for package in "$state/debs"/*.deb; do dpkg-deb -x "$package" "$folder"; done
}
start() { # start NAME LIBRARIES COMMAND…: a script that runs an unpacked program with its own loader and libraries
  local script=$folder/$1 libraries=$2
  shift 2
  printf '#!/bin/bash\nr=$(cd "$(dirname "$0")" && pwd); l=$r/usr/lib/x86_64-linux-gnu\nexec "$r/usr/lib64/%s" --library-path "%s" %s "$@"\n' \
    ld-linux-x86-64.so.2 "$libraries" "$*" > "$script"
  chmod +x "$script"
}

client apt-get -qq -o Acquire::Retries=3 update
case $what in
  kernel)
    package=$4 key=$5
    version=$(client apt-cache policy "$package" | sed -n 's/.*Candidate: //p')
    image=$(client apt-cache show "$package=$version" | grep -oE 'linux-image-[0-9][^ ,]*' | head -n 1)
    case $image in linux-image-"$key".*) ;; *)
      echo "$suite has ${image:-no kernel} where kernel $key is claimed: tests/vm/kernels.py has to follow" >&2; exit 1 ;;
    esac
    binary=linux-binary-${image#linux-image-} # where the image package only depends on the one that has the image
    [ -n "$(client apt-cache pkgnames "$binary")" ] || binary=$image
    unpack "$binary"
    (cd "$folder" && ln -s "$(find boot usr/lib/modules -name 'vmlinuz*' -type f 2> /dev/null | head -n 1)" vmlinuz) ;;
  qemu)
    unpack $(client apt-get install -s --no-install-recommends qemu-system-x86 virtiofsd | sed -n 's/^Inst \([^ ]*\) .*/\1/p')
    start run '$l:$l/qemu' '"$r/usr/bin/qemu-system-x86_64"' \
      '-L "$r/usr/share/qemu" -L "$r/usr/share/seabios" -L "$r/usr/lib/ipxe/qemu"'
    start virtiofsd '$l' '"$r/usr/libexec/virtiofsd"' ;;
esac
rm -rf "$state"
