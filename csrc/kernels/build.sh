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

# kbuild OUTPUT LOG WHAT ARGUMENT...
kbuild() {
	local out=$1 log=$2 what=$3
	shift 3
	run_logged "$log" "$what" make -s -C "$side/src" O="$out" ARCH=x86_64 CC="$cc" HOSTCC=gcc -j"$(nproc)" "$@"
}

# known_options: every option that the tree in $side/src has, one a line
known_options() {
	find "$side/src/" -path '*/.git' -prune -o -name 'Kconfig*' -type f -print0 |
		xargs -0 grep -hE '^[[:space:]]*(menu)?config[[:space:]]' | awk '{ print "CONFIG_" $2 }' | sort -u
}

# check_config FILE DEBUG_VM MODE: what kconfig dropped; an option that a tree
# of an untried version does not even know is a note there (MODE lenient)
check_config() {
	local file=$1 mode=$3 option want got bad=() unknown=() known=''
	while IFS='= ' read -r option want; do
		got=n
		if grep -q "^$option=y" "$file"; then got=y; fi
		[ "$got" != "$want" ] || continue
		if [ "$mode" = lenient ] && [ "$want" = y ]; then
			[ -n "$known" ] || known=$(known_options)
			if ! grep -qx "$option" <<<"$known"; then
				unknown+=("$option")
				continue
			fi
		fi
		bad+=("$option=$want")
	done < <(sed 's/[[:space:]]*#.*//; /^$/d' "$here/required.config"; echo "CONFIG_DEBUG_VM=$2")
	if [ ${#unknown[@]} -gt 0 ] && [ "$2" = y ]; then say "note: this tree does not have ${unknown[*]}"; fi
	[ ${#bad[@]} -eq 0 ] || die "the configuration of $name lacks ${bad[*]} (dropped by the tree's kconfig)"
}

# configure FOLDER DEBUG_VM MODE: .config and generated headers
configure() {
	local out=$side/$1 log=$log_dir/$name.$1 fragment=$side/fragment
	cp "$here/fragment.config" "$fragment"
	case $2 in
	y) echo CONFIG_DEBUG_VM=y ;;
	n) echo '# CONFIG_DEBUG_VM is not set' ;;
	esac >>"$fragment"
	mkdir -p "$out"
	kbuild "$out" "$log.config.log" "configuring $name" KCONFIG_ALLCONFIG="$fragment" allnoconfig
	rm "$fragment"
	check_config "$out/.config" "$2" "$3"
	# this makes what `make prepare` makes, and leaves the compiler's command
	kbuild "$out" "$log.log" "the tree of $name does not build" mm/gup.o
}

# saved_command BUILD OBJECT SOURCE: kbuild's command without what follows it,
# @SRC@ for the source folder
saved_command() {
	local record source
	record=$1/$(dirname "$2")/.$(basename "$2").cmd
	source=$(sed -n "s|^source_$2 := ||p" "$record")
	sed -n "1s/^[a-z]*cmd_[^ ]* := //p" "$record" | sed "s/[[:space:]]*;.*//; s|${source%/"$3"}/|@SRC@/|g"
}

# keep_headers FOLDER: only what compiling needs stays, none of it with a path
keep_headers() {
	local out=$side/$1 kept=$side/kept
	mkdir -p "$kept/arch/x86/include"
	saved_command "$out" mm/gup.o mm/gup.c >"$kept/gup.cmd"
	saved_command "$out" kernel/bounds.s kernel/bounds.c >"$kept/bounds.cmd"
	[ -s "$kept/gup.cmd" ] && [ -s "$kept/bounds.cmd" ] || die "kbuild left no command for mm/gup.o of $name"
	bounds_of "$out/kernel/bounds.s" >"$kept/bounds"
	mv "$out/.config" "$out/include" "$kept/"
	mv "$out/arch/x86/include/generated" "$kept/arch/x86/include/"
	find "$kept" -name '*.cmd' ! -name gup.cmd ! -name bounds.cmd -delete
	rm -rf "$out"
	mv "$kept" "$out"
}

# build_both MODE: build/ and build-nodebug/ of $side/src
build_both() {
	say "configuring and generating headers (log: $(shown "$log_dir")/$name.*.log)"
	configure build y "$1"
	# the second one starts from the first: its host tools are the same
	cp -a "$side/build" "$side/build-nodebug"
	configure build-nodebug n "$1"
	keep_headers build
	keep_headers build-nodebug
}

# the values that C gives to generated/bounds.h
bounds_of() { sed -n 's/.*\.ascii[[:space:]]*"\(->.*\)".*/\1/p' "$1"; }

# generated_hold SRC FOLDER: are the generated headers of FOLDER's builds those
# that SRC would give?  bounds.h is the one that C headers decide.
generated_hold() {
	local src=$1 build command
	for build in "$2/build" "$2/build-nodebug"; do
		command=$(<"$build/bounds.cmd")
		command=${command//@SRC@/$src}
		command=${command/-Wp,-MMD,kernel\/.bounds.s.d/}
		command=${command/-o kernel\/bounds.s/-o -}
		(cd "$build" && eval "$command") 2>/dev/null | bounds_of - | cmp -s - "$build/bounds" || return 1
	done
}
