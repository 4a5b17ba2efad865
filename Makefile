# lunasip
#
#   make             build/lunasip (the daemon) and build/lunasip.so (for require "lunasip")
#   make run         install what is missing, build, run lua/routes/default.lua on
#                    127.0.0.1:5060 with the subscribers 10 (abc10) and 11 (abc11)
#   make test        install what is missing, build, test everything
#   make test-unit | test-spec | test-flow | test-NAME    part of it (no installing)
#   make test-routes specs of your routes, with coverage: ROUTES="files and folders"
#   make test-sipp   200 calls a second for 30 seconds
#   make test-stall  MariaDB stands still for 30 seconds
#   make chaos       kill -9 at random moments: 200 times on SQLite, 50 on MariaDB
#   make bench-start  a start with 1,000,000 bindings
#   make bench       CPU, memory and times, beside Kamailio where it is (doc/performance.md)
#   make bench-short every workload of it, briefly: does it work
#   make bench-workers  two workers beside one
#   make bench-profile  instructions of a session by function and room (valgrind)
#   make bench-long  30 minutes of calls with a reload every minute; MINUTES=30
#   make test-kamailio  before and after Kamailio on one database
#   make test-galera  two proxies with a cluster of three nodes: kill a node, kill a proxy
#   make demo-1 … demo-9      play an experiment of the documents (doc/documents.md)
#   make tsan        units and flows with the thread sanitizer in the daemon
#   make asan        make test with the address and undefined behaviour sanitizers
#   make fuzz-NAME   fuzz with t/fuzz/fuzz_NAME.c; SECONDS=60;  fuzz-short: all, briefly
#   make lint        layers, warnings of gcc, clang and clang-tidy, luacheck, format, documents
#   make doc         doc/api.md, the stubs for editors, luacheck's standard: of lua/lunasip/api.lua
#   make fmt         format the C files
#   make cover       which lines the tests walk
#   make install     to PREFIX (/usr/local), under DESTDIR
#   make clean
#
# BUILD=dir builds somewhere else, SAN=asan with sanitizers (into build/asan), CC=clang works
# as well as gcc.  V=1 shows the commands.  JOBS=n: how many tests run side by side.

CC      ?= cc
BUILD   ?= build$(if $(SAN),/$(SAN))
LUA     ?= lua5.4
PREFIX  ?= /usr/local
JOBS    ?= $(shell nproc)
SECONDS ?= 60

PKGS    := libuv lua5.4 sqlite3 libmariadb libcrypto libpcre2-8
WARN    := -Wall -Wextra -Wshadow -Wpedantic -Wstrict-prototypes -Wmissing-prototypes \
           -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Wundef -Werror
OPT     ?= -O2 -g
SANFLAGS_asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
SANFLAGS_tsan := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
SANFLAGS_fuzz := $(SANFLAGS_asan) -fsanitize=fuzzer-no-link
SANFLAGS_cover := -O0 -g --coverage
SANFLAGS := $(SANFLAGS_$(SAN))

# Asked once, and only when something is compiled: pkg-config may have to be installed first.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)

CPPFLAGS += -D_GNU_SOURCE -Icore $(PKG_CFLAGS)
CFLAGS   += -std=c17 $(WARN) $(OPT) $(SANFLAGS) -fPIC -fvisibility=hidden
LDLIBS   += $(PKG_LIBS) -lpthread -lm
LDFLAGS  += $(SANFLAGS)
# The daemon's malloc; sanitizers bring their own.  MALLOC= leaves it to libc.
MALLOC   ?= $(if $(SAN),,-ljemalloc)

