# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Applying a unified diff to a linked copy of a prepared kernel.

# patch_table FILE: one line for each file of a diff, in order:
#	FIRST-LINE LAST-LINE NAME LINES-OF-HUNKS (comma-separated, or -)
# Hunks are counted through, so that a removed line `-- x` is no header.
patch_table() {
	awk '
		function flush() { if (from) print from, NR - 1, name == "" ? "?" : name, hunks == "" ? "-" : hunks }
		function open() { flush(); from = NR; name = ""; hunks = ""; old = new = plus = 0 }
		function strip(s) { sub(/\t.*/, "", s); sub(/\r$/, "", s); sub(/^"/, "", s); sub(/"$/, "", s)
			if (s != "/dev/null") sub(/^[^\/]*\/+/, "", s); return s }
		{ line = $0; sub(/\r$/, "", line) }
		old > 0 || new > 0 {
			c = substr(line, 1, 1)
			if (c == " " || c == "") { old--; new--; next }
			if (c == "-") { old--; next }
			if (c == "+") { new--; next }
			if (c == "\\") next
			old = new = 0
		}
		/^diff --git / { open(); name = $NF; name = strip(name); next }
		/^--- / { if (!from || plus) open(); was = strip(substr(line, 5)); next }
		/^\+\+\+ / && from { plus = 1; name = strip(substr(line, 5)); if (name == "/dev/null") name = was; next }
		/^@@ -/ && plus {
			split($2, a, ","); split($3, b, ",")
			old = (a[2] == "" ? 1 : a[2]) + 0; new = (b[2] == "" ? 1 : b[2]) + 0
			hunks = hunks (hunks == "" ? "" : ",") NR
		}
		END { NR++; flush() }' "$1"
}

# why_not OUTPUT FILE: patch's first complaint as one line, with the place in
# the file where it can be told
why_not() {
	local target hunk at reason
	read -r target hunk at < <(awk '
		/^(checking|patching) file / { file = $3; gsub(/\047/, "", file) }
		/^Hunk #[0-9]+ FAILED at / { sub(/#/, "", $2); sub(/\.$/, "", $5); print file, $2, $5; exit }' "$1") || true
	if [ -n "${hunk:-}" ]; then
		local lines place
		lines=$(patch_table "$2" | awk -v f="$target" '$3 == f { print $4; exit }')
		place=$(cut -d, -f"$hunk" <<<"$lines")
		echo "$target: hunk #$hunk (line $place of $(basename "$2")) does not match around line $at"
		return
	fi
	if grep -q 'Reversed (or previously applied)' "$1"; then
		target=$(sed -n 's/^\(checking\|patching\) file //p' "$1" | head -n1)
		echo "$target: the change is already there"
		return
	fi
	if grep -q "can't find file to patch" "$1"; then
		target=$(sed -n 's/^|+++ [^/]*\/*\([^\t]*\).*/\1/p' "$1" | head -n1)
		echo "no file ${target:-to patch} in this tree (paths are taken as with patch -p1)"
		return
	fi
	reason=$(grep -m1 -E 'malformed|garbage|\*\*\*\*|FAILED|fail' "$1" | sed 's/^patch: *//; s/^\*\*\*\* *//') || true
	echo "${reason:-$(tail -n1 "$1")}"
}

# check_diff FILE: is it a unified diff at all?
check_diff() {
	[ -n "$(patch_table "$1" | awk '$3 != "?"')" ] || die "$(shown "$1") is not a unified diff"
}

# relevant_part FILE BASE-SRC OUT: the diff without the files that are not
# unpacked here; their names on standard output
relevant_part() {
	local first last target _ skipped=()
	while read -r first last target _; do
		if [ ! -e "$2/$target" ] && excluded "$target"; then
			skipped+=("$target")
		else
			sed -n "$first,${last}p" "$1" >>"$3"
		fi
	done < <(patch_table "$1")
	echo "${skipped[*]}"
}

# touches TARGETS REGEX
touches() { grep -qE "$2" <<<"$1"; }

# apply_patch FILE BASE-FOLDER BASE: makes $side/{src,build,build-nodebug}
apply_patch() {
	local file=$1 dir=$2 base=$3 part=$side/patch log=$log_dir/$name.patch.log skipped targets before
	local src args
	args=(-p1 --batch --forward --no-backup-if-mismatch)
	src=$(cd "$dir/src" && pwd -P)
	check_diff "$file"
	: >"$part"
	skipped=$(relevant_part "$file" "$src" "$part")
	[ -z "$skipped" ] || say "note: left out, mm/gup.c does not reach it: $skipped"
	targets=$(patch_table "$part" | awk '{ print $3 }' | sort -u)
	if [ -s "$part" ] && ! patch "${args[@]}" --dry-run -d "$src" <"$part" >"$log" 2>&1; then
		sed 's/^/    /' "$log"
		die "$(basename "$file") does not apply to Linux $(info_value "$dir" version): $(why_not "$log" "$file")"
	fi

	say "applying $(basename "$file") to a linked copy of $base"
	before=$(hashes_of "$src" "$targets")
	link_tree "$src" "$side/src"
	# patch replaces files, it does not write to them: the links break
	[ ! -s "$part" ] || run_logged "$log" "applying $(basename "$file")" patch "${args[@]}" -d "$side/src" -i "$part"
	rm "$part"
	[ "$before" = "$(hashes_of "$src" "$targets")" ] || die "patch wrote to the original in $src; remove it and run make setup"
	grep -E 'offset|fuzz' "$log" | sed 's/^/    /' || true

	if touches "$targets" '(^|/)(Kconfig[^/]*|Makefile|Kbuild)$|^scripts/|^arch/x86/.*\.(tbl|sh)$' ||
		{ touches "$targets" '\.h$|(^|/)bounds\.c$' && ! generated_hold "$side/src" "$dir"; }; then
		say "the patch changes generated headers"
		build_both lenient
	else
		ln -s "../$base/build" "$side/build"
		ln -s "../$base/build-nodebug" "$side/build-nodebug"
	fi
	compiles
}

# hashes_of TREE FILES: of those that exist
hashes_of() {
	local f
	while read -r f; do
		[ ! -f "$1/$f" ] || sha256sum "$1/$f"
	done <<<"$2"
}

# compiles: the patched file is at least C; told now, not after a long build
compiles() {
	local command log=$log_dir/$name.compile.log
	command=$(<"$side/build/gup.cmd")
	command=${command//@SRC@/$side/src}
	command=${command/-Wp,-MMD,mm\/.gup.o.d/}
	command=${command/-c -o mm\/gup.o/-fsyntax-only}
	(cd "$side/build/" && eval "$command") >"$log" 2>&1 ||
		die "the patched kernel does not compile: $(first_error "$log")"
}
