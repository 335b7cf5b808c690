# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A small archive of kernel packages, and a machine of its own for apt: its
# lists, caches and configuration are all under $fake.  Whatever is called without
# that configuration, or would install something, is refused and noted.
#
# A package is written NAME_VERSION.  It is made once; which ones the archive
# lists is said with `publish`, which of these it does not have with `gone`.  A
# mirror of Debian's, with signed suites, is said with `suite`.

# fake_packages FOLDER: where packages are made
fake_packages() {
	made=${1:?} fake=$1
	mkdir -p "$made/"{debs,stanzas}
}

# fake_machine FOLDER: sets `fake` to it; from here on apt is that machine's
fake_machine() {
	fake=${1:?}
	if [ -e "$fake" ]; then die "'$fake' is there already"; fi
	mkdir -p "$fake/"{bin,archive,usr/src,dpkg/info} \
		"$fake/machine/"{etc/apt/apt.conf.d,etc/apt/preferences.d,var/lib/apt/lists/partial,var/cache/apt/archives/partial}
	: >"$fake/dpkg/status"
	cat >"$fake/apt.conf" <<-END
		Dir "$fake/machine";
		Dir::State::status "$fake/dpkg/status";
		APT::Architecture "amd64";
		APT::Architectures { "amd64"; };
		APT::Sandbox::User "";
		Acquire::Languages "none";
		Acquire::http::Proxy "DIRECT";
		Acquire::Retries "0";
	END
	cat >"$fake/bin/apt" <<-END
		#!/bin/sh
		call="\${0##*/} \$*"
		echo "\$call" >>"$fake/calls"
		refuse() { echo "\$call" >>"$fake/refused"; exit 100; }
		[ "\$APT_CONFIG" = "$fake/apt.conf" ] || refuse
		case " \$call " in
		sudo*) refuse ;;
		*" install "*)
			cat "$fake/install" >&2 || refuse
			[ -f "$fake/installable" ] && grep -q ' update\$' "$fake/calls" && exit 0
			exit 100
			;;
		*" download "*) [ ! -f "$fake/download" ] || { cat "$fake/download" >&2; exit 100; } ;;
		esac
		exec "$(dirname "$(command -v apt-get)")/\${0##*/}" "\$@"
	END
	chmod +x "$fake/bin/apt"
	for name in apt-get apt-cache apt-config sudo; do ln -s apt "$fake/bin/$name"; done
	# nobody boots what is made here
	printf '#!/bin/sh\n' >"$fake/bin/qemu-system-x86_64"
	cat >"$fake/bin/gcc" <<-END
		#!/bin/sh
		case " \$* " in
		*" -static "*) exec cp /bin/true "\$(echo "\$*" | sed 's/.* -o //; s/ .*//')" ;;
		esac
		exec "$(command -v gcc)" "\$@"
	END
	chmod +x "$fake/bin/gcc"
	chmod +x "$fake/bin/qemu-system-x86_64"
	export APT_CONFIG=$fake/apt.conf DPKG_ADMINDIR=$fake/dpkg PATH=$fake/bin:$PATH
	fake_reachable
}

fake_reachable() { echo "deb [trusted=yes] copy:$fake/archive ./" >"$fake/machine/etc/apt/sources.list"; }
# nothing listens there; what the machine has lists of, it has there
fake_out_of_reach() {
	local lists=$fake/machine/var/lib/apt/lists
	cp "$lists/"*_Packages "$lists/127.0.0.1:9_._Packages" 2>/dev/null || true
	echo "deb [trusted=yes] http://127.0.0.1:9/ ./" >"$fake/machine/etc/apt/sources.list"
}

# package NAME VERSION DEPENDS: of what is in $fake/new
package() {
	local deb=$made/debs/$1_$2_amd64.deb
	mkdir -p "$fake/new/DEBIAN"
	cat >"$fake/new/DEBIAN/control" <<-END
		Package: $1
		Version: $2
		Architecture: amd64
		Maintainer: nobody
		Depends: $3
		Description: a test
	END
	[ -n "$3" ] || sed -i '/^Depends/d' "$fake/new/DEBIAN/control"
	dpkg-deb -Znone --root-owner-group -b "$fake/new" "$deb" >/dev/null
	{
		cat "$fake/new/DEBIAN/control"
		echo "Filename: ./$(basename "$deb")"
		echo "Size: $(stat -c %s "$deb")"
		echo "SHA256: $(sha256sum <"$deb" | cut -d' ' -f1)"
		echo
	} >"$made/stanzas/$1_$2"
	rm -rf "$fake/new"
}

