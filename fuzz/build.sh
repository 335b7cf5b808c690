#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds libFuzzer targets into a folder from which they run anywhere, in the manner of
# OSS-Fuzz and ClusterFuzz.  Reads
#
#	OUT			the folder
#	SANITIZER		address (default), undefined, coverage or none
#	LIB_FUZZING_ENGINE	libFuzzer: -fsanitize=fuzzer (default), or an archive
#	CC, CXX			clang and clang++ [clang-19, clang++-19]
#	CFLAGS			flags for the kernel's code; without any, those of SANITIZER
#	CXXFLAGS		flags for linking; without any, those of SANITIZER
#	KERNEL			kernels, with blanks between them [6.1]
#
# and leaves there for each kernel gup_6_1, gup_6_1.side (the kernel's code),
# gup_6_1.options and gup_6_1_seed_corpus.zip.

given_cc=${CC:-} given_cxx=${CXX:-} given_cflags=${CFLAGS:-} given_cxxflags=${CXXFLAGS:-}
# shellcheck source=../scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/common.sh"
# shellcheck source=../scripts/build.sh
. "$root/scripts/build.sh"
prefix=build.sh

# What the kernel relies on: NULL is dereferenced on purpose (an OOPS is an outcome), signed
# integers wrap around (-fno-strict-overflow), and functions are called through other types.
kernel_defines=null,signed-integer-overflow,function
undefined=array-bounds,bool,builtin,enum,function,integer-divide-by-zero,null,object-size,return,returns-nonnull-attribute,shift,signed-integer-overflow,unreachable,vla-bound

case ${SANITIZER:-address} in
address) own=-fsanitize=address ;;
undefined) own="-fsanitize=$undefined -fno-sanitize-recover=$undefined" ;;
coverage) own="-fprofile-instr-generate -fcoverage-mapping" ;;
none) own='' ;;
*) die "SANITIZER=$SANITIZER: address, undefined, coverage or none" ;;
esac
case ${SANITIZER:-address} in
# sites and operations are found as arrays, which must have no redzones between
address) needed="-mllvm -asan-globals=0" ;;
undefined) needed="-fno-sanitize=$kernel_defines" ;;
*) needed='' ;;
esac
[ -n "${OUT:-}" ] || die "OUT is not set: the folder for the targets"
mkdir -p "$OUT" || die "OUT=$OUT: cannot be made"
out=$(realpath -- "$OUT")
cc=${given_cc:-clang-19}

read -ra kernels <<<"${KERNEL:-6.1}"
unset KERNEL OUT
for kernel in "${kernels[@]}"; do
	[[ $kernel =~ ^[0-9.]+(-nodebug)?$ ]] || die "KERNEL=$kernel: known kernels only"
done
"$root/scripts/setup" fuzz "${kernels[@]}" || pass_on
command -v "$cc" >/dev/null || die "CC=$cc: there is no such command"

case ${LIB_FUZZING_ENGINE:--fsanitize=fuzzer} in
-fsanitize=fuzzer)
	runtime=$("$cc" -print-file-name=libclang_rt.fuzzer-x86_64.a)
	[ -f "$runtime" ] || runtime=$("$cc" -print-runtime-dir)/libclang_rt.fuzzer-x86_64.a
	[ -f "$runtime" ] || die "LIB_FUZZING_ENGINE=-fsanitize=fuzzer: $cc has no libFuzzer (Debian: libclang-rt-19-dev)"
	;;
*)
	runtime=$LIB_FUZZING_ENGINE
	[ -f "$runtime" ] || die "LIB_FUZZING_ENGINE=$runtime: neither -fsanitize=fuzzer nor an archive"
	;;
esac
export CUSTOM_LIBFUZZER_PATH=$runtime

# The Rust code is linked with the sanitizer's runtime, which the kernel's code calls.
link=()
for flag in ${given_cxxflags:-$own}; do
	case $flag in
	*fuzzer*) ;;
	-fsanitize=* | -fno-sanitize* | -stdlib=*) link+=("-Clink-arg=$flag") ;;
	esac
done
export CXX=${given_cxx:-${cc/clang/clang++}}
build "the target" build-sh env -u CARGO_BUILD_TARGET CARGO_TARGET_DIR="$target_dir" \
	RUSTC_WRAPPER="$root/fuzz/rustc-coverage" cargo rustc --manifest-path "$root/Cargo.toml" --release \
	-p gup-fuzz --features libfuzzer --bin gup -- -Clinker="$cc" "${link[@]}"

export GUPDIFF_KERNELS_DIR=$kernels_dir GUPDIFF_CC=$cc GUPDIFF_CFLAGS="${given_cflags:-$own} $needed"
for kernel in "${kernels[@]}"; do
	name=gup_$(tr '.-' '__' <<<"$kernel")
	say "$name"
	"$gupdiff" side pack "$kernel" --engine libfuzzer --output "$out/$name.side" || pass_on
	install -m 755 "$(engine_binary libfuzzer)" "$out/.$name.new"
	mv "$out/.$name.new" "$out/$name"
	printf '[libfuzzer]\nlen_control = 0\n' >"$out/$name.options"
	seeds=$out/${name}_seed_corpus
	rm -rf "$seeds" "$seeds.zip"
	mkdir "$seeds"
	(cd "$root" && "$gupdiff" fmt --to wire corpus --output "$seeds") || pass_on
	if command -v zip >/dev/null; then
		(cd "$seeds" && find . -type f | sort | zip -q -@ "$seeds.zip")
		rm -rf "$seeds"
	else
		say "there is no zip: ${name}_seed_corpus stays a folder"
	fi
done
last_words="built: ${#kernels[@]} target(s) in $(shown "$out")"
