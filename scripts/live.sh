# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Prepares a distribution's kernel for booting, from its packages, which are unpacked into a
# folder of their own and not installed:
#
#	.kernels/live/packages/VERSION	image and headers (live-image.sh)
#	.kernels/live/VERSION		what the side live:VERSION reads, see
#					fuzz/harness/src/side/live/kit.rs
#
# or, with -debug after the VERSION, from the source package: a small kernel with
# DEBUG_VM, built once.

# shellcheck source=archive.sh
. "$root/scripts/archive.sh"
# shellcheck source=live-source.sh
. "$root/scripts/live-source.sh"
# shellcheck source=live-image.sh
. "$root/scripts/live-image.sh"

live_dir=$kernels_dir/live
live_new=	# the folder being made

live_clean_up() { [ -z "$live_new" ] || rm -rf "$live_new"; }

live_begin() {
	live_new=$live_dir/.new.$1
	scratch=$live_new
	rm -rf "$live_new"
	mkdir -p "$live_new" || die "cannot write to $(shown "$live_dir")"
}

# live_finish FOLDER: moves the new files to their place
live_finish() {
	local old=$live_dir/.old.${1##*/}
	rm -rf "$old"
	mkdir -p "$(dirname "$1")"
	[ ! -e "$1" ] || mv "$1" "$old"
	mv "$live_new" "$1"
	live_new=
	rm -rf "$old"
}

# unavailable REASON: something is not available today, which is nobody's mistake; scripts
# that report this differently override it
unavailable() { die "$*"; }

# need_qemu: installs QEMU if that needs no password
need_qemu() {
	local package tool missing=()
	while read -r package tool; do
		command -v "$tool" >/dev/null || missing+=("$package")
	done < <(grep -v -e '^#' -e '^[[:space:]]*$' "$root/scripts/live-packages.txt")
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || unavailable "missing: ${missing[*]} (Debian's names; there is no apt-get to install them)"
	can_be_root || unavailable "missing: Debian packages ${missing[*]} (as root: apt-get install ${missing[*]})"
	archive_log=$log_dir/live.apt
	say "Debian packages: ${missing[*]} (logs: $(shown "$archive_log").*)"
	archive_install "${missing[@]}" || unavailable "${missing[*]} cannot be installed: $archive_reason"
}

# keep the static functions of mm/gup.c callable
live_gup_flags="-fno-inline-small-functions -fno-inline-functions-called-once"

# live_debug_kernel VERSION: builds a kernel with DEBUG_VM and all options of the C side;
# takes some minutes, once
live_debug_kernel() {
	local version=$1 name=$1-debug want tarball='' source='' log=$log_dir/live.$1-debug dir start=$SECONDS
	dir=$live_dir/packages/$name
	want="$(live_source_package "$version") $(live_tree_version "$version") $({ echo "$live_gup_flags"
		cat "$root/csrc/kernels/fragment.config" "$root/csrc/live/debug.config"; } | sha256sum | cut -c-12)"
	[ ! -f "$dir/stamp" ] || [ "$(<"$dir/stamp")" != "$want" ] || return 0
	[ "$(df -Pm "$live_dir" | awk 'NR == 2 { print $4 }')" -ge 4000 ] || die "not enough space for $(shown "$live_dir"): 4000 MB are needed"
	say "building a kernel of $version with DEBUG_VM, which takes some minutes (logs: $(shown "$log").*.log)"
	live_begin "packages-$name"
	mkdir "$live_new/src"
	archive_begin "$live_new/.archive" "$log" "$(live_source_suites "$version")"
	live_source_as_good "$version" "$(live_tree_version "$version")" ||
		unavailable "the source package of the prepared $version is not available: $archive_reason"
	run_logged "$log.unpack.log" "unpacking $tarball" tar -C "$live_new/src" --strip-components=1 --use-compress-program='xz -T0' -xf "$tarball"
	cat "$root/csrc/kernels/fragment.config" "$root/csrc/live/debug.config" >"$live_new/fragment"
	live_make "$log.config.log" KCONFIG_ALLCONFIG="$live_new/fragment" allnoconfig
	grep -q '^CONFIG_DEBUG_VM=y' "$live_new/headers/.config" || die "the configuration has no DEBUG_VM"
	live_make "$log.build.log" CFLAGS_gup.o="$live_gup_flags" bzImage modules_prepare
	cp "$live_new/headers/vmlinux.symvers" "$live_new/headers/Module.symvers"
	cp "$live_new/headers/arch/x86/boot/bzImage" "$live_new/kernel"
	cp "$live_new/headers/.config" "$live_new/config"
	# keep what modules are built with
	find "$live_new/headers" \( -name '*.o' -o -name '*.a' -o -name 'vmlinux*' -o -name '*Image' -o -name '*.cmd' \) \
		! -path '*/scripts/*' ! -path '*/tools/*' -type f -delete
	rm -rf "$live_new/src/"{Documentation,drivers,fs,net,sound,samples,crypto} "$archive_dir"
	echo "$version with DEBUG_VM" >"$live_new/abi"
	echo "$source" >"$live_new/version"
	echo "$want" >"$live_new/stamp"
	live_finish "$dir"
	# the build contains the path of its source, which was moved
	sed -i "s|$live_dir/.new.packages-$name|$dir|g" "$dir/headers/Makefile"
	say "built it, $((SECONDS - start)) s"
}

# live_make LOG ARGUMENT...
live_make() {
	local log=$1
	shift
	run_logged "$log" "the kernel does not build" make -s -C "$live_new/src" O="$live_new/headers" ARCH=x86_64 -j"$(nproc)" "$@"
}

