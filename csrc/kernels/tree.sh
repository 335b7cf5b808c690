# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Kernel trees: information about them, unpacking, linked copies, and keys that detect
# changes.

# hash_of FILE, or - for standard input
hash_of() { sha256sum -- "$1" | cut -d' ' -f1; }

# hash_of_text FILE...: of shell scripts and configuration fragments, without
# comments and blank lines, so that an edit of a comment rebuilds nothing.  Kconfig's
# "# CONFIG_X is not set" and prepare's "# must: CONFIG_X" are no comments.  In a script
# only whole lines count as comments, also in a string of several lines.
hash_of_text() {
	sed -E -e '/^# (CONFIG_[A-Za-z0-9_]+ is not set|must: CONFIG_[A-Za-z0-9_]+)$/b' -e '/^[[:space:]]*(#|$)/d' \
		-e '/^CONFIG_/s/[[:space:]]*#.*//' -- "$@" | hash_of -
}

info_value() { sed -n "s/^$2=//p" "$1/info"; }

table_rows() { grep -v -e '^#' -e '^[[:space:]]*$' "$kernels_table"; }
table_versions() { table_rows | awk '{ print $1 }'; }
table_row() { table_rows | awk -v v="$1" '$1 == v'; }

# package_version NAME: empty if it is not installed
package_version() {
	# shellcheck disable=SC2016 # dpkg's own variables
	dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null | sed -n 's/^installed //p'
}

# source_version PACKAGE: the installed version, else the downloaded one, else empty
source_version() {
	local version
	version=$(package_version "$1")
	[ -n "$version" ] || version=$(cat "$(archive_kept "$1")/version" 2>/dev/null) || true
	echo "$version"
}

# source_file PACKAGE TARBALL: the path of its tarball
source_file() {
	if [ -n "$(package_version "$1")" ]; then echo "/usr/src/$2"; else echo "$(archive_kept "$1")/$2"; fi
}

# tree_version TREE: VERSION.PATCHLEVEL.SUBLEVEL
tree_version() {
	awk -F'[ \t]*=[ \t]*' '
		$1 == "VERSION" { v = $2 } $1 == "PATCHLEVEL" { p = $2 } $1 == "SUBLEVEL" { s = $2 }
		NR > 30 { exit }
		END { if (v != "" && p != "") print v "." p "." (s == "" ? 0 : s) }' "$1/Makefile"
}

# check_tree TREE SHOWN: dies if TREE is not an unpacked kernel tree
check_tree() {
	local file
	for file in Makefile Kbuild mm/gup.c include/linux/mm.h arch/x86/Makefile scripts/kconfig/Makefile; do
		[ -f "$1/$file" ] || die "$2 is not an unpacked kernel tree: it has no $file"
	done
	[ -n "$(tree_version "$1")" ] || die "$2 is not an unpacked kernel tree: its Makefile gives no VERSION and PATCHLEVEL"
}

# nearest_revision V.P.S: the nearest known revision; a major version counts as 20
# minor ones
nearest_revision() {
	table_rows | awk -v want="$1" '
		function place(v, part) { split(v, part, "."); return part[1] * 20 + part[2] }
		{
			d = place($1) - place(want)
			if (d < 0) d = -d
			if (best == "" || d < least) { best = $5; least = d }
		}
		END { print best }'
}

# how_chosen V.P.S REVISION: explains the choice of the revision
how_chosen() {
	local row=${1%.*}
	if [ -n "$(table_row "$row")" ]; then
		echo "the tree's own version"
	else
		echo "the nearest known one; $row has no rules of its own; RIGHT= overrides it"
	fi
}

# need_space MEGABYTES: dies if there is less
need_space() {
	local free
	free=$(df -Pm "$kernels_dir" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$1" ] || die "not enough space for $(shown "$kernels_dir"): $free MB free, $1 MB needed"
}

exclude_globs() { grep -v -e '^#' -e '^[[:space:]]*$' "$here/exclude"; }

# unpack ARCHIVE FOLDER: unpacks it, on all cores, without the excluded parts
unpack() {
	local top
	top=$(basename "$1" .tar.xz)
	mkdir "$2"
	exclude_globs | sed "s|^|$top/|" >"$side/exclude"
	run_logged "$log_dir/$name.unpack.log" "unpacking $1" tar -C "$2" --strip-components=1 \
		--use-compress-program='xz -T0' --anchored --exclude-from="$side/exclude" -xf "$1"
	rm "$side/exclude"
}

# built_in_place TREE: a tree in which a kernel was built has generated headers of
# another configuration
built_in_place() {
	[ -e "$1/.config" ] || [ -e "$1/include/config" ] || [ -e "$1/include/generated" ] ||
		[ -e "$1/arch/x86/include/generated" ]
}

remove_built() {
	rm -rf "$1/.config" "$1/include/config" "$1/include/generated" "$1/arch/x86/include/generated"
}

# link_tree FROM TO: makes a copy that shares files with the original if the
# filesystem can; to change a file in it, replace it, do not write to it
link_tree() {
	local from=$1 to=$2 log=$log_dir/$name.copy.log prune=() glob copy=(cp -a --reflink=auto)
	while read -r glob; do prune+=(-o -path "./$glob"); done < <(exclude_globs)
	mkdir -p "$to"
	# hard links fail across filesystems and for other users' files
	if ln "$from/mm/gup.c" "$to/.probe" 2>/dev/null; then
		copy=(cp -al)
		rm "$to/.probe"
	else
		need_space 600
	fi
	run_logged "$log" "copying $from" copy_files "$from" "$to"
	find "$to" -type d ! -perm -u+w -exec chmod u+w {} +
}

# copy_files: the part of link_tree that may fail; uses its local variables
copy_files() {
	cd "$1" && find . \( -path ./.git "${prune[@]}" -o -name '*.o' -o -name '*.ko' -o -name '*.cmd' \) -prune \
		-o \( -type f -o -type l \) -print0 | xargs -0 "${copy[@]}" --parents -t "$2"
}

# build_key TREE: changes if the configuration or kbuild may have changed
build_key() {
	(cd "$1" && find . \( -path ./.git -o -path ./Documentation -o -path ./tools/testing \) -prune -o \
		-type f \( -name 'Kconfig*' -o -path './scripts/*' -o -path ./Makefile -o -path ./Kbuild \
		-o -path './arch/x86/*' ! -name '*.[chS]' -o -name bounds.c -o -name 'asm-offsets*.c' \) \
		! -name '*.o' ! -name '*.cmd' ! -name '.*' -printf '%P %s %T@\n') | sort | hash_of -
}

# source_key TREE: changes if a source file that mm/gup.c may use has changed
source_key() {
	(cd "$1" && find mm kernel include arch/x86 lib fs \( -path include/generated -o -path include/config \
		-o -path arch/x86/include/generated \) -prune -o -type f -name '*.[ch]' -printf '%p %s %T@\n') | sort | hash_of -
}