SRC     := $(sort $(wildcard core/*/*.c db/*.c))
SCHEMA  := $(sort $(wildcard db/schema/*.sql))
OBJ     := $(SRC:%.c=$(BUILD)/obj/%.o) $(SCHEMA:%.sql=$(BUILD)/obj/%.o)
MAIN    := $(BUILD)/obj/core/app/main.o
UNITS   := $(patsubst t/unit/%.c,$(BUILD)/unit/%,$(sort $(wildcard t/unit/*/*_test.c)))
SPECS   := $(sort $(wildcard t/spec/*_spec.lua))
FLOWS   := $(sort $(wildcard t/flow/*_spec.lua))
CHAOS   := $(sort $(wildcard t/chaos/*_spec.lua))
FUZZERS := $(patsubst t/fuzz/fuzz_%.c,%,$(sort $(wildcard t/fuzz/fuzz_*.c)))
# The load generator and the floor share no code with the proxy.
LOAD_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard tools/bench/load/*.c)))
BENCH    := $(BUILD)/bench/load $(BUILD)/bench/floor

say = $(if $(V),,@echo "  $1  $@"; )

.PHONY: all
all: $(BUILD)/lunasip $(BUILD)/lunasip.so

$(BUILD)/lunasip: $(OBJ)
	$(call say,LINK)$(CC) $(LDFLAGS) -Wl,-E -o $@ $^ $(LDLIBS) $(MALLOC)

# The same objects but main, for require "lunasip".  Never unloaded, or the leak
# sanitizer could not tell what its libraries hold on to.
$(BUILD)/lunasip.so: $(filter-out $(MAIN),$(OBJ))
	$(call say,LINK)$(CC) $(LDFLAGS) -shared -Wl,-z,nodelete -o $@ $^ $(LDLIBS)

# q, not r: files of one name from different rooms stay side by side.
$(BUILD)/liblunasip.a: $(filter-out $(MAIN),$(OBJ))
	$(call say,AR)rm -f $@ && $(AR) qcs $@ $^

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# A schema goes into the programs as text, schema_NAME (db/schema.h).
$(BUILD)/obj/db/schema/%.o: db/schema/%.sql db/schema.h
	@mkdir -p $(@D)
	@{ printf '#include "schema.h"\n\nconst char schema_$*[] = {\n'; \
	  od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g'; echo '0};'; } >$(@:.o=.c)
	$(call say,CC)$(CC) $(CPPFLAGS) $(CFLAGS) -Idb -c -o $@ $(@:.o=.c)

# One program a unit test; each prints TAP.
$(BUILD)/unit/%: t/unit/%.c t/unit/tap.h $(BUILD)/liblunasip.a
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(CFLAGS) -It/unit -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(BUILD)/liblunasip.a $(LDLIBS)

-include $(OBJ:.o=.d) $(UNITS:=.d)

# ---- run

RUN_DIR := build/run
RUN_STORE := sqlite:$(RUN_DIR)/lunasip.sqlite

.PHONY: run
run:
	@tools/setup build
	@$(MAKE) -s --no-print-directory -j$(JOBS) all
	@$(MAKE) -s --no-print-directory $(RUN_DIR)/lunasip.sqlite
	$(BUILD)/lunasip -l udp:127.0.0.1:5060 -d $(RUN_STORE) -s $(RUN_DIR)/control lua/routes/default.lua

$(RUN_DIR)/lunasip.sqlite:
	@mkdir -p $(@D) && rm -f $@.new*
	tools/lunactl -d sqlite:$@.new db init
	tools/lunactl -d sqlite:$@.new subscriber add 10 abc10
	tools/lunactl -d sqlite:$@.new subscriber add 11 abc11
	@mv $@.new $@

# ---- demo

# tools/demo without a number lists them.
demo-%:
	@tools/setup demo
	@$(MAKE) -s --no-print-directory -j$(JOBS) all
	@$(TEST_ENV) LUNASIP=$(BUILD)/lunasip $(LUA) tools/demo $*

# ---- test

# What the tests find things by.
TEST_ENV = BUILD=$(BUILD) SAN=$(SAN) LUA=$(LUA)
PROVE = $(TEST_ENV) prove --failures --comments -j$(JOBS) --exec tools/tap

.PHONY: programs test test-all test-unit test-spec test-flow test-sipp test-stall test-routes \
  chaos bench-start test-kamailio test-galera
programs: $(BUILD)/lunasip $(BUILD)/lunasip.so $(UNITS) $(BENCH)

test:
	@tools/setup test
	@$(MAKE) --no-print-directory -j$(JOBS) programs
	@$(MAKE) --no-print-directory test-all

test-all: programs
	$(PROVE) $(UNITS) $(SPECS) $(FLOWS) $(CHAOS)
test-unit: $(UNITS)
	$(PROVE) $(UNITS)
test-spec: all
	$(PROVE) $(SPECS)
test-flow: all $(BENCH)
	$(PROVE) $(FLOWS)
test-sipp: all
	SIPP_SECONDS=30 $(PROVE) -v t/flow/sipp_spec.lua
test-stall: all
	STALL_SECONDS=30 $(PROVE) -v t/flow/stall_spec.lua
chaos: all
	CHAOS_KILLS_SQLITE=200 CHAOS_KILLS_MYSQL=50 $(PROVE) -v t/chaos/chaos_spec.lua

# What is tested of routes unless ROUTES says it: those in lua/routes.
ROUTES ?= $(sort $(wildcard lua/routes/*_spec.lua lua/routes/*/*_spec.lua)) t/spec/default_spec.lua
test-routes:
	@tools/setup routes
	@$(MAKE) -s --no-print-directory -j$(JOBS) all
	@$(TEST_ENV) tools/lunactl test --coverage $(ROUTES)
