# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Finds and downloads kernel packages from a Debian archive.  Archives change:
# signed images appear days after the other packages, mirrors list packages that
# are gone, versions come and go.
#
# A function gets the requested package or an equivalent one; otherwise it fails
# and sets `archive_reason`.  It only dies of errors of this machine (a full disk,
# a broken dpkg).
#
# apt runs with the machine's configuration, including $APT_CONFIG.  The machine's
# package lists are read and never written: newer lists are downloaded to a
# separate folder, without root.  So are the lists of suites that the machine does
# not have: from its own mirrors, with Debian's signature; its sources are not
# changed.

archive_dir=		# the download folder
archive_suites=''	# more suites to search
# the keys that must have signed them
archive_keyring=${GUPDIFF_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}
archive_log=		# prefix of the logs' names
archive_apt=()		# options for apt, once there are separate lists
archive_reason=''
archive_refreshed=''
archive_unreached=''	# why newer lists could not be downloaded
archive_offline=''	# set if no server answers: stop trying
archive_others=4	# number of other versions to compare
archive_added=()	# suites whose lists were also downloaded
archive_alone=''	# `yes`: without the machine's own sources
archive_not_added=''	# why other suites were not added

# what archive_kernel found
taken_version='' taken_abi='' taken_image='' taken_kbuild=''
taken_fits=''		# `no`: the kbuild package does not satisfy Debian's dependency

# archive_begin FOLDER LOG [SUITE,...]
archive_begin() {
	archive_dir=$1 archive_log=$2 archive_suites=${3:-}
	archive_apt=() archive_reason='' archive_refreshed='' archive_unreached='' archive_offline=''
	archive_added=() archive_alone='' archive_not_added=''
	mkdir -p "$archive_dir"
}

# archive_error LOG: apt's first error, shortened
archive_error() {
	local line
	line=$(grep -m1 '^E: ' "$1") || line=$(tail -n1 "$1")
	sed 's/^E: //; s/ *\[IP: [^]]*\]//; s/[[:space:]]\+/ /g; s/ $//
		s|^Failed to fetch [^ ]*/\([^ /]*\.deb\) |\1: |' <<<"${line:-no output}"
}

# archive_failed LOG WHAT: dies of an error of this machine; others are the archive's
archive_failed() {
	archive_reason=$(archive_error "$1")
	! grep -qE '^E: .*(No space left|enough free space|Read-only file system|Permission denied|returned an error code|dpkg was interrupted|Could not get lock)' "$1" ||
		die "$2: $archive_reason (log: $(shown "$1"))"
}

# archive_out_of_reach LOG: did no server answer?
archive_out_of_reach() {
	grep -qE '^E: .*(Could not (resolve|connect)|Unable to connect|Temporary failure|Connection (failed|refused|timed out)|[Nn]etwork is unreachable)' "$1"
}

# archive_path OPTION: a path of apt's configuration
archive_path() { apt-config shell path "$1" 2>/dev/null | sed "s/^path='//; s/'\$//"; }

# archive_targets: the machine's suites: URI|SUITE|COMPONENT|ORIGIN; without
# ORIGIN if there are no lists yet
archive_targets() {
	local option
	for option in --release-info --no-release-info; do
		# shellcheck disable=SC2016 # apt's own variables
		apt-get indextargets $option --format '$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)' 'Created-By: Packages' 2>/dev/null || true
	done | sed 's/\$(ORIGIN)$//'
}

# archive_mirror main|security: Debian's mirror, from the suites on standard input
archive_mirror() {
	awk -F'|' -v kind="$1" '
		$3 != "main" || ($2 ~ /(-security|\/updates)$/) != (kind == "security") { next }
		$4 == "Debian" { print $1; found = 1; exit }
		$4 != "" { others[$1] }
		!($1 in others) && maybe == "" { maybe = $1 }
		END { if (!found) print maybe }'
}

