# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Configuring a tree and generating its headers, with the tree's own kbuild.

cc=clang-19

need_tools() {
	local tool missing=()
	for tool in "$cc" gcc make flex bison bc tar xz patch flock; do
		command -v "$tool" >/dev/null || missing+=("$tool")
	done
	echo '#include <gelf.h>' | gcc -fsyntax-only -xc - 2>/dev/null || missing+=("gelf.h (libelf-dev)")
	[ ${#missing[@]} -eq 0 ] || die "missing tools: ${missing[*]} (make setup installs them)"
}

# kbuild SRC OUTPUT LOG WHAT ARGUMENT...
kbuild() {
	local src=$1 out=$2 log=$3 what=$4
	shift 4
	run_logged "$log" "$what" make -s -C "$src" O="$out" ARCH=x86_64 CC="$cc" HOSTCC=gcc -j"$(nproc)" "$@"
}

# check_config FILE DEBUG_VM: what the tree's kconfig did not give.  An option
# that was asked for and is not there is a fact about the tree, which is noted;
# one that must be off and is on would make the harness wrong.
check_config() {
	local file=$1 option want got lacks=() bad=()
	while IFS='= ' read -r option want; do
		got=n
		if grep -q "^$option=y" "$file"; then got=y; fi
		[ "$got" != "$want" ] || continue
		if [ "$want" = y ] && [ "$option" != CONFIG_DEBUG_VM ]; then
			lacks+=("$option")
		else
			bad+=("$option=$want")
		fi
	done < <(sed 's/[[:space:]]*#.*//; /^$/d' "$here/required.config"; echo "CONFIG_DEBUG_VM=$2")
	[ ${#bad[@]} -eq 0 ] || die "$name: what is compiled here needs ${bad[*]} (csrc/kernels/required.config says why)"
	[ ${#lacks[@]} -eq 0 ] || say "not in this tree's configuration: ${lacks[*]}"
	printf '%s\n' "${lacks[@]}"  >"$side/kept/lacks"
}

# kept_on_by OPTION SRC CONFIG: what turns it on there: options that select it or
# that it is on with, as X; options without which it would be off, as !X
kept_on_by() {
	local option=${1#CONFIG_} by
	while read -r by; do
		case $by in
		!*) grep -q "^CONFIG_${by#!}=" "$3" || echo "$by" ;;
		*) ! grep -q "^CONFIG_$by=" "$3" || echo "$by" ;;
		esac
	done < <(find "$2" -name 'Kconfig*' -exec awk -v option="$option" '
		$1 == "config" || $1 == "menuconfig" { of = $2 }
		$1 == "select" && $2 == option { print of }
		of == option && $1 == "def_bool" && $2 != "y" && $2 != "n" {
			not = ""
			for (i = 2; i <= NF; i++) if ($i ~ /^!/) not = $i
			print not == "" ? $2 : not
		}' {} + | sort -u)
}

# is_known OPTION SRC: to the tree's Kconfig
is_known() {
	grep -rqE --include='Kconfig*' --exclude-dir=tests "^[[:space:]]*(menu)?config ${1#CONFIG_}[[:space:]]*$" "$2"
}

# not_so CONFIG WANTED: the options that are not as they were asked for last, as
# "OPTION on" and "OPTION off": as they are
not_so() {
	awk '
		FILENAME == ARGV[1] { if (/^CONFIG_/) { sub(/=.*/, ""); is[$0] = 1 }; next }
		/^CONFIG_/ { sub(/=.*/, ""); wanted[$0] = 1 }
		/^# CONFIG_.* is not set$/ { wanted[$2] = 0 }
		END {
			for (option in wanted)
				if (wanted[option] != (option in is)) print option, option in is ? "on" : "off"
		}' "$1" "$2" | sort
}

# check_wanted SRC CONFIG WANTED: what was asked for by name ("# must: OPTION")
# must be so; of a fragment, what is not so is said
check_wanted() {
	local src=$1 option is by must not=()
	must=" $(sed -n 's/^# must: //p' "$3" | xargs) "
	for option in $must; do
		is_known "$option" "$src" || die "$name: this tree's Kconfig has no ${option#CONFIG_}"
	done
	while read -r option is; do
		case "$is $must" in
		"on"*" $option "*)
			by=$(kept_on_by "$option" "$src" "$2" | xargs)
			die "$name: $option stays on${by:+, by $by}"
			;;
		"off"*" $option "*) die "$name: $option stays off; see its \"depends on\" in the tree's Kconfig" ;;
		*) not+=("$option") ;;
		esac
	done < <(not_so "$2" "$3")
	[ ${#not[@]} -eq 0 ] || say "not as the fragment asks for: ${not[*]}"
}

# kconfig SRC OUTPUT FRAGMENT LOG: .config.  What must be off takes along what
# keeps it on, which is said.
kconfig() {
	local option is by rounds=5 more=1
	while [ $more = 1 ] && [ $((rounds--)) -gt 0 ]; do
		kbuild "$1" "$2" "$4" "configuring $name" KCONFIG_ALLCONFIG="$3" allnoconfig
		[ -f "$dir/config" ] || break
		more=0
		while read -r option is; do
			[ "$is" = on ] && grep -q "^# must: $option$" "$3" || continue
			while read -r by; do
				case $by in
				!*) echo "CONFIG_${by#!}=y" ;;
				# the machine itself, without which there is nothing to compile
				X86* | 64BIT | MMU | SMP) continue ;;
				*) printf '# must: CONFIG_%s\n# CONFIG_%s is not set\n' "$by" "$by" ;;
				esac >>"$3"
				say "$option is kept on by ${by/#!/the lack of }, which changes too"
				more=1
			done < <(kept_on_by "$option" "$1" "$2/.config")
		done < <(not_so "$2/.config" "$3")
	done
}

# configure SRC BUILD: .config and generated headers of one configuration, in $side
configure() {
	local src out=$side/out log=$log_dir/$name.$2 fragment=$side/fragment debug_vm=y
	# kbuild names its files by the folder that it is called in
	src=$(cd "$1" && pwd -P)
	[ "$2" = build ] || debug_vm=n
	cp "$here/fragment.config" "$fragment"
	[ ! -f "$dir/config" ] || cat "$dir/config" >>"$fragment"
	case $debug_vm in
	y) echo CONFIG_DEBUG_VM=y ;;
	n) echo '# CONFIG_DEBUG_VM is not set' ;;
	esac >>"$fragment"
	mkdir -p "$out" "$side/kept"
	kconfig "$src" "$out" "$fragment" "$log.config.log"
	check_config "$out/.config" "$debug_vm"
	[ ! -f "$dir/config" ] || check_wanted "$src" "$out/.config" "$fragment"
	# this makes what `make prepare` makes, and leaves the compiler's command
	kbuild "$src" "$out" "$log.log" "the tree of $name does not build" mm/gup.o
	keep_headers "$out"
	mv "$side/kept" "$side.kept"
	rm -rf "$side"
	mv "$side.kept" "$side"
}

