# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Checks of the scripts themselves, and their closing line: `N passed, N failed`.

checks_passed=0 checks_failed=0

# attempt COMMAND...: sets `status`, `output` and its `last` line, of a subshell: the
# command may end it
# shellcheck disable=SC2034 # for the tests
attempt() {
	status=0
	output=$("$@" 2>&1 </dev/null) || status=$?
	last=$(tail -n1 <<<"$output")
}

# check WHAT COMMAND...: does it hold?
check() {
	local what=$1
	shift
	if "$@" >/dev/null 2>&1; then
		checks_passed=$((checks_passed + 1))
	else
		checks_failed=$((checks_failed + 1))
		printf 'FAILED: %s\n  not so: %s\n' "$what" "$*"
		printf '  status %s, output:\n' "${status:-}"
		printf '%s\n' "${output:-}" | sed 's/^/    /'
	fi
}

# equal GOT WANTED, like GOT PATTERN: for check
equal() { [ "$1" = "$2" ]; }
# shellcheck disable=SC2053 # it is a pattern
like() { [[ $1 == $2 ]]; }

# checks_of FILE: those of another process, by what it printed
checks_of() {
	local number
	number=$(tail -n1 "$1")
	sed '$d' "$1"
	if [[ $number =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
		checks_passed=$((checks_passed + BASH_REMATCH[1]))
		checks_failed=$((checks_failed + BASH_REMATCH[2]))
	else
		printf 'FAILED: it did not come to its end\n  %s\n' "$number"
		checks_failed=$((checks_failed + 1))
	fi
}

# checks_end: the closing line; fails if a check has
checks_end() {
	echo "$checks_passed passed, $checks_failed failed"
	# shellcheck disable=SC2034 # read by common.sh
	told=yes
	[ $checks_failed = 0 ]
}