# live_key NAME: a hash of the inputs of the module and init
live_key() {
	cat "$live_dir/packages/$1/stamp"
	live_version_of "$live_dir/packages/$1"
	(cd "$root/csrc" && cat live/* abi/*.h shim/*.[ch] shim/port/* "$root/scripts/live.sh") | sha256sum
}

# live_compiler CONFIG: prints arguments for make, one a line: the compiler of the image,
# or, if it is not installed, the machine's own, with the options off that it lacks
live_compiler() {
	local theirs
	theirs=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\) .*/\1/p' "$1")
	if command -v "${theirs:-gcc}" >/dev/null; then
		echo "CC=${theirs:-gcc}"
		return
	fi
	echo CC=gcc
	echo | gcc -fmin-function-alignment=16 -E - >/dev/null 2>&1 || echo CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=
}

# live_programs VERSION HEADERS: kbuild's programs may need a newer C library than this
# machine has; then builds them from the prepared source
live_programs() {
	local log=$log_dir/live.$1.programs program build=$live_new/programs programs=()
	for program in scripts/mod/modpost tools/objtool/objtool; do
		# the program may be a wrapper for those of several architectures; ldd may
		# fail
		if { ldd "$2/$program"* 2>&1 || true; } | grep -q "version .* not found"; then programs+=("$program"); fi
	done
	[ ${#programs[@]} -gt 0 ] || return 0
	say "building ${programs[*]##*/}, which the packages have for a newer C library (logs: $(shown "$log").*)"
	set -- "$1" "$2" make -s -C "$(live_tree "$1")/src" O="$build" ARCH=x86_64
	run_logged "$log.config.log" "kbuild's programs do not build" "${@:3}" KCONFIG_ALLCONFIG="$root/csrc/kernels/fragment.config" allnoconfig
	run_logged "$log.build.log" "kbuild's programs do not build" "${@:3}" -j"$(nproc)" prepare
	for program in "${programs[@]}"; do
		cp "$build/$program" "$build/new"
		mv "$build/new" "$(realpath "$2/$program")"
		rm -f "$(realpath "$2/$program")".real-*
	done
	rm -rf "$build"
}

# live_kit NAME VERSION DEBUG_VM: builds the module and init
live_kit() {
	local name=$1 packages=$live_dir/packages/$1 dir=$live_dir/$1 log=$log_dir/live.$1 abi key unit compiler
	key=$(live_key "$name")
	[ ! -f "$dir/stamp" ] || [ "$(<"$dir/stamp")" != "$key" ] || return 0
	abi=$(<"$packages/abi")
	say "building the module for $abi (log: $(shown "$log.build.log"))"
	live_begin "$name"
	mkdir "$live_new/build"
	cp "$root/csrc/live/Kbuild" "$live_new/build/"
	for unit in ops-start module ops-end; do echo "#include <$unit.c>" >"$live_new/build/$unit.c"; done
	live_programs "$2" "$(realpath "$packages/headers")"
	mapfile -t compiler < <(live_compiler "$packages/config")
	if ! "$gupdiff" module --into "$live_new/build" --log "$log.build.log" -- -s -C "$(realpath "$packages/headers")" \
		M="$live_new/build" GD_SRC="$(live_tree "$2")/src" "${compiler[@]}" \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$log.module.log" 2>&1 </dev/null; then
		[ ! -f "$packages/makeshift" ] || unavailable "no kbuild package fits $abi, and with $(<"$packages/makeshift") the module does not build: $(first_error "$log.build.log")"
		die "the module for $abi does not build: $(first_error "$log.build.log") (log: $(shown "$log.build.log"))"
	fi
	run_logged "$log.strip.log" "the module for $abi" strip -g -o "$live_new/gupdiff.ko" "$live_new/build/gupdiff.ko"
	run_logged "$log.init.log" "the guest's init does not build" \
		gcc -O2 -Wall -D_GNU_SOURCE -static -I"$root/csrc/abi" -o "$live_new/init" "$root/csrc/live/init.c"
	rm -rf "$live_new/build"
	ln "$packages/kernel" "$live_new/kernel" 2>/dev/null || cp "$packages/kernel" "$live_new/kernel"
	{
		echo "name=$name"
		echo "version=$abi ($(live_version_of "$packages"))"
		echo "rev=$2"
		echo "debug_vm=$3"
		echo "config_sha256=$(sha256sum <"$packages/config" | cut -d' ' -f1)"
	} >"$live_new/info"
	echo "$key" >"$live_new/stamp"
	live_finish "$dir"
}

# set_up_live NAME: does all of the above; keeps what is still valid
set_up_live() {
	local version=${1%-debug}
	[ -n "$("$root/csrc/kernels/prepare" --package "$version")" ] || die "live:$1: there is no image of it; there are: $("$root/csrc/kernels/prepare" --list | xargs), and the same with -debug"
	case $kernels_dir in *[[:space:]:]*) die "'$kernels_dir': a module cannot be built in a path with blanks or colons" ;; esac
	mkdir -p "$live_dir" "$log_dir" 2>/dev/null || die "cannot write to $(shown "$live_dir")"
	exec 7>"$live_dir/.lock.$1"
	if ! flock -n 7; then
		say "waiting for another set-up to end"
		flock 7
	fi
	need_qemu 7>&-
	if [ "$1" = "$version" ]; then
		live_packages "$version"
		live_kit "$version" "$version" n
	else
		live_debug_kernel "$version"
		live_kit "$1" "$version" y
	fi
	exec 7>&-
}