# archive_add_suites: writes the available ones of $archive_suites to
# archive_added and the file `suites.sources`, except those that are in the
# machine's sources, if these are used, too
archive_add_suites() {
	local targets suite kind mirror why
	declare -A without=()
	targets=$(archive_targets)
	: >"$archive_dir/suites.sources"
	for suite in ${archive_suites//,/ }; do
		kind=main
		case $suite in *-security) kind=security ;; esac
		mirror=$(archive_mirror $kind <<<"$targets")
		if [ -z "$mirror" ]; then
			without["no $kind mirror of Debian is configured for"]+=", $suite"
			continue
		elif [ -z "$archive_alone" ] && grep -q "^[^|]*|$suite|main|" <<<"$targets"; then
			continue
		elif [ ! -f "$archive_keyring" ]; then
			without["there is no $archive_keyring (as root: apt-get install debian-archive-keyring) to check"]+=", $suite"
			continue
		fi
		archive_added+=("$suite")
		printf '%s\n' "Types: deb" "URIs: $mirror" "Suites: $suite" "Components: main" "Architectures: amd64" \
			"Targets: Packages" "Signed-By: $archive_keyring" '' >>"$archive_dir/suites.sources"
	done
	for why in "${!without[@]}"; do archive_not_added+="; $why ${without[$why]#, }"; done
}

