# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The prepared source with which a booted kernel is compared, its files under test, and
# its source package.

# the folder of the prepared source
live_tree() { echo "$kernels_dir/trees/$1"; }

# live_tree_version VERSION: the version of its package
live_tree_version() { sed -n 's/^origin=[^ ]* //p' "$(live_tree "$1")/info"; }

# live_tree_files VERSION: the files that its mm/gup.c is compiled from, itself included
live_tree_files() {
	local build src
	build=$(live_tree "$1")/build-nodebug
	src=$(realpath "$(live_tree "$1")/src") || return
	# kbuild's own command, to name its files instead of compiling them
	(cd "$build" && eval "$(sed "s|@SRC@|$src|g; s/-Wp,-MMD,[^ ]*//; s/ -c -o [^ ]* / -M /" gup.cmd)") 2>/dev/null |
		tr -s ' \\\n' '\n' | awk -v src="$src/" 'index($0, src) == 1 { print substr($0, length(src) + 1) }' | sort -u
}

# live_tree_sums VERSION: these files with their hashes; if they are equal, the code
# under test is the same, on the same lines
live_tree_sums() {
	local files
	files=$(live_tree_files "$1") || return
	[ -n "$files" ] || return
	(cd "$(live_tree "$1")/src" && xargs sha256sum <<<"$files")
}

live_source_package() { awk -v v="$1" '$1 == v { print $2 }' "$kernels_table"; }
live_source_file() { awk -v v="$1" '$1 == v { print $3 }' "$kernels_table"; }
live_source_suites() { awk -v v="$1" '$1 == v { print $4 }' "$kernels_table"; }
live_sources=/usr/src	# where source packages have their files

# live_source_installed VERSION: the version of its package, if it is
live_source_installed() {
	# shellcheck disable=SC2016 # dpkg's own variables
	dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$(live_source_package "$1")" 2>/dev/null | sed -n 's/^installed //p'
}

# live_source VERSION PACKAGE_VERSION: sets `tarball` to that source, which is
# installed or downloaded already, or is downloaded now
live_source() {
	local package file kept
	package=$(live_source_package "$1")
	kept=$(archive_kept "$package")
	file=$(live_source_file "$1")
	tarball=$live_sources/$file
	if [ "$(live_source_installed "$1")" = "$2" ] && [ -f "$tarball" ]; then return; fi
	tarball=$kept/$file
	if [ "$(cat "$kept/version" 2>/dev/null)" = "$2" ] && [ -f "$tarball" ]; then return; fi
	archive_reason="there is no apt-get to fetch $package"
	command -v apt-get >/dev/null || return
	archive_package "$package" "$2" "$archive_dir/source-$2" || return
	tarball=$archive_dir/source-$2/usr/src/$file
	archive_reason="package $package $2 has no $file"
	[ -f "$tarball" ]
}

# live_source_same SUMS FOLDER: has `tarball` the files of SUMS, as they are
# there?  If not, archive_reason says which is the first that differs.
live_source_same() {
	local log=$archive_log.compare.log
	mkdir -p "$2"
	sed 's|^[^ ]*  |'"$(basename "$tarball" .tar.xz)"'/|' "$1" >"$2.files"
	# a file that is not there is one that differs
	tar -C "$2" --strip-components=1 --use-compress-program='xz -T0' -xf "$tarball" -T "$2.files" >"$log" 2>&1 ||
		grep -q 'Not found in archive' "$log" || die "unpacking $tarball: $(first_error "$log") (log: $(shown "$log"))"
	live_sums_hold "$1" "$2"
}

# live_sums_hold SUMS FOLDER [OPTION]
live_sums_hold() {
	local differs status=0
	differs=$(cd "$2" && sha256sum --quiet ${3:+"$3"} -c "$1" 2>/dev/null | sed 's/: FAILED.*//; 1q') || status=$?
	archive_reason="its ${differs:-source} differs"
	return $status
}

# live_source_as_good VERSION PACKAGE_VERSION: sets `tarball`, and `source` to
# its version: that one, or the installed one if the code under test is the same
live_source_as_good() {
	local why installed
	source=$2
	if live_source "$1" "$2"; then return; fi
	why=$archive_reason
	installed=$(live_source_installed "$1")
	tarball=$live_sources/$(live_source_file "$1")
	if [ -n "$installed" ] && [ -f "$tarball" ] && live_tree_sums "$1" >"$archive_dir/sums"; then
		source=$installed
		if live_source_same "$archive_dir/sums" "$archive_dir/same"; then return; fi
		why+="; $installed, which is installed, is not as good: $archive_reason"
	fi
	archive_reason=$why
	return 1
}
