# SPDX-License-Identifier: GPL-2.0
# The front door.  Everything is done by scripts/; `make help` says what there is.

# a caller's `make -C` would make "Leaving directory" the last line
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
SHELL := /bin/bash

KERNEL ?= 6.1
KERNELS ?=
CONFIG ?=
REV ?=
PATCH ?=
RENAMED ?=
BASE ?=
LEFT ?=
RIGHT ?=
TIME ?= 60
JOBS ?= 1
LAYER ?= all
KEEP_GOING ?=
CORPUS ?=
OUT ?=
BASELINE ?=
EVERY ?= 10
FILE ?=
export KERNEL KERNELS CONFIG REV PATCH RENAMED BASE LEFT RIGHT TIME JOBS LAYER KEEP_GOING CORPUS OUT BASELINE

.PHONY: help setup fuzz afl hfuzz campaign diff report live live-debug reproducers test controls mutants bench coverage cmin clean

help:
	@scripts/help

setup:
	@scripts/setup

fuzz:
	@scripts/campaign libfuzzer

afl:
	@scripts/campaign afl

hfuzz:
	@scripts/campaign honggfuzz

# all engines on one corpus; it goes on after findings, unless told otherwise
campaign:
	@KEEP_GOING=$(or $(KEEP_GOING),1) scripts/campaign all

diff:
	@scripts/diff

# on the sides that the file names, unless other ones are asked for
report:
	@KERNEL=$(if $(filter file,$(origin KERNEL)),,$(KERNEL)) scripts/report $(if $(FILE),'$(FILE)')

# without a TIME of the caller's: a number of programs
live:
	@TIME=$(if $(filter file,$(origin TIME)),,$(TIME)) scripts/live

live-debug:
	@TIME=$(if $(filter file,$(origin TIME)),,$(TIME)) scripts/live debug

# do the tests that reports can be written as fail and pass where they should?
reproducers:
	@scripts/reproducers

test:
	@scripts/test

# planted faults, each on every kernel that has its code
controls:
	@scripts/setup test && GUPDIFF_ALL_CONTROLS=1 cargo test --release -p gup-copies --features faults --test controls

# mechanical changes of the kernel's code: which of them are not found?
mutants:
	@scripts/setup test && cargo run --release -q -p gup-copies --features faults --example mutants -- $(KERNEL) $(EVERY) $(FILE)

bench:
	@scripts/bench

# without a KERNEL of the caller's: of every kernel that is prepared
coverage:
	@KERNEL=$(if $(filter file,$(origin KERNEL)),,$(KERNEL)) scripts/coverage

cmin:
	@scripts/cmin

clean:
	@scripts/clean
