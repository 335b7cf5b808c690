# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Building the CLI and the engines' targets.  Each engine instruments C and Rust
# in its own way and so has a target folder of its own.

host=x86_64-unknown-linux-gnu
target_dir=${CARGO_TARGET_DIR:-$root/target}
case $target_dir in /*) ;; *) target_dir=$PWD/$target_dir ;; esac
gupdiff=$target_dir/release/gupdiff
afl_mutator=$target_dir/release/libgup_afl_mutator.so

# build WHAT LOG COMMAND...: with a line of progress
build() {
	local what=$1 log=$log_dir/$2.log start=$SECONDS
	shift 2
	say "building $what (log: $(shown "$log"))"
	run_logged "$log" "building $what" "$@"
	say "built $what, $((SECONDS - start)) s"
}

# build_gupdiff [ENGINE]: and for AFL++ the library of mutations that it loads,
# which is not instrumented either
build_gupdiff() {
	local what=gupdiff more=()
	if [ "${1:-}" = afl ]; then
		what="gupdiff and the AFL++ mutator"
		more=(-p gup-afl-mutator --lib)
	fi
	build "$what" build-gupdiff env CARGO_TARGET_DIR="$target_dir" \
		cargo build --manifest-path "$root/Cargo.toml" --release -p gup-fuzz --bin gupdiff "${more[@]}"
}

# engine_binary ENGINE: where its target is built
engine_binary() {
	case $1 in
	libfuzzer) echo "$target_dir/libfuzzer/$host/release/gup" ;;
	afl) echo "$target_dir/afl/$host/release/gup_afl" ;;
	honggfuzz) echo "$target_dir/honggfuzz/$host/release/gup_hfuzz" ;;
	esac
}

# build_engine ENGINE
build_engine() {
	local engine=$1 what="the $1 target"
	# of the Rust code only crate gup is instrumented
	local -x RUSTC_WRAPPER="$root/fuzz/rustc-gup-only"
	cd "$root/fuzz"
	case $engine in
	libfuzzer)
		build "$what" "build-$engine" env -u CARGO_TARGET_DIR cargo fuzz build -s none --release \
			--fuzz-dir "$root/fuzz" --target-dir "$target_dir/libfuzzer" --features libfuzzer gup
		;;
	afl)
		# --target, or build scripts would be instrumented too
		build "$what" "build-$engine" env CARGO_TARGET_DIR="$target_dir/afl" \
			cargo afl build --release --target "$host" -p gup-fuzz --features afl --bin gup_afl
		;;
	honggfuzz)
		build "$what" "build-$engine" env CARGO_TARGET_DIR="$target_dir/honggfuzz" \
			HFUZZ_BUILD_ARGS="--features honggfuzz --bin gup_hfuzz" cargo hfuzz build
		;;
	esac
	[ -x "$(engine_binary "$engine")" ] || die "$what was built, but $(shown "$(engine_binary "$engine")") is not there"
}
