# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Steps of `make test`: each passes, fails or is skipped, and the closing line
# counts them: `N passed, N failed`, and `, N skipped: STEP: REASON; ...` where
# that happened.
#
# A step is skipped where what it takes cannot be had on that day.  It says so
# itself: exit status 3 and `skipped: REASON` as its last line.  Status 3 alone is
# a failure like any other.
#
# Steps that keep one processor busy run side by side, as many as there are
# processors; the others run alone.

passed=0 failed=0 skipped=0 skips='' summary=() failures=()
# of each step its name, its log, and the second in which it began
names=() logs=() starts=()
# the steps that run, by process; as many of these at once
declare -A running=()
lanes=$(nproc)

# step NAME COMMAND...: alone
step() {
	local status=0
	wait_for_steps
	begin "$1"
	shift
	"$@" >"${logs[-1]}" 2>&1 </dev/null || status=$?
	end $((${#names[@]} - 1)) $status
}

# step_beside NAME COMMAND...: beside others of its kind
step_beside() {
	while [ ${#running[@]} -ge "$lanes" ]; do wait_for_one; done
	begin "$1"
	shift
	# in a process group of its own, which an interrupted caller ends
	set -m
	(
		set +m
		clean_up() { :; }
		trap 'exit 2' INT TERM HUP
		"$@" || exit $?
	) >"${logs[-1]}" 2>&1 </dev/null &
	running[$!]=$((${#names[@]} - 1))
	set +m
}

wait_for_steps() { while [ ${#running[@]} -gt 0 ]; do wait_for_one; done; }

wait_for_one() {
	local pid status=0 index
	wait -n -p pid "${!running[@]}" || status=$?
	index=${running[$pid]}
	unset "running[$pid]"
	end "$index" $status
}

# end_steps: for a script's clean_up
end_steps() {
	local pid
	for pid in "${!running[@]}"; do kill -TERM -- "-$pid" 2>/dev/null; done
	{ wait; } 2>/dev/null
}

# begin NAME
begin() {
	names+=("$1")
	logs+=("$log_dir/test-$(tr -cs 'a-z0-9.\n' - <<<"$1" | sed 's/-$//').log")
	starts+=("$SECONDS")
	say "$1"
}

# end INDEX STATUS
end() {
	local name=${names[$1]} log=${logs[$1]} result=ok reason=''
	[ "$2" != 3 ] || reason=$(tail -n1 "$log" | sed -n 's/^skipped: //p')
	if [ "$2" = 0 ]; then
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
	summary[$1]=$(printf '%-40s %-7s %5d s' "$name" "$result" $((SECONDS - starts[$1])))${reason:+  $reason}
}

# ends_clean TARGET VARIABLE...: a step that is a make target whose last line says
# how it ended
ends_clean() {
	local out last status=0
	out=$(make --no-print-directory -C "$root" "$@") || status=$?
	printf '%s\n' "$out"
	last=$(tail -n1 <<<"$out")
	case $status:$last in
	0:clean:*) return 0 ;;
	[1-9]*:skipped:*)
		echo "$last"	# once more, after what make has to say
		return 3
		;;
	*)
		echo "the last line is not \`clean: ...\`"
		return 1
		;;
	esac
}

# steps_end: the table, how each failure ended (whoever reads only the end of a long
# output sees what to look at) and the closing line; fails if a step has
steps_end() {
	local failure log
	wait_for_steps
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
