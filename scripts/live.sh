# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What it takes to boot a kernel of the distribution, made from its packages,
# which are unpacked aside and not installed:
#
#	.kernels/live/packages/VERSION	image and headers, as unpacked
#	.kernels/live/VERSION		what the side live:VERSION reads, see
#					fuzz/src/side/live/kit.rs

live_dir=$kernels_dir/live
live_new=	# the folder being made

live_clean_up() { [ -z "$live_new" ] || rm -rf "$live_new"; }

live_begin() {
	live_new=$live_dir/.new.$1
	scratch=$live_new
	rm -rf "$live_new"
	mkdir -p "$live_new" || die "cannot write to $(shown "$live_dir")"
}

# live_finish FOLDER: what was made takes its place
live_finish() {
	local old=$live_dir/.old
	rm -rf "$old"
	mkdir -p "$(dirname "$1")"
	[ ! -e "$1" ] || mv "$1" "$old"
	mv "$live_new" "$1"
	live_new=
	rm -rf "$old"
}

apt_root() {
	local get=(env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
	if [ "$(id -u)" = 0 ]; then "${get[@]}" "$@"; else sudo -n "${get[@]}" "$@"; fi
}
can_be_root() { [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }; }

# need_qemu: installed where that can be done without a question
need_qemu() {
	local package tool missing=() log=$log_dir/live.apt.log
	while read -r package tool; do
		command -v "$tool" >/dev/null || missing+=("$package")
	done < <(grep -v -e '^#' -e '^[[:space:]]*$' "$root/scripts/live-packages.txt")
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || die "missing: ${missing[*]} (Debian's names; there is no apt-get to install them)"
	can_be_root || die "missing: Debian packages ${missing[*]} (as root: apt-get install ${missing[*]})"
	say "Debian packages: ${missing[*]} (log: $(shown "$log"))"
	if ! apt_root install --no-install-recommends "${missing[@]}" >"$log" 2>&1 </dev/null; then
		run_logged "$log" "apt-get update" apt_root update
		run_logged "$log" "apt-get install ${missing[*]}" apt_root install --no-install-recommends "${missing[@]}"
	fi
}

# headers_of VERSION WANTED: the headers package of the kernel VERSION whose
# own version is WANTED
headers_of() {
	local names
	names=$(apt-cache search --names-only "^linux-headers-${1//./\\.}\\.[0-9-]+(\\+deb[0-9]+)?-amd64\$" 2>/dev/null | awk '{ print $1 }')
	# shellcheck disable=SC2086 # a list of words
	[ -z "$names" ] || apt-cache show $names 2>/dev/null |
		awk -v want="$2" '$1 == "Package:" { p = $2 } $1 == "Version:" && $2 == want { print p; exit }'
}

# live_packages VERSION: image and headers of the very build that the prepared
# source is of, so that lines and headers are the same
live_packages() {
	local version=$1 want headers abi names deb log=$log_dir/live.$1.packages.log
	local dir=$live_dir/packages/$version
	want=$(sed -n 's/^origin=[^ ]* //p' "$kernels_dir/$version/info")
	[ ! -f "$dir/stamp" ] || [ "$(<"$dir/stamp")" != "$want" ] || return 0
	command -v apt-get >/dev/null || die "the kernel's packages come from Debian, and there is no apt-get"
	headers=$(headers_of "$version" "$want")
	if [ -z "$headers" ] && can_be_root; then
		say "refreshing the package lists first"
		run_logged "$log" "apt-get update" apt_root update
		headers=$(headers_of "$version" "$want")
	fi
	[ -n "$headers" ] || die "no linux-headers-$version package of version $want, which is the prepared source's (apt-get update; apt-get install linux-source-$version; make setup)"
	abi=${headers#linux-headers-}
	names=$(apt-cache depends "$headers" | awk '/linux-headers-.*-common|linux-kbuild-/ { print $2 }')
	say "packages of $abi $want (log: $(shown "$log"))"
	live_begin "packages-$version"
	# shellcheck disable=SC2086 # a list of words
	(cd "$live_new" && run_logged "$log" "downloading linux-image-$abi" \
		apt-get -q download "linux-image-$abi=$want" "$headers=$want" $names) || pass_on_words
	for deb in "$live_new"/*.deb; do
		run_logged "$log" "unpacking $(basename "$deb")" dpkg -x "$deb" "$live_new"
		rm "$deb"
	done
	mv "$live_new/boot/vmlinuz-$abi" "$live_new/kernel"
	mv "$live_new/boot/config-$abi" "$live_new/config"
	# its modules are not needed, and half a gigabyte
	rm -rf "$live_new/lib" "$live_new/boot" "$live_new/usr/share" "$live_new/usr/lib/modules"
	echo "$abi" >"$live_new/abi"
	echo "$want" >"$live_new/stamp"
	live_finish "$dir"
	# the headers name each other by where they would be installed
	sed -i "s|/usr/src/|$dir/usr/src/|" "$dir/usr/src/linux-headers-$abi/Makefile"
}

# pass_on_words: a subshell's last words have been printed
pass_on_words() {
	told=yes
	exit 2
}

# live_key VERSION: what the kit depends on
live_key() {
	cat "$live_dir/packages/$1/stamp"
	(cd "$root/csrc" && cat live/* abi/*.h shim/*.[ch] "$root/scripts/live.sh") | sha256sum
}

# live_kit VERSION: module and init
live_kit() {
	local version=$1 packages=$live_dir/packages/$1 dir=$live_dir/$1 log=$log_dir/live.$1.build.log abi key
	key=$(live_key "$version")
	[ ! -f "$dir/stamp" ] || [ "$(<"$dir/stamp")" != "$key" ] || return 0
	abi=$(<"$packages/abi")
	say "building the module for $abi (log: $(shown "$log"))"
	live_begin "$version"
	mkdir "$live_new/build"
	cp "$root/csrc/live/Kbuild" "$live_new/build/"
	echo '#include <module.c>' >"$live_new/build/gupdiff.c"
	run_logged "$log" "the module for $abi does not build" make -s -C "$packages/usr/src/linux-headers-$abi" \
		M="$live_new/build" GD_CSRC="$root/csrc" GD_SRC="$kernels_dir/$version/src" \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules
	run_logged "$log_dir/live.$1.strip.log" "the module for $abi" strip -g -o "$live_new/gupdiff.ko" "$live_new/build/gupdiff.ko"
	run_logged "$log_dir/live.$1.init.log" "the guest's init does not build" \
		gcc -O2 -Wall -static -I"$root/csrc/abi" -o "$live_new/init" "$root/csrc/live/init.c"
	rm -rf "$live_new/build"
	ln "$packages/kernel" "$live_new/kernel" 2>/dev/null || cp "$packages/kernel" "$live_new/kernel"
	{
		echo "name=$version"
		echo "version=$abi ($(<"$packages/stamp"))"
		echo "rev=$version"
		echo "debug_vm=n"
		echo "config_sha256=$(sha256sum <"$packages/config" | cut -d' ' -f1)"
	} >"$live_new/info"
	echo "$key" >"$live_new/stamp"
	live_finish "$dir"
}

# set_up_live VERSION: all of it; what is there and still valid is left alone
set_up_live() {
	[ -n "$("$root/csrc/kernels/prepare" --package "$1")" ] || die "KERNEL=$1: there is no image of it; there are: $("$root/csrc/kernels/prepare" --list | xargs)"
	case $kernels_dir in *[[:space:]:]*) die "'$kernels_dir': a module cannot be built in a path with blanks or colons" ;; esac
	mkdir -p "$live_dir" "$log_dir" 2>/dev/null || die "cannot write to $(shown "$live_dir")"
	exec 7>"$live_dir/.lock"
	if ! flock -n 7; then
		say "waiting for another set-up to end"
		flock 7
	fi
	need_qemu 7>&-
	live_packages "$1"
	live_kit "$1"
	exec 7>&-
}
