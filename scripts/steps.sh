# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Steps of `make test`: each passes, fails or is skipped, and the closing line
# counts them: `N passed, N failed`, and `, N skipped: STEP: REASON; ...` where
# that happened.
#
# A step is skipped where what it takes cannot be had on that day.  It says so
# itself: exit status 3 and `skipped: REASON` as its last line.  Status 3 alone is
# a failure like any other.

passed=0 failed=0 skipped=0 skips='' summary=() failures=()

# step NAME COMMAND...
step() {
	local name=$1 start=$SECONDS log status=0 result=ok reason=''
	shift
	log=$log_dir/test-$(tr -cs 'a-z0-9.\n' - <<<"$name" | sed 's/-$//').log
	say "$name"
	"$@" >"$log" 2>&1 </dev/null || status=$?
	[ $status != 3 ] || reason=$(tail -n1 "$log" | sed -n 's/^skipped: //p')
	if [ $status = 0 ]; then
		passed=$((passed + 1))
	elif [ -n "$reason" ]; then
		skipped=$((skipped + 1))
		result=skipped
		skips+="; $name: $reason"
		say "$name skipped: $reason"
	else
		failed=$((failed + 1))
		result=FAILED
		failures+=("$name"$'\t'"$log")
		say "$name FAILED; its output ($(shown "$log")):"
		tail -n 200 "$log" | sed 's/^/    /'
	fi
	summary+=("$(printf '%-40s %-7s %5d s' "$name" "$result" $((SECONDS - start)))${reason:+  $reason}")
}

# ends_clean TARGET VARIABLE...: a step that is a make target whose last line says
# how it ended
ends_clean() {
	local last status=0
	make --no-print-directory -C "$root" "$@" | tee "$log_dir/test-last-line" || status=$?
	last=$(tail -n1 "$log_dir/test-last-line")
	case $status:$last in
	0:clean:*) return 0 ;;
	[1-9]*:skipped:*)
		echo "$last"	# once more, after what make has to say
		return 3
		;;
	*) return 1 ;;
	esac
}

# steps_end: the table, how each failure ended (whoever reads only the end of a long
# output sees what to look at) and the closing line; fails if a step has
steps_end() {
	local failure log
	echo
	[ ${#summary[@]} = 0 ] || printf '%s\n' "${summary[@]}"
	for failure in "${failures[@]}"; do
		log=${failure#*$'\t'}
		printf '\n%s FAILED (%s):\n' "${failure%%$'\t'*}" "$(shown "$log")"
		tail -n 12 "$log" | sed 's/^/    /'
	done
	if [ $skipped = 0 ]; then
		echo "$passed passed, $failed failed"
	else
		echo "$passed passed, $failed failed, $skipped skipped: ${skips#; }"
	fi
	told=yes	# the line above is the last one
	[ $failed = 0 ]
}