test-kamailio:
	@tools/setup kamailio
	@$(MAKE) --no-print-directory -j$(JOBS) all
	$(PROVE) -v t/kamailio/kamailio_spec.lua
test-galera:
	@tools/setup galera
	@$(MAKE) --no-print-directory -j$(JOBS) all
	$(PROVE) -v t/galera/galera_spec.lua
bench-start: all
	START_ROWS=1000000 $(PROVE) -v t/chaos/start_spec.lua

.SECONDEXPANSION:
# A unit, spec or flow by its name: test-uri, test-default, test-call.
named = $(filter %/$*_test,$(UNITS)) $(filter %/$*_spec.lua,$(SPECS) $(FLOWS) $(CHAOS))
any := %
test-%: all $(BENCH) $$(filter $$(any)/$$*_test,$(UNITS))
	@$(if $(strip $(named)),,echo "no test is called $*"; exit 1)
	$(PROVE) -v $(named)

.PHONY: asan
asan:
	@tools/setup lint
	@$(MAKE) --no-print-directory SAN=asan -j$(JOBS) programs
	@$(MAKE) --no-print-directory SAN=asan test-all

# The rooms that have threads, and the daemon; what the flows load into Lua is as always.
TSAN_UNITS = $(filter $(addprefix $(BUILD)/unit/,base/% net/% store/% app/%),$(UNITS))
.PHONY: tsan test-threads
tsan:
	@tools/setup test
	@$(MAKE) --no-print-directory -j$(JOBS) all $(BENCH)
	@$(MAKE) --no-print-directory SAN=tsan -j$(JOBS) test-threads
test-threads: $(BUILD)/lunasip $(TSAN_UNITS)
	TSAN_OPTIONS="halt_on_error=1 suppressions=$(CURDIR)/t/tsan.supp" LUA_BUILD=build $(PROVE) $(TSAN_UNITS) $(FLOWS)

.PHONY: cover
cover:
	@tools/setup test
	@$(MAKE) --no-print-directory SAN=cover -j$(JOBS) programs
	@find build/cover -name '*.gcda' -delete
	@$(MAKE) --no-print-directory SAN=cover test-all
	@tools/cover build/cover

# ---- fuzz

FUZZ_OBJ = $(filter-out $(MAIN),$(OBJ))
$(BUILD)/fuzz/%: t/fuzz/%.c t/fuzz/fuzz.h $(FUZZ_OBJ)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(CFLAGS) -It/fuzz -fsanitize=fuzzer -o $@ $< $(FUZZ_OBJ) $(LDLIBS)

# Runs over files instead: build/fuzz/fuzz_msg-replay FILE...
$(BUILD)/fuzz/%-replay: t/fuzz/%.c t/fuzz/standalone.c $(BUILD)/liblunasip.a
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(CFLAGS) -It/fuzz -o $@ $^ $(LDLIBS)

fuzz-%:
	@$(MAKE) --no-print-directory SAN=fuzz CC=clang -j$(JOBS) build/fuzz/fuzz/fuzz_$*
	@mkdir -p build/fuzz/corpus/$*
	build/fuzz/fuzz/fuzz_$* -max_total_time=$(SECONDS) -max_len=8192 -timeout=5 -verbosity=0 \
	  -artifact_prefix=build/fuzz/$*- build/fuzz/corpus/$* t/torture

.PHONY: fuzz-short
fuzz-short:
	@tools/setup lint
	@set -e; for name in $(FUZZERS); do $(MAKE) --no-print-directory fuzz-$$name SECONDS=5; done

# ---- bench

BENCH_RUN = $(TEST_ENV) tools/bench/run

$(BUILD)/bench/load: $(LOAD_OBJ)
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/bench/floor: $(BUILD)/obj/tools/bench/floor/floor.o
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

