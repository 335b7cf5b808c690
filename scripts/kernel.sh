# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# From KERNEL, PATCH, LEFT and RIGHT to a prepared kernel and two sides.

# is_path WORD: is a KERNEL meant as a tree?
is_path() {
	case $1 in
	*/* | . | .. | '~') return 0 ;;
	*) return 1 ;;
	esac
}

# default_right LEFT: what a side that was named is held against
default_right() {
	case $1 in
	c:*) printf 'rust:%s\n' "${1#c:}" ;;
	rust:*) printf 'c:%s\n' "${1#rust:}" ;;
	*) printf 'none\n' ;;
	esac
}

# tree_name PATH: what a tree's side is called
tree_name() {
	local name
	name=$(basename "$(cd "$1" && pwd -P)" | sed 's/[^A-Za-z0-9._+-]/-/g; s/^[._+-]*//')
	case $name in
	'' | patched-* | *-nodebug) name=tree-${name%-nodebug} ;;
	esac
	if "$root/csrc/kernels/prepare" --list | grep -qxF -- "$name"; then name=tree-$name; fi
	echo "$name"
}

# choose_kernel: sets `left` and `right`; exports GUPDIFF_EXTRA_KERNEL, or
# unsets it when the kernels of the table are enough, and GUPDIFF_MAKE, the
# variables that give the same sides again, for reports
choose_kernel() {
	local kernel=${KERNEL:-6.1} patch=${PATCH:-} name suffix='' args=() rust dir
	unset GUPDIFF_EXTRA_KERNEL
	case $kernel in '~' | '~/'*) kernel=$HOME${kernel#'~'} ;; esac
	if ! wants_kernel; then
		is_series "$kernel" || kernel=none
		[ -z "$patch" ] || die "PATCH: the FOLL_PIN series has no kernel tree to patch; its code is in csrc/series"
		left=${LEFT:-c:$kernel}
		right=${RIGHT:-$(default_right "$left")}
		name_sides
		return
	fi
	if is_path "$kernel"; then
		if [ ! -d "$kernel" ] && [ -d "${kernel%-nodebug}" ]; then
			kernel=${kernel%-nodebug}
			suffix=-nodebug
		fi
		[ -d "$kernel" ] || die "KERNEL=$kernel: no such folder"
		name=$(tree_name "$kernel")
		args=(--tree "$kernel" --name "$name")
	else
		name=${kernel%-nodebug}
		[ "$name" = "$kernel" ] || suffix=-nodebug
		args=("$name")
	fi
	if [ -n "$patch" ]; then
		[ -f "$patch" ] || die "PATCH=$patch: no such file"
		args+=(--patch "$patch")
	fi
	# until it is built in, nobody else shall put another patch in its place
	exec 8>"$kernels_dir/.building"
	if ! flock -n 8; then
		say "waiting for another build to end"
		flock 8
	fi
	"$root/csrc/kernels/prepare" "${args[@]}" 8>&- || pass_on
	[ -z "$patch" ] || name=patched-$name
	dir=$kernels_dir/$name
	rust=$(sed -n 's/^rust=//p' "$dir/info")
	if is_path "$kernel" || [ -n "$patch" ]; then export GUPDIFF_EXTRA_KERNEL=$dir; fi
	left=${LEFT:-c:$name$suffix}
	right=rust:$rust$suffix
	[ "$left" = "c:$name$suffix" ] || right=$(default_right "$left")
	right=${RIGHT:-$right}
	name_sides
}

# name_sides: the variables that give the same sides again
name_sides() {
	local patch=${PATCH:-}
	GUPDIFF_MAKE=KERNEL=$(printf %q "$(from_root "${KERNEL:-6.1}")")
	[ -z "$patch" ] || GUPDIFF_MAKE+=" PATCH=$(printf %q "$(from_root "$patch")")"
	[ -z "${LEFT:-}" ] || GUPDIFF_MAKE+=" LEFT=$(printf %q "$LEFT")"
	[ -z "${RIGHT:-}" ] || GUPDIFF_MAKE+=" RIGHT=$(printf %q "$RIGHT")"
	export GUPDIFF_MAKE
}

# from_root WORD: a path that exists, as seen from the repository, where
# campaigns run; anything else as it is
from_root() {
	case $1 in
	/* | '~'*) printf '%s\n' "$1" ;;
	*)
		if [ "$PWD" != "$root" ] && [ -e "$1" ] && { is_path "$1" || [ -f "$1" ]; }; then
			realpath --relative-to="$root" "$1"
		else
			printf '%s\n' "$1"
		fi
		;;
	esac
}

# kernel_built: what choose_kernel chose may change again
kernel_built() { exec 8>&- || true; }
