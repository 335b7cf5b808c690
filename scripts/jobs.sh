# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Runs jobs in parallel.  Their output is shown at once, except their last line,
# `error: ...`, which becomes the caller's.  An interrupted caller ends its jobs and all
# their children.

job_dir=
jobs_running=()

begin_jobs() { job_dir=$(mktemp -d "$kernels_dir/.jobs.XXXXXX") || die "cannot write to $(shown "$kernels_dir")"; }

# end_jobs: for a script's clean_up()
end_jobs() {
	local pid
	for pid in "${jobs_running[@]}"; do kill -TERM -- "-$pid" 2>/dev/null; done
	{ wait; } 2>/dev/null
	jobs_running=()
	[ -z "$job_dir" ] || rm -rf "$job_dir"
}

# job COMMAND...: runs it in the background, in its own process group
job() {
	set -m
	(
		set +m
		jobs_running=()
		clean_up() { :; }
		trap 'exit 2' INT TERM HUP
		"$@"
	) > >(keep_last_words "$job_dir/${#jobs_running[@]}.error") 2>&1 &
	jobs_running+=($!)
	set +m
}

keep_last_words() {
	local line
	trap '' INT TERM HUP
	while IFS= read -r line; do
		case $line in
		'error: '*) printf '%s\n' "${line#error: }" >"$1" ;;
		Terminated) ;;	# a shell's own remark on a job that was ended
		*) printf '%s\n' "$line" ;;
		esac
	done
}

# wait_for_jobs: prints progress every 20 seconds; dies with the errors of the jobs
wait_for_jobs() {
	local i failed=0 words start=$SECONDS next=$((SECONDS + 20)) running=("${jobs_running[@]}")
	while [ ${#running[@]} -gt 0 ]; do
		for i in "${!running[@]}"; do
			if ! kill -0 "${running[i]}" 2>/dev/null; then
				wait "${running[i]}" || failed=1
				unset "running[i]"
			fi
		done
		if [ "$SECONDS" -ge "$next" ]; then
			say "... $((SECONDS - start)) s"
			next=$((SECONDS + 20))
		fi
		sleep 0.1
	done
	jobs_running=()
	[ $failed = 1 ] || return 0
	sleep 0.1	# the reader of a job's output ends after the job
	words=$(cat "$job_dir"/*.error 2>/dev/null | paste -sd'|' | sed 's/|/; /g')
	die "${words:-a step failed without a message (logs: $(shown "$log_dir"))}"
}