-include $(LOAD_OBJ:.o=.d) $(BUILD)/obj/tools/bench/floor/floor.d

# Where the peer cannot be had, lunasip is measured without.
.PHONY: bench bench-workers bench-profile bench-long bench-short
bench bench-workers bench-profile bench-long:
	@tools/setup bench || tools/setup demo
	@$(MAKE) -s --no-print-directory -j$(JOBS) all $(BENCH)
	@$(BENCH_RUN) $(patsubst bench-%,%,$(@:bench=bench-tables))
bench-short:
	@tools/setup demo
	@$(MAKE) -s --no-print-directory -j$(JOBS) all $(BENCH)
	@$(BENCH_RUN) short

# ---- lint

C_FILES = $(sort $(wildcard core/*/*.[ch] db/*.[ch] t/unit/*.h t/unit/*/*.[ch] t/fuzz/*.[ch] \
  tools/bench/*/*.[ch]))
LINT_CPPFLAGS = $(CPPFLAGS) -It/unit -std=c17 $(WARN)

.PHONY: lint lint-layers lint-headers lint-c lint-lua lint-docs lint-api doc fmt fmt-check
lint:
	@tools/setup lint
	@$(MAKE) --no-print-directory -j$(JOBS) -k lint-layers fmt-check lint-lua lint-docs lint-api lint-headers lint-c
	@echo "lint: clean"

lint-layers:
	@$(LUA) tools/check-layers

# Each header stands alone, for both compilers; clang reads all else too.
lint-headers:
	@set -e; for h in $(filter %.h,$(C_FILES)); do \
	  for cc in gcc clang; do $$cc $(LINT_CPPFLAGS) -Wno-unused-function -Wno-unused-const-variable -x c -fsyntax-only $$h; done; done
	@clang $(LINT_CPPFLAGS) -fsyntax-only $(filter %.c,$(C_FILES))

lint-c:
	@printf '%s\n' $(SRC) $(wildcard tools/bench/*/*.c) | xargs -n 4 -P $(JOBS) sh -c 'clang-tidy --quiet \
	  --warnings-as-errors="*" "$$@" -- $(LINT_CPPFLAGS) 2>/dev/null' clang-tidy

lint-lua:
	@luacheck -q lua t tools/lunactl tools/check-layers tools/check-docs tools/check-api \
	  tools/api tools/cover tools/demo tools/bench

lint-docs: all
	@$(LUA) tools/check-docs

lint-api: all
	@$(TEST_ENV) $(LUA) tools/check-api

doc: all
	@$(TEST_ENV) $(LUA) tools/api

fmt:
	@clang-format -i $(C_FILES)
fmt-check:
	@clang-format --dry-run --Werror $(C_FILES)

# ---- install

.PHONY: install clean help
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/lua/5.4 \
	  $(DESTDIR)$(PREFIX)/share/lua/5.4/lunasip/testkit \
	  $(DESTDIR)$(PREFIX)/share/lua/5.4/lunasip/library \
	  $(DESTDIR)$(PREFIX)/share/lunasip/routes/documents \
	  $(DESTDIR)$(PREFIX)/share/lunasip/schema $(DESTDIR)$(PREFIX)/lib/systemd/system
	install $(BUILD)/lunasip tools/lunactl $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(BUILD)/lunasip.so $(DESTDIR)$(PREFIX)/lib/lua/5.4
	install -m 644 $(wildcard lua/lunasip/*.lua) $(DESTDIR)$(PREFIX)/share/lua/5.4/lunasip
	install -m 644 $(wildcard lua/lunasip/library/*.lua) $(DESTDIR)$(PREFIX)/share/lua/5.4/lunasip/library
	install -m 644 $(wildcard lua/lunasip/testkit/*.lua) $(DESTDIR)$(PREFIX)/share/lua/5.4/lunasip/testkit
	install -m 644 $(wildcard lua/routes/*.lua) $(DESTDIR)$(PREFIX)/share/lunasip/routes
	install -m 644 $(wildcard lua/routes/documents/*.lua) $(DESTDIR)$(PREFIX)/share/lunasip/routes/documents
	install -m 644 $(wildcard db/schema/*.sql) $(DESTDIR)$(PREFIX)/share/lunasip/schema
	sed 's,/usr/local,$(PREFIX),' doc/lunasip.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/lunasip.service

clean:
	rm -rf build

help:
	@sed -n '/^#   make/,/^$$/s/^# \?//p' Makefile