# saved_command BUILD OBJECT SOURCE: kbuild's command without what follows it,
# @SRC@ for the source folder
saved_command() {
	local record source
	record=$1/$(dirname "$2")/.$(basename "$2").cmd
	source=$(sed -n "s|^source_$2 := ||p" "$record")
	sed -n "1s/^[a-z]*cmd_[^ ]* := //p" "$record" | sed "s/[[:space:]]*;.*//; s|${source%/"$3"}/|@SRC@/|g"
}

# keep_headers OUTPUT: only what compiling needs stays, none of it with a path
keep_headers() {
	local out=$1 kept=$side/kept
	mkdir -p "$kept/arch/x86/include"
	saved_command "$out" mm/gup.o mm/gup.c >"$kept/gup.cmd"
	saved_command "$out" kernel/bounds.s kernel/bounds.c >"$kept/bounds.cmd"
	[ -s "$kept/gup.cmd" ] && [ -s "$kept/bounds.cmd" ] || die "kbuild left no command for mm/gup.o of $name"
	# the values that C gives to generated/bounds.h
	sed -n 's/.*\.ascii[[:space:]]*"\(->.*\)".*/\1/p' "$out/kernel/bounds.s" >"$kept/bounds"
	mv "$out/.config" "$out/include" "$kept/"
	mv "$out/arch/x86/include/generated" "$kept/arch/x86/include/"
	find "$kept" -name '*.cmd' ! -name gup.cmd ! -name bounds.cmd -delete
}
