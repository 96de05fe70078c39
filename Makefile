# alived: one non-recursive Makefile. `make help` lists the targets.
#
# Every variant builds in build/<variant>/: release (default), debug, asan, tsan, fuzz, cover.
# A module is a directory under src/; DEPS_<module> lists what it may use, and the same table in
# docs/ARCHITECTURE.md is what `make lint` checks.

VARIANT ?= release
BUILD   ?= build
O       := $(BUILD)/$(VARIANT)
V       ?= 0
Q       := $(if $(filter 1,$(V)),,@)
PREFIX  ?= /usr/local
DESTDIR ?=
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
CC      ?= gcc
CLANG   ?= clang-14
AR      ?= ar
PYTHON  ?= /usr/bin/python3
WERROR  ?= 0
MOD     ?=
T       ?=
SECONDS ?= 60

VERSION := 0.1.0
REV     := $(shell git rev-parse --short HEAD 2>/dev/null || echo release)

# --- modules, lowest layer first -------------------------------------------------------------
DEPS_base     :=
DEPS_model    := base
DEPS_config   := base model
DEPS_net      := base model
DEPS_check    := base model config net
DEPS_sched    := base model config
DEPS_quorum   := base model config
DEPS_tun      := base model config
DEPS_workers  := base model config net check
DEPS_yanet    := base model config net
DEPS_announce := base model config net
DEPS_agg      := base model config net quorum yanet announce
DEPS_api      := base model config net
DEPS_app      := base model config net check sched quorum tun workers yanet announce agg api
DEPS_ctl      := base model config net api
MODULES       := base model config net check sched quorum tun workers yanet announce agg api app ctl

PKGS     := liburcu-memb libcrypto libssl yaml-0.1 jansson libmicrohttpd libsystemd libmnl libnghttp2 libpcre2-8
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

# --- flags -----------------------------------------------------------------------------------
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion -Wvla \
	-Wpointer-arith -Wwrite-strings -Wundef -Werror=implicit $(if $(filter 1,$(WERROR)),-Werror)
BASE_CFLAGS := -std=gnu11 -D_GNU_SOURCE -g -Isrc -include src/base/banned.h $(PKG_CFLAGS) \
	-fstack-protector-strong -fno-omit-frame-pointer -pthread
CFLAGS_release := -O2 -D_FORTIFY_SOURCE=2
CFLAGS_debug   := -Og
CFLAGS_asan    := -Og -fsanitize=address,undefined -fno-sanitize-recover=undefined
CFLAGS_tsan    := -Og -fsanitize=thread -Wno-tsan
CFLAGS_cover   := -O0 --coverage
CFLAGS_fuzz    := -O1 -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined
LDFLAGS_asan   := -fsanitize=address,undefined
LDFLAGS_tsan   := -fsanitize=thread
LDFLAGS_cover  := --coverage
LDFLAGS_fuzz   := -fsanitize=address,undefined,fuzzer
CC_fuzz        := $(CLANG)
CC_V           := $(or $(CC_$(VARIANT)),$(CC))
ALL_CFLAGS  := $(BASE_CFLAGS) $(WARN) $(CFLAGS_$(VARIANT)) $(CFLAGS)
ALL_LDFLAGS := -pthread -Wl,-z,relro,-z,now $(LDFLAGS_$(VARIANT)) $(LDFLAGS)

