#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds self-contained libFuzzer targets, as OSS-Fuzz and ClusterFuzz do.  Reads
#
#	OUT			the output folder
#	SANITIZER		address (default), undefined, coverage or none
#	LIB_FUZZING_ENGINE	libFuzzer: -fsanitize=fuzzer (default), or an archive
#	CC, CXX			clang and clang++ [clang-19, clang++-19]
#	CFLAGS			flags for the kernel's code [those of SANITIZER]
#	CXXFLAGS		flags for linking [those of SANITIZER]
#	KERNEL			kernels, separated by blanks [6.1]
#
# and writes for each kernel gup_6_1, gup_6_1.side (the kernel's code),
# gup_6_1.options and gup_6_1_seed_corpus.zip.

given_cc=${CC:-} given_cxx=${CXX:-} given_cflags=${CFLAGS:-} given_cxxflags=${CXXFLAGS:-}
# shellcheck source=../scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/common.sh"
# shellcheck source=../scripts/build.sh
. "$root/scripts/build.sh"
prefix=build.sh

# Behaviour that the kernel relies on: NULL is dereferenced on purpose (an OOPS is an
# event), signed integers wrap (-fno-strict-overflow), and functions are called through
# other types.
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
# sites and operations are in arrays of the linker, which must have no redzones
address) needed="-mllvm -asan-globals=0" ;;
undefined) needed="-fno-sanitize=$kernel_defines" ;;
*) needed='' ;;
esac
[ -n "${OUT:-}" ] || die "OUT is not set; it is the output folder"
mkdir -p "$OUT" || die "OUT=$OUT: cannot be created"
out=$(realpath -- "$OUT")
cc=${given_cc:-clang-19}

read -ra kernels <<<"${KERNEL:-6.1}"
unset KERNEL OUT
for kernel in "${kernels[@]}"; do
	[[ $kernel =~ ^[0-9.]+(-nodebug)?$ ]] || die "KERNEL=$kernel: known kernels only"
done
"$root/scripts/setup" fuzz "${kernels[@]}" || pass_on
command -v "$cc" >/dev/null || die "CC=$cc: command not found"

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
		say "zip is not installed: ${name}_seed_corpus stays a folder"
	fi
done
last_words="built: ${#kernels[@]} target(s) in $(shown "$out")"
