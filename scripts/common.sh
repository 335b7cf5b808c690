# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Shared by the scripts: strict mode, messages, first error of a log, clean-up.
#
# Whatever a script could not do ends as one line `error: ...`, the last one on
# standard output, and exit status 2.  A script that runs another one passes a
# status on without a word of its own.

set -Eeuo pipefail
export LC_ALL=C
# a caller's make, its job server and a caller's kernel build are not ours
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES CDPATH GREP_OPTIONS
unset ARCH SUBARCH CROSS_COMPILE LLVM LLVM_IAS KCONFIG_CONFIG KBUILD_OUTPUT O
unset KCFLAGS KCPPFLAGS KAFLAGS LOCALVERSION INSTALL_PATH CC CXX CFLAGS CPPFLAGS LDFLAGS HOSTCC

HOME=${HOME:-~}
export HOME
PATH=${CARGO_INSTALL_ROOT:-${CARGO_HOME:-$HOME/.cargo}}/bin:$PATH

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
kernels_dir=${GUPDIFF_KERNELS_DIR:-$root/.kernels}
case $kernels_dir in /*) ;; *) kernels_dir=$PWD/$kernels_dir ;; esac
log_dir=$kernels_dir/log
# the scripts' tests have one of their own; the programs have it built in
kernels_table=${GUPDIFF_KERNELS_TABLE:-$root/csrc/kernels/table}

# a folder made to the side; its name says nothing to anyone in a message
scratch=/nonexistent

# what scripts say of themselves; overridden by a script with a better prefix
prefix=gupdiff

say() { printf '%s: %s\n' "$prefix" "$*"; }

# die MESSAGE: out, with the message as the last line, after the clean-up
told=''
last_words=''
die() {
	told=yes
	last_words="error: $*"
	# a subshell has no clean-up of its own
	[ "$BASHPID" = $$ ] || printf '%s\n' "$last_words"
	exit 2
}

# pass_on: what was called has said its error already
pass_on() {
	told=yes
	exit 2
}

# first_error LOG: the line of a build's log that says what went wrong first:
# of a C compiler, of rustc (with its place) or a build script, of anything
first_error() {
	local line
	line=$(awk '
		{ gsub(/\033\[[0-9;]*m/, "") }
		/\.[chSly]:[0-9]+(:[0-9]+)?: (fatal )?error: / { c = $0; exit }
		place == "" && r != "" && / --> / { place = $2 }
		r == "" && /^ *error(\[E[0-9]+\])?: / && !/custom build command|could not compile/ { r = $0 }
		END { if (c != "") print c; else if (r != "") print r (place == "" ? "" : " (" place ")") }' "$1" |
		sed 's/^ *error: //; s/^ *//') || true
	[ -n "$line" ] || line=$(grep -m1 -E ' error: |: undefined |No space left' "$1") || true
	[ -n "$line" ] || line=$(grep -m1 -E "not found|can't open|cannot execute|No such file" "$1") || true
	[ -n "$line" ] || line=$(grep -m1 -E '\*\*\*|[Ee]rror' "$1") || true
	[ -n "$line" ] || line=$(grep -v '^[[:space:]]*$' "$1" | tail -n1) || true
	if [ "$(df -Pm "$(dirname "$1")" | awk 'NR == 2 { print $4 }')" -lt 2 ]; then line="no space left on the disk"; fi
	printf '%s\n' "${line:-no output}" | sed "s|$scratch/||g"
}

# shown PATH: relative to the repository where that is shorter to read
shown() {
	case $1 in "$root"/*) printf '%s\n' "${1#"$root"/}" ;; *) printf '%s\n' "$1" ;; esac
}

# run_logged LOG WHAT COMMAND...: all output to LOG; dies with the first error
run_logged() {
	local log=$1 what=$2
	shift 2
	"$@" >"$log" 2>&1 </dev/null && return
	die "$what: $(first_error "$log") (log: $(shown "$log"))"
}

# clean_up is what a script redefines to leave nothing half-written
clean_up() { :; }

failed_at=''
on_exit() {
	local status=$?
	trap - EXIT INT TERM HUP PIPE ERR
	set +e
	clean_up
	if [ "$status" != 0 ] && [ -z "$told" ]; then
		last_words="error: $(basename "$0"): ${failed_at:-status $status}"
		status=2
	fi
	[ -z "$last_words" ] || printf '%s\n' "$last_words" 2>/dev/null
	exit "$status"
}
trap on_exit EXIT
trap 'failed_at="line $LINENO: $BASH_COMMAND"' ERR
trap 'die "interrupted; nothing is left half-written"' INT TERM HUP
trap 'told=yes; exit 2' PIPE	# nobody reads on; clean up all the same

# is_series WORD: is a KERNEL a version of the FOLL_PIN series, which needs no
# kernel's source?
is_series() { [[ $1 =~ ^v[0-9]+(-[a-z0-9]+)?$ ]]; }

# choose_layers LAYER: sets `layers` to those that it stands for
layers=()
choose_layers() {
	case $1 in
	page | lockless | slow) layers=("$1") ;;
	all) layers=(page lockless slow) ;;
	*) die "LAYER=$1: unknown; there are: page, lockless, slow, all" ;;
	esac
}

# shipped_corpus: what to start from, for the chosen layers
shipped_corpus() {
	local layer
	printf '%s\n' corpus/seeds corpus/regressions
	for layer in "${layers[@]}"; do echo "corpus/$layer.gup"; done
}

# chosen_corpus: the folders or files of CORPUS, one a line; by default those of
# the chosen layers
chosen_corpus() {
	case ${CORPUS:-} in
	'') shipped_corpus ;;
	none) ;;
	*) printf '%s\n' "$CORPUS" ;;
	esac
}

# kernels_wanted: what KERNEL, LEFT and RIGHT ask to be set up, one a line: a
# path, a version of the series, a kernel of the table; a side that was added
# needs no set-up of its own
kernels_wanted() {
	local word
	{
		if [ -z "${LEFT:-}" ] || [ -n "${PATCH:-}${CONFIG:-}${REV:-}${RENAMED:-}" ]; then echo "${KERNEL:-6.1}"; fi
		printf '%s\n' "${LEFT:-}" "${RIGHT:-}" | sed -n 's/^c://p; s/^rust://p'
	} | while read -r word; do
		case $word in
		*/* | . | .. | '~') echo ./tree ;;
		v[0-9]*) echo "$word" ;;
		*)
			# behind a comma is the configuration, which is prepared when it is used
			case $word in *,*-nodebug) word=${word%%,*}-nodebug ;; *,*) word=${word%%,*} ;; esac
			if grep -q "^${word%-nodebug}[[:space:]]" "$kernels_table"; then echo "$word"; fi
			;;
		esac
	done | sort -u
}