# fake_gupdiff FILE: builds modules as gupdiff does, but for leaving out what is missing
fake_gupdiff() {
	cat >"$1" <<'EOF'
#!/bin/bash
while [ "$1" != -- ]; do
	[ "$1" != --log ] || log=$2
	shift
done
shift
exec make "$@" >"$log" 2>&1
EOF
	chmod +x "$1"
}

# a kernel's code: a function and a header
code() {
	mkdir -p "$1/mm" "$1/include/linux"
	printf '%s\n' '#include <linux/mm.h>' 'int gup(void) { return PAGES; }' >"$1/mm/gup.c"
	printf '%s\n' '#define PAGES 1' >"$1/include/linux/mm.h"
	case ${2:-} in
	mm.h) printf '%s\n' '#define MORE 1' >>"$1/include/linux/mm.h" ;;
	gup.c) sed -i '1i /* a line more */' "$1/mm/gup.c" ;;
	esac
	# not compiled, so not under test
	echo "$RANDOM" >"$1/include/linux/other.h"
}

# tree_files FOLDER VERSION: what else a kernel tree has; nothing can be made in it
tree_files() {
	mkdir -p "$1/arch/x86" "$1/scripts/kconfig"
	touch "$1/Kbuild" "$1/arch/x86/Makefile" "$1/scripts/kconfig/Makefile"
	awk -F'[.-]' '{ print "VERSION = " $1 "\nPATCHLEVEL = " $2 "\nSUBLEVEL = " $3 }' <<<"$2" >"$1/Makefile"
}

# build ABI VERSION KBUILD DEPENDENCY [mm.h | gup.c]: the packages of a kernel,
# with that file changed; in_parts ...: the same with the image in parts
build() {
	local abi=$1 version=$2 kbuild=$3 depends=$4 changed=${5:-} series signed common
	series=$(cut -d. -f1,2 <<<"$abi")
	common=linux-headers-${abi%-amd64}-common
	for signed in -unsigned ''; do
		mkdir -p "$fake/new/boot"
		echo "kernel $version$signed" >"$fake/new/boot/vmlinuz-$abi"
		echo "config $version" >"$fake/new/boot/config-$abi"
		package "linux-image-$abi$signed" "$version" kmod
	done
	[ -z "${parts:-}" ] || image_in_parts "$abi" "$version"
	mkdir -p "$fake/new/usr/src/linux-headers-$abi"
	echo "include /usr/src/$common/Makefile" >"$fake/new/usr/src/linux-headers-$abi/Makefile"
	ln -s "../../lib/$kbuild/scripts" "$fake/new/usr/src/linux-headers-$abi/scripts"
	package "linux-headers-$abi" "$version" "$common (= $version), $depends, gcc-12"
	mkdir -p "$fake/new/usr/src/$common"
	code "$fake/new/usr/src/$common" "$changed"
	rm -r "$fake/new/usr/src/$common/mm"
	# shellcheck disable=SC2016 # make's variable
	printf 'modules:\n\tgrep -qx yes scripts/fits || { echo "error: modpost is too old"; exit 1; }\n\tcp /bin/true $(M)/gupdiff.ko\n' \
		>"$fake/new/usr/src/$common/Makefile"
	package "$common" "$version" ''
	source_package "$series" "$version" "$changed"
}

# image_in_parts ABI VERSION: instead of what was made
image_in_parts() {
	local dir=$fake/new/usr/lib/modules/$1
	rm "$made/"{debs,stanzas}/"linux-image-$1-unsigned_$2"*
	package "linux-image-$1" "$2" "linux-base-$1 (= $2), linux-binary-$1 (= $2)"
	mkdir -p "$dir"
	echo "config $2" >"$dir/config"
	package "linux-base-$1" "$2" ''
	mkdir -p "$dir"
	echo "kernel $2" >"$dir/vmlinuz"
	package "linux-binary-$1" "$2" "linux-base-$1 (= $2)"
	mkdir -p "$dir"
	echo "kernel $2-unsigned" >"$dir/vmlinuz.unsigned"
	package "linux-binary-unsigned-$1" "$2" "linux-base-$1 (= $2)"
}
in_parts() {
	local parts=yes
	"$@"
}

# source_package SERIES VERSION [CHANGED]
source_package() {
	local name=linux-source-$1
	code "$fake/src/$name" "${3:-}"
	mkdir -p "$fake/new/usr/src"
	tree_files "$fake/src/$name" "$2"
	tar -C "$fake/src" -cJf "$fake/new/usr/src/$name.tar.xz" "$name"
	rm -r "$fake/src"
	package "$name" "$2" ''
}

# kbuild NAME VERSION yes|no: does a module build with it?
kbuild() {
	mkdir -p "$fake/new/usr/lib/$1/scripts"
	echo "$3" >"$fake/new/usr/lib/$1/scripts/fits"
	package "$1" "$2" libc6
}