# archive_conf: apt's configuration for the separate lists
archive_conf() {
	local parts file
	cat <<-END
		Dir::State::Lists "$archive_dir/lists";
		Dir::Cache "$archive_dir/cache";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		APT::Update::Error-Mode "any";
	END
	[ ${#archive_added[@]} -gt 0 ] || return 0
	parts=$(archive_path Dir::Etc::sourceparts/d)
	mkdir -p "$archive_dir/sources"
	mv "$archive_dir/suites.sources" "$archive_dir/sources/"
	if [ -n "$archive_alone" ]; then
		echo 'Dir::Etc::sourcelist "/dev/null";'
	else
		for file in "$parts"/*.list "$parts"/*.sources; do
			[ ! -f "$file" ] || ln -s "$file" "$archive_dir/sources/machine-${file##*/}"
		done
	fi
	cat <<-END
		Dir::Etc::sourceparts "$archive_dir/sources";
		#clear APT::Default-Release;
		Acquire::AllowInsecureRepositories "false";
		Acquire::AllowWeakRepositories "false";
		Acquire::AllowDowngradeToInsecureRepositories "false";
		APT::Get::AllowUnauthenticated "false";
	END
}

# archive_refresh ROWS: downloads newer lists and those of other suites, once; fails
# the second time.  ROWS are the matches in the machine's lists; if there are none,
# its own sources are not queried again.
archive_refresh() {
	local machine lists=$archive_dir/lists log=$archive_log.update.log
	[ -z "$archive_refreshed" ] || return 1
	archive_refreshed=yes
	mkdir -p "$lists/partial" "$archive_dir/cache/archives/partial"
	[ -n "$1" ] || archive_alone=yes
	archive_add_suites
	[ ${#archive_added[@]} -gt 0 ] || archive_alone=
	if [ -n "$archive_alone" ]; then
		say "searching ${archive_added[*]}"
	else
		say "downloading newer package lists${archive_added:+, also of ${archive_added[*]}}"
		machine=$(archive_path Dir::State::Lists/d)
		# lists that did not change or cannot be reached are kept
		cp -p "$machine"/*_* "$lists/" 2>/dev/null || true
	fi
	# without side effects on this machine
	archive_conf >"$archive_dir/apt.conf"
	archive_apt=(-c "$archive_dir/apt.conf")
	apt-get "${archive_apt[@]}" -q update >"$log" 2>&1 </dev/null && return
	archive_failed "$log" "apt-get update"
	archive_unreached=$archive_reason
}

# archive_show PACKAGE...: the downloadable ones: PACKAGE VERSION DEPENDS
archive_show() {
	[ $# -gt 0 ] || return 0
	{ apt-cache "${archive_apt[@]}" show "$@" 2>/dev/null || true; } | awk '
		function row() {
			if (file) print package, version, depends == "" ? "-" : depends
			package = version = depends = file = ""
		}
		/^Package: / { package = $2 }
		/^Version: / { version = $2 }
		/^Filename: / { file = 1 }	# none: installed, and in no archive
		/^Depends: / { depends = substr($0, 10); gsub(/ /, "", depends) }
		/^$/ { row() }
		END { row() }' | sort -u
}

# archive_names PATTERN: matching package names
archive_names() { apt-cache "${archive_apt[@]}" pkgnames linux- 2>/dev/null | grep -E "^linux-($1)\$" || true; }

# archive_list SERIES: writes the downloadable packages of kernels of that series to
# the file `table`: PACKAGE VERSION DEPENDS
archive_list() {
	local series=${1//./\\.} packages=()
	mapfile -t packages < <(archive_names "(image|base|binary)-$series\\.[0-9].*-amd64(-unsigned)?|binary-unsigned-$series\\.[0-9].*-amd64|headers-$series\\.[0-9].*-(amd64|common)|kbuild-$series(\\..*)?|source-$series")
	archive_show "${packages[@]}" | awk '$1 !~ /-(cloud|rt)-amd64/'
} >"$archive_dir/table"

# archive_builds: the builds of the table with both image and headers; an unsigned
# image is the same kernel without the signature:
# VERSION ABI IMAGE HEADERS COMMON KBUILD LEAST (the lowest version of kbuild)
# BASE (the package with the configuration, if not the image).  A newer
# linux-image-* is empty: the kernel is in linux-binary-*, its configuration in
# linux-base-*.
archive_builds() {
	awk '
	{ there[$1, $2]; rows[NR] = $0 }
	END {
		for (i = 1; i <= NR; i++) {
			split(rows[i], row, " ")
			if (row[1] !~ /^linux-headers-.*-amd64$/) continue
			abi = substr(row[1], length("linux-headers-") + 1)
			common = kbuild = ""
			least = "-"
			n = split(row[3], depends, ",")
			for (k = 1; k <= n; k++) {
				split(depends[k], part, /[(|)]/)
				if (part[1] ~ /^linux-headers-.*-common$/) common = part[1]
				if (part[1] ~ /^linux-kbuild-/) {
					kbuild = part[1]
					if (sub(/^>?=/, "", part[2])) least = part[2]
				}
			}
			if (kbuild == "" || !((common, row[2]) in there)) continue
			base = "linux-base-" abi
			image = "linux-image-" abi
			unsigned = image "-unsigned"
			if ((base, row[2]) in there) {
				image = "linux-binary-" abi
				unsigned = "linux-binary-unsigned-" abi
			} else {
				base = "-"
			}
			rest = row[1] " " common " " kbuild " " least " " base
			if ((image, row[2]) in there) print row[2], abi, image, rest
			if ((unsigned, row[2]) in there) print row[2], abi, unsigned, rest
		}
	}' "$archive_dir/table"
}

# archive_lacks SERIES VERSION: describes the missing part of a build
archive_lacks() {
	awk -v series="$1" -v version="$2" '
	$2 != version { next }
	$1 ~ /^linux-headers-.*-amd64$/ { abi = substr($1, length("linux-headers-") + 1) }
	$1 ~ /^linux-headers-.*-common$/ { common = 1 }
	$1 ~ /^linux-(image|binary)-/ { image = 1 }
	END {
		if (abi == "") what = "linux-headers-" series ".*-amd64"
		else if (!image) what = "linux-image-" abi ", signed or unsigned,"
		else if (!common) what = "linux-headers-*-common"
		else what = "linux-image-" abi " with what its headers depend on"
		print "no " what " of version " version " is in the package lists"
	}' "$archive_dir/table"
}

# archive_nearest VERSION: sorts the versions on standard input, the nearest first
archive_nearest() {
	{ cat; echo "$1"; } | sort -Vu | awk -v want="$1" '
		{ v[NR] = $0 }
		$0 == want { at = NR }
		END {
			for (d = 1; d < NR; d++) {
				if ((at + d) in v) print v[at + d]
				if ((at - d) in v) print v[at - d]
			}
		}'
}

# archive_kbuilds KBUILD LEAST VERSION: all kbuild packages of the series, the best
# first: NAME VERSION FITS.  They contain programs, not headers, so every one that
# satisfies the dependency is equivalent; others may work.
archive_kbuilds() {
	local name=$1 least=$2 version=$3 package has fitting='' others=''
	declare -A named
	while read -r package has _; do
		case $package in linux-kbuild-*) named[$has]+="$package " ;; esac
	done <"$archive_dir/table"
	while read -r has; do
		[ -n "$has" ] || continue
		for package in ${named[$has]:-}; do
			if [ "$package" = "$name" ] && { [ "$least" = - ] || dpkg --compare-versions "$has" ge "$least"; }; then
				fitting+="$package $has yes"$'\n'
			else
				others+="$package $has no"$'\n'
			fi
		done
	done < <(echo "$version"; printf '%s\n' "${!named[@]}" | archive_nearest "$version")
	printf %s "$fitting$others"
}

# archive_download FOLDER PACKAGE=VERSION...: downloads all or none; files that
# exist already are kept
archive_download() {
	local folder=$1 package version missing=() log
	shift
	log=$archive_log.${1%%=*}.log
	for package in "$@"; do
		version=${package#*=}
		[ -n "$(compgen -G "$folder/${package%%=*}_${version//:/%3a}_*.deb")" ] || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	mkdir -p "$folder"
	(cd "$folder" && apt-get "${archive_apt[@]}" -q download "${missing[@]}") >"$log" 2>&1 </dev/null && return
	for package in "${missing[@]}"; do rm -f "$folder/${package%%=*}_"*; done
	archive_failed "$log" "downloading ${missing[*]%%=*}"
	if archive_out_of_reach "$log"; then
		archive_offline=yes
		archive_reason="the archive is out of reach ($archive_reason)"
	fi
	return 1
}

# archive_debs VERSION: the folder for the packages of a build
archive_debs() { echo "$archive_dir/debs/$1"; }

# archive_take BUILD: downloads all packages of a build
archive_take() {
	local version abi image headers common kbuild least base debs name has fits parts
	read -r version abi image headers common kbuild least base <<<"$1"
	debs=$(archive_debs "$version")
	archive_reason="no linux-kbuild package for $abi is in the package lists"
	taken_kbuild=
	while read -r name has fits; do
		if ! archive_download "$debs" "$headers=$version" "$common=$version" "$name=$has"; then
			[ -z "$archive_offline" ] || break
			continue
		fi
		taken_kbuild="$name $has" taken_fits=$fits
		break
	done < <(archive_kbuilds "$kbuild" "$least" "$version")
	[ -n "$taken_kbuild" ] || return 1
	parts=("$image=$version")
	[ "$base" = - ] || parts+=("$base=$version")
	archive_download "$debs" "${parts[@]}" || return
	taken_version=$version taken_abi=$abi taken_image=$image
}

# archive_try SERIES VERSION: downloads the first available build of the version
archive_try() {
	local build builds
	builds=$(archive_builds | awk -v v="$2" '$1 == v')
	if [ -z "$builds" ]; then
		archive_reason=$(archive_lacks "$1" "$2")
		return 1
	fi
	while read -r build; do
		! archive_take "$build" || return 0
		[ -z "$archive_offline" ] || break
	done <<<"$builds"
	return 1
}

# archive_kernel SERIES VERSION SAME: downloads image, headers and kbuild of that
# version, else of the nearest equivalent one: SAME is a function that compares a
# line of archive_builds.  Sets taken_*; the packages are in archive_debs.
archive_kernel() {
	local series=$1 want=$2 same=$3 why version build number=0 nearest=''
	archive_list "$series"
	! archive_try "$series" "$want" || return 0
	if [ -z "$archive_offline" ] && archive_refresh "$(<"$archive_dir/table")"; then
		archive_list "$series"
		! archive_try "$series" "$want" || return 0
	fi
	why=$archive_reason
	[ -z "$archive_offline" ] || return 1
	while read -r version; do
		build=$(archive_builds | awk -v v="$version" '$1 == v && !seen++')
		if "$same" "$build" && archive_try "$series" "$version"; then return; fi
		number=$((number + 1))
		[ $number != 1 ] || nearest="$version: $archive_reason"
		[ -z "$archive_offline" ] || break
	done < <(archive_builds | awk -v v="$want" '$1 != v { print $1 }' | archive_nearest "$want" | head -n "$archive_others")
	[ -z "$archive_unreached" ] || why+=" (newer lists are not available: $archive_unreached)"
	[ -s "$archive_dir/table" ] || why+=$archive_not_added
	[ $number = 0 ] || why+="; none of the nearest $number other versions is equivalent ($nearest)"
	archive_reason=$why
	return 1
}

# archive_package PACKAGE VERSION FOLDER: downloads and unpacks one package
archive_package() {
	local debs
	debs=$(archive_debs "$1-$2")
	if ! archive_download "$debs" "$1=$2"; then
		[ -z "$archive_offline" ] && archive_refresh "$(archive_show "$1")" && archive_download "$debs" "$1=$2" || return
	fi
	archive_unpack "$debs" "$3"
}

# archive_newest PACKAGE FOLDER [VERSION]: downloads and unpacks the newest available
# version, unless it is VERSION.  Sets taken_version.
archive_newest() {
	local package=$1 folder=$2 debs rows version failed=''
	rows=$(archive_show "$package")
	while read -r version; do
		[ -n "$version" ] || continue
		if [ "$version" != "${3:-}" ]; then
			debs=$(archive_debs "$package-$version")
			if ! archive_download "$debs" "$package=$version"; then
				[ -z "$archive_offline" ] || return 1
				# outdated lists name packages that are gone
				! archive_refresh "$rows" || { archive_newest "$@"; return; }
				failed=$archive_reason
				continue
			fi
			archive_unpack "$debs" "$folder"
		fi
		taken_version=$version
		return
	done < <(awk '{ print $2 }' <<<"$rows" | sort -rV)
	! archive_refresh "$rows" || { archive_newest "$@"; return; }
	archive_reason=${failed:-$(archive_has_no "$package")}$archive_not_added
	return 1
}

# archive_has_no PACKAGE: explains why no list has it
archive_has_no() {
	local suite lists=() missing='' others log=$archive_log.update.log
	for suite in "${archive_added[@]}"; do
		if [ -n "$(compgen -G "$archive_dir/lists/*_dists_${suite//\//_}_*Release")" ]; then
			lists+=("$suite")
		else
			missing+="; $suite is not available: $(archive_error <(grep "[ /]$suite[ /]" "$log"))"
		fi
	done
	if [ -n "$archive_unreached" ] && [ ${#lists[@]} -eq 0 ] && archive_out_of_reach "$log"; then
		echo "the archive is out of reach ($archive_unreached)"
		return
	fi
	[ -n "$archive_alone" ] || lists=("the machine's package lists" "${lists[@]}")
	if [ ${#lists[@]} -gt 0 ]; then
		# shellcheck disable=SC2046 # a list of words
		others=$(archive_show $(archive_names 'source-[0-9.]+') | awk '{ print $1 }' | sort -uV | xargs)
		missing="; it is not in $(archive_and "${lists[@]}"), where there is ${others:-no linux-source-* at all}$missing"
	fi
	echo "${missing#; }"
}

# archive_and WORDS...: in words
archive_and() { local IFS=,; sed 's/,/, /g' <<<"$*"; }

# archive_kept PACKAGE: the folder of a source package that was fetched aside:
# its tarball, and the file `version`
archive_kept() { echo "$kernels_dir/sources/$1"; }

# archive_unpack DEBS FOLDER
archive_unpack() {
	local deb
	mkdir -p "$2"
	for deb in "$1"/*.deb; do
		run_logged "$archive_log.unpack.log" "unpacking ${deb##*/}" dpkg-deb -x "$deb" "$2"
	done
}

# archive_install PACKAGE...: on this machine, as root
archive_install() {
	local log=$archive_log.install.log
	! archive_as_root install --no-install-recommends "$@" >"$log" 2>&1 </dev/null || return 0
	archive_failed "$log" "apt-get install $*"
	archive_as_root update >"$archive_log.update.log" 2>&1 </dev/null || archive_failed "$archive_log.update.log" "apt-get update"
	! archive_as_root install --no-install-recommends "$@" >"$log" 2>&1 </dev/null || return 0
	archive_failed "$log" "apt-get install $*"
	return 1
}

archive_as_root() {
	local get=(env DEBIAN_FRONTEND=noninteractive ${APT_CONFIG:+"APT_CONFIG=$APT_CONFIG"}
		apt-get -y -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
	if [ "$(id -u)" = 0 ]; then "${get[@]}" "$@"; else sudo -n "${get[@]}" "$@"; fi
}
can_be_root() { [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }; }
