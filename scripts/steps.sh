# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Steps of `make test`: each passes, fails or is skipped.  The last line counts them:
# `N passed, N failed`, and `, N skipped: STEP: REASON; ...` if there are any.
#
# A step is skipped if something that it needs is not available today.  It reports
# this with exit status 3 and `skipped: REASON` as its last line; status 3 without
# this line is a failure.
#
# Single-threaded steps run in parallel, one per processor; the others run alone.

passed=0 failed=0 skipped=0 skips='' summary=() failures=()
# the name, log and start time of each step
names=() logs=() starts=()
# the running steps, by process id, and their maximum number
declare -A running=()
lanes=$(nproc)

# step NAME COMMAND...: runs it alone
step() {
	local status=0
	wait_for_steps
	begin "$1"
	shift
	"$@" >"${logs[-1]}" 2>&1 </dev/null || status=$?
	end $((${#names[@]} - 1)) $status
}

# step_beside NAME COMMAND...: runs it in parallel with others
step_beside() {
	while [ ${#running[@]} -ge "$lanes" ]; do wait_for_one; done
	begin "$1"
	shift
	# in its own process group, which an interrupted caller ends
	set -m
	(
		set +m
		clean_up() { :; }
		trap 'exit 2' INT TERM HUP
		status=0
		("$@") || status=$?
		# bash forgets that of a job which ends while job control is switched
		echo $status >"${logs[-1]}.status"
	) >"${logs[-1]}" 2>&1 </dev/null &
	running[$!]=$((${#names[@]} - 1))
	set +m
}

wait_for_steps() { while [ ${#running[@]} -gt 0 ]; do wait_for_one; done; }

wait_for_one() {
	local pid status=1 index
	while :; do
		for pid in "${!running[@]}"; do
			kill -0 "$pid" 2>/dev/null || break 2
		done
		sleep 0.1
	done
	index=${running[$pid]}
	unset "running[$pid]"
	# without the file it was killed
	[ ! -s "${logs[$index]}.status" ] || read -r status <"${logs[$index]}.status"
	end "$index" "$status"
}

# end_steps: for a script's clean_up()
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
	rm -f "${logs[-1]}.status"
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

# ends_clean TARGET VARIABLE...: a step that runs a make target and checks its last
# line
ends_clean() {
	local out last status=0
	out=$(make --no-print-directory -C "$root" "$@") || status=$?
	printf '%s\n' "$out"
	last=$(tail -n1 <<<"$out")
	case $status:$last in
	0:clean:*) return 0 ;;
	[1-9]*:skipped:*)
		echo "$last"	# again, after the messages of make
		return 3
		;;
	*)
		echo "the last line is not \`clean: ...\`"
		return 1
		;;
	esac
}

# steps_end: prints the table, the end of each failure's output, and the last line;
# fails if a step has failed
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