# listed NAME VERSION [DEPENDS]: a package that there is nothing in
listed() { package "$1" "$2" "${3:-}"; }

# of ABI VERSION: all packages of a build
of() {
	local common=linux-headers-${1%-amd64}-common
	printf '%s\n' "linux-image-$1_$2" "linux-image-$1-unsigned_$2" "linux-headers-$1_$2" "$common""_$2"
}

# publish PACKAGE...: the archive has these and no others
publish() {
	local packages
	mapfile -t packages < <(printf '%s\n' "$@" | sort -u)
	rm -rf "$fake/archive"
	mkdir "$fake/archive"
	: >"$fake/archive/Packages"
	[ $# -gt 0 ] || return 0
	cat "${packages[@]/#/$made/stanzas/}" >"$fake/archive/Packages"
	packages=("${packages[@]/%/_amd64.deb}")
	ln -t "$fake/archive" "${packages[@]/#/$made/debs/}"
}

# key NAME: makes one to sign with; its keyring is $made/NAME.gpg
key() {
	local gpg=(gpg --batch --quiet --homedir "$made/$1")
	mkdir -m 700 "$made/$1"
	"${gpg[@]}" --passphrase '' --quick-generate-key "$1" ed25519 sign never 2>/dev/null
	"${gpg[@]}" --export >"$made/$1.gpg"
}
keys_end() {
	local home
	for home in "${made:-/nonexistent}"/*/private-keys-v1.d; do
		[ ! -d "$home" ] || gpgconf --homedir "${home%/*}" --kill all 2>/dev/null || true
	done
}

# suite MIRROR SUITE PACKAGE...: it has these and no others, and is signed
suite() {
	local dir=$fake/mirror/$1/dists/$2 pool=$fake/mirror/$1/pool/$2 package
	rm -rf "$dir" "$pool"
	mkdir -p "$dir/main/binary-amd64" "$pool"
	for package in "${@:3}"; do
		sed "s|^Filename: ./|Filename: pool/$2/|" "$made/stanzas/$package"
		ln -t "$pool" "$made/debs/${package}_amd64.deb"
	done >"$dir/main/binary-amd64/Packages"
	(cd "$dir" && printf '%s\n' "Origin: Debian" "Suite: $2" "Codename: $2" "Date: $(date -u '+%a, %d %b %Y %T UTC')" \
		"Architectures: amd64" "Components: main" "SHA256:" \
		" $(sha256sum <main/binary-amd64/Packages | cut -d' ' -f1) $(stat -c %s main/binary-amd64/Packages) main/binary-amd64/Packages" >Release)
	sign debian "$dir"
}

# sign KEY FOLDER: of a suite
sign() { gpg --batch --quiet --yes --homedir "$made/$1" --clearsign -o "$2/InRelease" "$2/Release"; }

# gone PACKAGE...: listed, but not to be downloaded
gone() {
	local package
	for package in "$@"; do rm "$fake/archive/${package}_amd64.deb"; done
}

# machine_update: the machine's lists are as of now
declare -A fake_lists=()	# by the archive's
machine_update() {
	local lists=$fake/machine/var/lib/apt/lists packages
	packages="these: $(<"$fake/archive/Packages")"
	if [ -n "${fake_lists[$packages]:-}" ]; then
		rm -rf "$lists"
		cp -a "${fake_lists[$packages]}" "$lists"
		return
	fi
	apt-get -q update >"$fake/update.log" 2>&1 || cat "$fake/update.log"
	fake_lists[$packages]=$fake/lists.${#fake_lists[@]}
	cp -a "$lists" "${fake_lists[$packages]}"
}

# source_installed SERIES VERSION, or no VERSION
source_installed() {
	rm -rf "$fake/usr/src" "$fake/dpkg/status"
	mkdir -p "$fake/usr/src"
	: >"$fake/dpkg/status"
	[ -n "${2:-}" ] || return 0
	dpkg-deb -x "$made/debs/linux-source-$1_$2_amd64.deb" "$fake"
	cat >"$fake/dpkg/status" <<-END
		Package: linux-source-$1
		Status: install ok installed
		Architecture: amd64
		Maintainer: nobody
		Version: $2
		Description: a test
	END
}

# prepared SERIES VERSION [CHANGED]: a tree, as csrc/kernels/prepare leaves it
prepared() {
	local tree=$fake/kernels/trees/$1
	rm -rf "$tree"
	mkdir -p "$tree/build-nodebug"
	code "$tree/src" "${3:-}"
	printf '%s\n' "name=$1" "origin=linux-source-$1 $2" >"$tree/info"
	echo "gcc -Wp,-MMD,mm/.gup.o.d -I@SRC@/include -c -o mm/gup.o @SRC@/mm/gup.c" >"$tree/build-nodebug/gup.cmd"
}
