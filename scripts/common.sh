# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Shared by the scripts: strict mode, messages, first error of a log, clean-up.
#
# A script that fails prints `error: ...` as its last line on standard output, and
# exits with status 2.  A script whose child failed exits with its status and prints
# nothing more.

set -Eeuo pipefail
export LC_ALL=C
# do not inherit settings of a caller's make or kernel build
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
# the scripts' tests use another table; the programs have it built in
kernels_table=${GUPDIFF_KERNELS_TABLE:-$root/csrc/kernels/table}

# a temporary folder, whose path is removed from messages
scratch=/nonexistent

# prefix of messages; scripts override it
prefix=gupdiff

say() { printf '%s: %s\n' "$prefix" "$*"; }

# die MESSAGE: cleans up and exits; the message is the last line
told=''
last_words=''
die() {
	told=yes
	last_words="error: $*"
	# a subshell does not clean up
	[ "$BASHPID" = $$ ] || printf '%s\n' "$last_words"
	exit 2
}

# pass_on: exits; the command that failed has printed its error already
pass_on() {
	told=yes
	exit 2
}

# first_error LOG: the first error in a build's log: of a C compiler, of rustc (with
# file and line) or a build script, or any other
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

# shown PATH: the path, relative to the repository if it is inside
shown() {
	case $1 in "$root"/*) printf '%s\n' "${1#"$root"/}" ;; *) printf '%s\n' "$1" ;; esac
}

# run_logged LOG WHAT COMMAND...: writes all output to LOG; dies with the first error
run_logged() {
	local log=$1 what=$2
	shift 2
	"$@" >"$log" 2>&1 </dev/null && return
	die "$what: $(first_error "$log") (log: $(shown "$log"))"
}

# clean_up: scripts redefine it to remove half-written files
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
trap 'told=yes; exit 2' PIPE	# the reader is gone; clean up

# is_series WORD: is KERNEL a version of the FOLL_PIN series, which needs no kernel
# source?
is_series() { [[ $1 =~ ^v[0-9]+(-[a-z0-9]+)?$ ]]; }

# choose_layers LAYER: sets `layers` to the layers that LAYER means
layers=()
choose_layers() {
	case $1 in
	page | lockless | slow) layers=("$1") ;;
	all) layers=(page lockless slow) ;;
	*) die "LAYER=$1: unknown layer; known: page, lockless, slow, all" ;;
	esac
}

# shipped_corpus: the corpus files of the chosen layers
shipped_corpus() {
	local layer
	printf '%s\n' corpus/seeds corpus/regressions
	for layer in "${layers[@]}"; do echo "corpus/$layer.gup"; done
}

# chosen_corpus: the folders or files of CORPUS, one per line; by default the shipped
# corpus
chosen_corpus() {
	case ${CORPUS:-} in
	'') shipped_corpus ;;
	none) ;;
	*) printf '%s\n' "$CORPUS" ;;
	esac
}

# kernels_wanted: what KERNEL, LEFT and RIGHT need set up, one per line: a path, a
# version of the series, or a kernel of the table; added sides need no set-up
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
			# the configuration after a comma is prepared when it is used
			case $word in *,*-nodebug) word=${word%%,*}-nodebug ;; *,*) word=${word%%,*} ;; esac
			if grep -q "^${word%-nodebug}[[:space:]]" "$kernels_table"; then echo "$word"; fi
			;;
		esac
	done | sort -u
}
