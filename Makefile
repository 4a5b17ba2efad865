# lunasip: make | run | test | test-NAME | lint | fmt | asan | fuzz-NAME | cover | install
#
# BUILD=dir builds somewhere else, SAN=asan with sanitizers (into build/asan).
# CC=clang works as well as gcc.

CC      ?= cc
BUILD   ?= build$(if $(SAN),/$(SAN))
LUA     ?= lua5.4
PREFIX  ?= /usr/local

PKGS    := libuv lua5.4 sqlite3 libcrypto libpcre2-8
WARN    := -Wall -Wextra -Wshadow -Wpedantic -Wstrict-prototypes -Wmissing-prototypes \
           -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Wundef -Werror
OPT     ?= -O2 -g
SANFLAGS_asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
SANFLAGS_tsan := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
SANFLAGS := $(SANFLAGS_$(SAN))

CFLAGS  += -std=c17 $(WARN) $(OPT) $(SANFLAGS) -fPIC -fvisibility=hidden -D_GNU_SOURCE -Icore \
           $(shell pkg-config --cflags $(PKGS)) $(shell mysql_config --include 2>/dev/null || pkg-config --cflags libmariadb)
LDLIBS  += $(shell pkg-config --libs $(PKGS)) $(shell pkg-config --libs libmariadb) -lpthread -lm
LDFLAGS += $(SANFLAGS)

SRC     := $(sort $(wildcard core/*/*.c db/*.c))
OBJ     := $(SRC:%.c=$(BUILD)/obj/%.o)
MAIN    := $(BUILD)/obj/core/app/main.o
UNITS   := $(patsubst t/unit/%.c,$(BUILD)/unit/%,$(sort $(wildcard t/unit/*/*_test.c)))

.PHONY: all
all: $(BUILD)/lunasip $(BUILD)/lunasip.so

$(BUILD)/lunasip: $(OBJ)
	$(CC) $(LDFLAGS) -Wl,-E -o $@ $^ $(LDLIBS)

# The same objects but main, for require "lunasip".
$(BUILD)/lunasip.so: $(filter-out $(MAIN),$(OBJ))
	$(CC) $(LDFLAGS) -shared -o $@ $^ $(LDLIBS)

$(BUILD)/liblunasip.a: $(filter-out $(MAIN),$(OBJ))
	rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

# One program a unit test; each prints TAP.
$(BUILD)/unit/%: t/unit/%.c t/unit/tap.h $(BUILD)/liblunasip.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -It/unit -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(BUILD)/liblunasip.a $(LDLIBS)

-include $(OBJ:.o=.d) $(UNITS:=.d)
