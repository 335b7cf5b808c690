# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The distribution's image for a prepared source, with its headers.
#
# The best image is built from exactly this source.  Another one is equivalent if all
# files that mm/gup.c is compiled from are identical; otherwise sites, which are
# identified by their lines, would not be found.
#
#	kernel, config, headers/	as in the packages
#	stamp		the prepared source for which it is used
#	version, abi	its own version
#	sums		hashes of the files under test
#	makeshift	the kbuild package, if it does not satisfy the dependency

# live_kept VERSION: are the packages that are there those of the prepared
# source, or, after an upgrade that left the code under test alone, as good?
live_kept() {
	local dir=$live_dir/packages/$1 want
	[ -f "$dir/stamp" ] && [ -f "$dir/version" ] || return
	want=$(live_tree_version "$1")
	[ "$(<"$dir/stamp")" != "$want" ] || return 0
	[ -f "$dir/sums" ] && live_tree_sums "$1" | cmp -s - "$dir/sums" || return
	say "the image of $(<"$dir/version") is as good for $want: the same mm/gup.c, the same headers"
	echo "$want" >"$dir/stamp"
}

# live_same BUILD: is another build (a line of archive_builds) equivalent for the
# prepared source of $live_version?  It compares the headers first, which are small.
live_same() {
	local version common debs
	read -r version _ _ _ common _ <<<"$1"
	debs=$(archive_debs "$version")
	archive_reason="cannot determine the files that mm/gup.c is compiled from"
	[ -s "$archive_dir/sums" ] || return
	archive_download "$debs" "$common=$version" || return
	archive_unpack "$debs" "$archive_dir/same/$version"
	live_sums_hold "$archive_dir/sums" "$archive_dir/same/$version/usr/src/$common" --ignore-missing || return
	say "comparing with the source of $version"
	live_source "$live_version" "$version" || return
	live_source_same "$archive_dir/sums" "$archive_dir/same/$version.source"
}

# live_packages VERSION: downloads image and headers for the prepared source
live_packages() {
	local live_version=$1 want dir=$live_dir/packages/$1 log=$log_dir/live.$1 link tarball=''
	if live_kept "$1"; then return; fi
	want=$(live_tree_version "$1")
	[ -n "$want" ] || die "the prepared source of $1 does not come from a package"
	command -v apt-get >/dev/null || unavailable "the kernel's packages come from Debian, and there is no apt-get"
	say "packages of Linux $want (logs: $(shown "$log").*)"
	live_begin "packages-$1"
	archive_begin "$live_new/.archive" "$log" "$(live_source_suites "$1")"
	live_tree_sums "$1" >"$archive_dir/sums" || true
	archive_kernel "$1" "$want" live_same ||
		unavailable "there is no image for Linux $want, the prepared source: $archive_reason"
	archive_unpack "$(archive_debs "$taken_version")" "$live_new"
	live_find kernel "boot/vmlinuz-$taken_abi" "usr/lib/modules/$taken_abi/"{vmlinuz,vmlinuz.unsigned}
	live_find config "boot/config-$taken_abi" "usr/lib/modules/$taken_abi/config"
	ln -s "usr/src/linux-headers-$taken_abi" "$live_new/headers"
	# the headers name each other by where they would be installed, and kbuild
	# by the name of the package that they were built with
	sed -i "s|/usr/src/|$dir/usr/src/|" "$live_new/headers/Makefile"
	link=$(basename "$(dirname "$(readlink "$live_new/headers/scripts")")")
	[ -e "$live_new/usr/lib/$link" ] || ln -s "${taken_kbuild% *}" "$live_new/usr/lib/$link"
	[ "$taken_fits" = yes ] || echo "$taken_kbuild" >"$live_new/makeshift"
	[ ! -s "$archive_dir/sums" ] || mv "$archive_dir/sums" "$live_new/sums"
	# its modules are not needed, and half a gigabyte
	rm -rf "${live_new:?}/"{lib,boot,usr/share,usr/lib/modules} "$archive_dir"
	echo "$taken_abi" >"$live_new/abi"
	echo "$taken_version" >"$live_new/version"
	echo "$want" >"$live_new/stamp"
	live_finish "$dir"
	say "$taken_image $taken_version, $taken_kbuild"
	[ "$taken_version" = "$want" ] || say "as good for $want: the same mm/gup.c, the same headers"
}

# live_find NAME FILE...: renames the first of these files that exists to NAME
live_find() {
	local name=$1 file
	shift
	for file in "$@"; do
		[ -f "$live_new/$file" ] || continue
		mv "$live_new/$file" "$live_new/$name"
		return
	done
	unavailable "package $taken_image $taken_version has no $1"
}

# live_version_of FOLDER: what was taken, and for what
live_version_of() {
	local version want
	want=$(<"$1/stamp")
	version=$(cat "$1/version" 2>/dev/null) || version=$want
	case " $want " in
	*" $version "*) echo "$want" ;;
	*) echo "$version, as good as $want" ;;
	esac
}

# live_makeshift NAME: the kbuild package of a kernel that it may not fit
live_makeshift() { cat "$live_dir/packages/$1/makeshift" 2>/dev/null; }
