# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Builds the CLI and the engines' targets in one target folder, so that common crates
# are compiled once: all but fuzz/copies and the copy of crate gup that it is about, which
# alone is instrumented (fuzz/rustc-coverage).

target_dir=${CARGO_TARGET_DIR:-$root/target}
case $target_dir in /*) ;; *) target_dir=$PWD/$target_dir ;; esac
gupdiff=$target_dir/release/gupdiff
afl_mutator=$target_dir/release/libgup_afl_mutator.so
libfuzzer_runtime=/usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.fuzzer-x86_64.a

# build WHAT LOG COMMAND...: runs it and prints progress
build() {
	local what=$1 log=$log_dir/$2.log start=$SECONDS
	shift 2
	say "building $what (log: $(shown "$log"))"
	run_logged "$log" "building $what" "$@"
	say "built $what, $((SECONDS - start)) s"
}

# cargo_build ARGUMENT...
cargo_build() {
	env -u CARGO_BUILD_TARGET CARGO_TARGET_DIR="$target_dir" RUSTC_WRAPPER="$root/fuzz/rustc-coverage" \
		cargo build --manifest-path "$root/Cargo.toml" --release "$@"
}

# build_gupdiff [ENGINE]: the CLI; for AFL++ also its custom mutator, which is not
# instrumented either
build_gupdiff() {
	local what=gupdiff more=()
	if [ "${1:-}" = afl ]; then
		what="gupdiff and the AFL++ mutator"
		more=(-p gup-afl-mutator --lib)
	fi
	build "$what" build-gupdiff cargo_build -p gup-fuzz --bin gupdiff "${more[@]}"
}

# engine_binary ENGINE: the path of its target
engine_binary() {
	case $1 in
	libfuzzer) echo "$target_dir/release/gup" ;;
	afl) echo "$target_dir/release/gup_afl" ;;
	honggfuzz) echo "$target_dir/release/gup_hfuzz" ;;
	esac
}

# build_engine ENGINE: builds its target, with the variables that the engine's own cargo
# command would set besides coverage
build_engine() {
	local engine=$1 target
	target=$(engine_binary "$engine")
	case $engine in
	libfuzzer)
		# use the compiled one of Debian's package
		if [ -z "${CUSTOM_LIBFUZZER_PATH:-}" ] && [ -f "$libfuzzer_runtime" ]; then
			local -x CUSTOM_LIBFUZZER_PATH=$libfuzzer_runtime
		fi
		;;
	afl)
		local -x GUPDIFF_AFL_RUNTIME
		GUPDIFF_AFL_RUNTIME=$(afl_runtime)
		;;
	honggfuzz)
		# its build script puts the engine there
		local -x CRATE_ROOT=$root/fuzz CARGO_HONGGFUZZ_TARGET_DIR=$target_dir/release CARGO_HONGGFUZZ_BUILD_VERSION
		CARGO_HONGGFUZZ_BUILD_VERSION=$(tool_version honggfuzz)
		mkdir -p "$CARGO_HONGGFUZZ_TARGET_DIR"
		;;
	esac
	build "the $engine target" "build-$engine" cargo_build \
		-p gup-fuzz --features "$engine" --bin "$(basename "$target")"
	[ -x "$target" ] || die "the $engine target was built, but $(shown "$target") does not exist"
}

# build_coverage: the program that tells which lines of crate gup are executed
build_coverage() {
	build "crate gup with coverage" build-coverage cargo_build -p gup-fuzz --features coverage --bin gup_coverage
}

# tool_version NAME: its version in cargo-tools.txt
tool_version() { awk -v name="$1" '$1 == name { print $2 }' "$root/scripts/cargo-tools.txt"; }

# afl_runtime: the path of the runtime that cargo-afl builds for each compiler
afl_runtime() {
	rustc -vV | awk -v data="${XDG_DATA_HOME:-$HOME/.local/share}" -v afl="$(tool_version cargo-afl)" '
		$1 == "release:" { release = $2 } $1 == "commit-hash:" { hash = substr($2, 1, 7) }
		END { print data "/afl.rs/rustc-" release "-" hash "/afl.rs-" afl "/afl-llvm/afl-compiler-rt.o" }'
}
