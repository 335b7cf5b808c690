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
	[ ${#bad[@]} -eq 0 ] || die "the configuration of $name is without ${bad[*]} (the tree's kconfig does not give it)"
	[ ${#lacks[@]} -eq 0 ] || say "not in this tree's configuration: ${lacks[*]}"
	printf '%s\n' "${lacks[@]}"  >"$side/kept/lacks"
}

# selected_by OPTION SRC CONFIG: the options that turn it on there
selected_by() {
	local option=${1#CONFIG_} on
	while read -r on; do
		! grep -q "^CONFIG_$on=" "$3" || echo "$on"
	done < <(find "$2" -name 'Kconfig*' -exec awk -v option="$option" '
		$1 == "config" || $1 == "menuconfig" { of = $2 }
		$1 == "select" && $2 == option { print of }' {} + | sort -u)
}

# is_known OPTION SRC: to the tree's Kconfig
is_known() {
	grep -rqE --include='Kconfig*' "^[[:space:]]*(menu)?config ${1#CONFIG_}[[:space:]]*$" "$2"
}

# check_wanted FILE SRC WANTED: is it as it was asked for?  What was asked for by
# name ("# must: OPTION...") must be so; of a file, what is not so is said.
check_wanted() {
	local file=$1 src=$2 must line option is not=()
	must=" $(sed -n 's/^# must: //p' "$3" | xargs) "
	while read -r line; do
		case $line in
		CONFIG_*=*) option=${line%%=*} is=off ;;
		'# CONFIG_'*' is not set') option=${line#\# } option=${option% is not set} is=on ;;
		*) continue ;;
		esac
		if grep -q "^$option=" "$file"; then [ $is = on ] || continue; else [ $is = off ] || continue; fi
		case $must in
		*" $option "*) why_not "$option" "$is" "$src" "$file" ;;
		*) not+=("$option") ;;
		esac
	done <"$3"
	for option in $must; do
		is_known "$option" "$src" || die "$name: this tree's Kconfig has no ${option#CONFIG_}"
	done
	[ ${#not[@]} -eq 0 ] || say "not as its configuration asks for: ${not[*]}"
}

# why_not OPTION on|off SRC CONFIG: it stays so, although it was named
why_not() {
	local by
	is_known "$1" "$3" || return 0
	if [ "$2" = off ]; then die "$name: $1 stays off; see its \"depends on\" in the tree's Kconfig"; fi
	by=$(selected_by "$1" "$3" "$4" | xargs)
	by=${by:+selected by $by: without these too it goes off}
	by=${by:-the tree has no prompt for it}
	die "$name: $1 stays on; $by"
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
	kbuild "$src" "$out" "$log.config.log" "configuring $name" KCONFIG_ALLCONFIG="$fragment" allnoconfig
	check_config "$out/.config" "$debug_vm"
	[ ! -f "$dir/config" ] || check_wanted "$out/.config" "$src" "$dir/config"
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