# --- objects ---------------------------------------------------------------------------------
src_of  = $(sort $(wildcard src/$(1)/*.c))
obj_of  = $(patsubst %.c,$(O)/%.o,$(call src_of,$(1)))
lib_of  = $(if $(call src_of,$(1)),$(O)/lib/$(1).a)
# a module and all below it, highest first: the link order
libs_of = $(foreach m,$(1) $(call reverse,$(DEPS_$(1))),$(call lib_of,$(m)))
reverse = $(if $(1),$(call reverse,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))

.PHONY: all
all: $(BUILD)/alived $(BUILD)/alivectl

.PHONY: help
help:
	@echo 'make               build/alived and build/alivectl (VARIANT=$(VARIANT))'
	@echo 'make demo          install what is missing, build, show the daemon at work'
	@echo 'make check         install what is missing, build, run every test'
	@echo 'make test          unit tests and fuzz corpus replay [MOD=module] [T=name]'
	@echo 'make integ         integration tests, real daemon [T=name]'
	@echo 'make asan | tsan   the tests under sanitizers'
	@echo 'make torture       lock-free structures under ThreadSanitizer'
	@echo 'make fuzz          libFuzzer, T=name SECONDS=60'
	@echo 'make lint          format, layers, headers, sizes, banned calls, cppcheck, clang-tidy'
	@echo 'make format        rewrite the sources as clang-format wants them'
	@echo 'make bench         the daemon against the floors, in turns [ROWS=tcp,memory SECONDS_PER_ROW=6]'
	@echo 'make bench-compare BASE=rev [ROWS=tcp,memory]   the daemon of that revision against this one, in turns'
	@echo 'make bench-count   instructions per check against the record (callgrind)'
	@echo 'make deps          install build dependencies (Debian, Ubuntu); names Fedora packages'
	@echo 'make install       DESTDIR= PREFIX=$(PREFIX)'
	@echo 'make clean'
	@echo 'V=1 shows commands, WERROR=1 makes warnings errors, VARIANT=release|debug|asan|tsan|cover'

$(O)/%.o: %.c | $(O)/flags
	@mkdir -p $(@D)
	@[ $(V) = 1 ] || echo '  CC  $<'
	$(Q)$(CC_V) $(ALL_CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

# objects depend on this stamp, so that other flags rebuild them
$(O)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC_V) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC_V) $(ALL_CFLAGS)' > $@
.PHONY: FORCE
FORCE:

$(O)/src/base/version.o: EXTRA_CFLAGS = -DALIVED_VERSION='"$(VERSION) ($(REV))"'
$(O)/src/base/version.o: $(O)/rev
$(O)/rev: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION) $(REV)' | cmp -s - $@ || echo '$(VERSION) $(REV)' > $@

define module_rule
$(O)/lib/$(1).a: $(call obj_of,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(Q)$(AR) rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module_rule,$(m))))

# --- programs --------------------------------------------------------------------------------
DAEMON_LIBS := $(call libs_of,app)
CTL_LIBS    := $(call libs_of,ctl)

$(O)/alived: $(O)/src/main.o $(DAEMON_LIBS)
	@[ $(V) = 1 ] || echo '  LD  $@'
	$(Q)$(CC_V) $(ALL_LDFLAGS) -o $@ $(O)/src/main.o -Wl,--start-group $(DAEMON_LIBS) -Wl,--end-group $(PKG_LIBS)

$(O)/alivectl: $(CTL_LIBS)
	@[ $(V) = 1 ] || echo '  LD  $@'
	$(Q)$(CC_V) $(ALL_LDFLAGS) -o $@ -Wl,--start-group $(CTL_LIBS) -Wl,--end-group $(PKG_LIBS)

$(BUILD)/alived: $(O)/alived
	@cp $< $@
$(BUILD)/alivectl: $(O)/alivectl
	@cp $< $@

# --- tests -----------------------------------------------------------------------------------
# tests/unit/<module>/test_x.c   Criterion; links its module and the layers below
# tests/torture/torture_x.c      cmocka; links everything; run under TSan
# tests/sim/sim_x.c              Criterion; links everything
# tests/fuzz/fuzz_x.c            LLVMFuzzerTestOneInput; plain builds replay tests/fuzz/corpus/x/
# tests/integ/test_x.py          real daemon; TAP on stdout
# tests/peers/x.c                doubles for YANET, BIRD and reals
TEST_LIBS  := $(shell pkg-config --libs criterion 2>/dev/null || echo -lcriterion)
UNIT_SRC   := $(sort $(wildcard tests/unit/$(or $(MOD),*)/test_$(or $(T),*).c))
UNIT_BIN   := $(patsubst %.c,$(O)/%,$(UNIT_SRC))
SIM_BIN    := $(if $(MOD),,$(patsubst %.c,$(O)/%,$(sort $(wildcard tests/sim/sim_$(or $(T),*).c))))
FUZZ_SRC   := $(sort $(wildcard tests/fuzz/fuzz_$(or $(T),*).c))
FUZZ_REPLAY := $(if $(MOD),,$(patsubst tests/fuzz/%.c,$(O)/tests/replay/%,$(FUZZ_SRC)))
TORTURE_BIN := $(patsubst %.c,$(O)/%,$(sort $(wildcard tests/torture/torture_$(or $(T),*).c)))
PEER_BIN   := $(patsubst %.c,$(O)/%,$(sort $(wildcard tests/peers/*.c)))
BENCH_BIN  := $(patsubst %.c,$(O)/%,$(sort $(wildcard bench/*.c)))
TESTLIB_OBJ := $(patsubst %.c,$(O)/%.o,$(sort $(wildcard tests/lib/*.c)))
ALL_LIBS    = $(foreach m,$(call reverse,$(MODULES)),$(if $(filter ctl,$(m)),,$(call lib_of,$(m))))
RUN_TESTS  := $(PYTHON) scripts/run-tests

unit_module = $(word 4,$(subst /, ,$(patsubst $(O)/%,x/%,$(1))))

# which module a unit test belongs to: tests/unit/<module>/test_x
define unit_rule
$(O)/tests/unit/$(1)/test_%: tests/unit/$(1)/test_%.c $(TESTLIB_OBJ) $$(call libs_of,$(1)) | $(O)/flags
	@mkdir -p $$(@D)
	@[ $(V) = 1 ] || echo '  LD  $$@'
	$$(Q)$$(CC_V) $$(ALL_CFLAGS) -Itests -MMD -MP -MF $$@.d $$(ALL_LDFLAGS) -o $$@ $$< $(TESTLIB_OBJ) -Wl,--start-group $$(call libs_of,$(1)) -Wl,--end-group $$(ORACLE) $$(TEST_LIBS) $$(PKG_LIBS) -lm
endef
$(foreach m,$(MODULES),$(eval $(call unit_rule,$(m))))

# our gRPC messages are made by hand and held against protobuf-c
$(O)/tests/unit/check/test_grpc_health: $(BUILD)/gen/grpc_health.pb-c.c
$(O)/tests/unit/check/test_grpc_health: ORACLE = -I$(BUILD)/gen -Wno-conversion $(BUILD)/gen/grpc_health.pb-c.c -lprotobuf-c

link_all = @mkdir -p $(@D); [ $(V) = 1 ] || echo '  LD  $@'; \
	$(CC_V) $(ALL_CFLAGS) -Itests -Iproto -I$(BUILD)/gen -MMD -MP -MF $@.d $(ALL_LDFLAGS) -o $@ $< $(2) -Wl,--start-group $(ALL_LIBS) -Wl,--end-group $(1) $(PKG_LIBS) -lm

$(O)/tests/sim/sim_%: tests/sim/sim_%.c $(TESTLIB_OBJ) $(ALL_LIBS) | $(O)/flags
	$(call link_all,$(TEST_LIBS),$(TESTLIB_OBJ))
$(O)/tests/torture/torture_%: tests/torture/torture_%.c $(ALL_LIBS) | $(O)/flags
	$(call link_all,-lcmocka)
$(O)/tests/replay/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/replay_main.c $(ALL_LIBS) | $(O)/flags
	$(call link_all,,tests/fuzz/replay_main.c)
$(O)/tests/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(ALL_LIBS) | $(O)/flags
	$(call link_all)
$(O)/bench/%: bench/%.c $(ALL_LIBS) | $(O)/flags
	$(call link_all)

# doubles of YANET's protocol decode with protobuf-c: an oracle that shares no code with ours
$(BUILD)/gen/%.pb-c.c: proto/%.proto
	@mkdir -p $(@D)
	$(Q)protoc-c --proto_path=proto --c_out=$(BUILD)/gen $<
$(O)/tests/peers/%: tests/peers/%.c $(BUILD)/gen/yanet.pb-c.c $(ALL_LIBS) | $(O)/flags
	$(call link_all,-lprotobuf-c,$(BUILD)/gen/yanet.pb-c.c -Wno-conversion)

.PHONY: peers test integ check asan tsan torture fuzz
peers: $(PEER_BIN)
test: $(UNIT_BIN) $(SIM_BIN) $(FUZZ_REPLAY)
	$(Q)$(RUN_TESTS) $(UNIT_BIN) $(SIM_BIN) $(FUZZ_REPLAY)

# Everything, in one count: unit tests, simulation and corpora as released and under ASan+UBSan,
# lock-free structures and the daemon under TSan, the daemon against real peers, lint.
JOBS := $(shell nproc)
SUB  := $(MAKE) --no-print-directory -j$(JOBS)
check: deps-test
	$(Q)$(SUB) WERROR=1 all test-bins integ-bins
	$(Q)$(SUB) VARIANT=asan test-bins sanitized-bins
	$(Q)$(SUB) VARIANT=tsan tsan-bins
	$(Q)$(MAKE) -s --no-print-directory check-run
check-run:
	$(Q)ALIVED_BUILD=$(abspath $(O)) $(RUN_TESTS) scripts/lint \
		$$($(MAKE) -s --no-print-directory list-tests) \
		$$($(MAKE) -s --no-print-directory VARIANT=asan list-tests) \
		$$($(MAKE) -s --no-print-directory VARIANT=tsan list-torture) $(INTEG) \
		$(foreach v,asan tsan,$(addprefix $(v)@,$(SANITIZED_INTEG)))
list-tests:
	@echo $(UNIT_BIN) $(SIM_BIN) $(FUZZ_REPLAY)
list-torture:
	@echo $(TORTURE_BIN)
test-bins: $(UNIT_BIN) $(SIM_BIN) $(FUZZ_REPLAY)
integ-bins: peers $(BENCH_BIN)
# the daemon itself under sanitizers, against the same servers and doubles
SANITIZED_INTEG := tests/integ/test_engine.py tests/integ/test_actuators.py
sanitized-bins: $(O)/alived $(O)/alivectl peers
tsan-bins: $(TORTURE_BIN) sanitized-bins

torture:
	$(Q)$(MAKE) --no-print-directory VARIANT=tsan torture-run
.PHONY: torture-run tsan-run check-run list-tests list-torture test-bins integ-bins tsan-bins sanitized-bins
torture-run: $(TORTURE_BIN)
	$(Q)$(RUN_TESTS) $(TORTURE_BIN)

INTEG := $(sort $(wildcard tests/integ/test_$(or $(T),*).py))
integ: all peers $(BENCH_BIN)
	$(Q)ALIVED_BUILD=$(abspath $(O)) $(RUN_TESTS) $(INTEG)

asan:
	$(Q)$(MAKE) --no-print-directory VARIANT=asan test
tsan:
	$(Q)$(MAKE) --no-print-directory VARIANT=tsan tsan-run
tsan-run: $(TORTURE_BIN) $(O)/alived $(O)/alivectl peers $(BENCH_BIN)
	$(Q)ALIVED_BUILD=$(abspath $(O)) $(RUN_TESTS) $(TORTURE_BIN) $(wildcard tests/integ/test_tsan_*.py)

fuzz:
	$(Q)$(MAKE) --no-print-directory VARIANT=fuzz $(BUILD)/fuzz/tests/fuzz/fuzz_$(T)
	$(Q)mkdir -p $(BUILD)/fuzz/corpus/$(T) tests/fuzz/corpus/$(T)
	$(BUILD)/fuzz/tests/fuzz/fuzz_$(T) -max_total_time=$(SECONDS) -timeout=5 -rss_limit_mb=2048 $(BUILD)/fuzz/corpus/$(T) tests/fuzz/corpus/$(T)

# --- benchmarks ------------------------------------------------------------------------------
# Writes $(BUILD)/bench/: table.md, bench.json and, if gnuplot is there (make deps-bench), budgets.svg.
ROWS            ?=
SECONDS_PER_ROW ?= 6
.PHONY: bench bench-compare bench-count deps-bench
bench: all peers $(BENCH_BIN)
	$(Q)ALIVED_BUILD=$(abspath $(O)) scripts/bench --rows '$(ROWS)' --seconds $(SECONDS_PER_ROW) --out $(abspath $(BUILD))/bench
# the same rows for the daemon of revision BASE and for this one, in turns
bench-compare: all peers $(BENCH_BIN)
	$(Q)[ -n '$(BASE)' ] || { echo 'usage: make bench-compare BASE=revision [ROWS=tcp,memory]'; exit 2; }
	$(Q)ALIVED_BUILD=$(abspath $(O)) scripts/bench-compare '$(BASE)' --rows '$(ROWS)' --out $(abspath $(BUILD))/bench
bench-count: $(O)/bench/bench_instructions
	$(Q)ALIVED_BUILD=$(abspath $(O)) scripts/bench-callgrind
deps-bench:
	$(Q)scripts/install-deps build test bench

# --- lint ------------------------------------------------------------------------------------
.PHONY: lint format
lint:
	$(Q)scripts/lint
format:
	$(Q)git ls-files '*.c' '*.h' | xargs clang-format-14 -i

# --- dependencies, install -------------------------------------------------------------------
.PHONY: demo deps deps-test deps-demo install uninstall clean
demo: deps-demo
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all peers
	$(Q)scripts/demo

deps:
	$(Q)scripts/install-deps build
deps-test:
	$(Q)scripts/install-deps build test lint
deps-demo:
	$(Q)scripts/install-deps build demo

install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(SYSCONFDIR)/alived $(DESTDIR)$(UNITDIR)
	install -m 0755 $(BUILD)/alived $(DESTDIR)$(PREFIX)/sbin/alived
	install -m 0755 $(BUILD)/alivectl $(DESTDIR)$(PREFIX)/bin/alivectl
	install -m 0644 packaging/alived.yaml.example $(DESTDIR)$(SYSCONFDIR)/alived/alived.yaml.example
	install -m 0644 packaging/services.conf.example $(DESTDIR)$(SYSCONFDIR)/alived/services.conf.example
	sed 's|@SBINDIR@|$(PREFIX)/sbin|g' packaging/alived.service > $(DESTDIR)$(UNITDIR)/alived.service
	chmod 0644 $(DESTDIR)$(UNITDIR)/alived.service
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/sbin/alived $(DESTDIR)$(PREFIX)/bin/alivectl $(DESTDIR)$(UNITDIR)/alived.service
	rm -f $(DESTDIR)$(SYSCONFDIR)/alived/alived.yaml.example $(DESTDIR)$(SYSCONFDIR)/alived/services.conf.example

clean:
	rm -rf $(BUILD)

-include $(shell find $(O) -name '*.d' 2>/dev/null)
.SECONDARY:
