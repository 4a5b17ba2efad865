/*
 * log: one line for the person who reads it at 3 a.m.
 *
 * A log is a level and a sink.  Lines come without a newline; what peers sent
 * is passed through log_clean() first, so that no message can forge a line or
 * drive a terminal.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/buf.h"
#include "base/slice.h"

#include <stdatomic.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

struct log {
	/* Set by its owner, while other threads may write lines. */
	_Atomic enum log_level level; /* lines above it are dropped */
	atomic_bool colour;           /* the sink shows ANSI colours */
	void (*write)(struct log *l, enum log_level level, struct slice line);
};

static inline bool log_wants(const struct log *l, enum log_level level)
{
	return level <= atomic_load_explicit(&l->level, memory_order_relaxed);
}

void log_line(struct log *l, enum log_level level, struct slice line);
void log_printf(struct log *l, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(l, ...) log_printf((l), LOG_ERROR, __VA_ARGS__)
#define log_warn(l, ...) log_printf((l), LOG_WARN, __VA_ARGS__)
#define log_notice(l, ...) log_printf((l), LOG_NOTICE, __VA_ARGS__)
#define log_info(l, ...) log_printf((l), LOG_INFO, __VA_ARGS__)
#define log_debug(l, ...) log_printf((l), LOG_DEBUG, __VA_ARGS__)

/* "error", "warning", "notice", "info", "debug"; also the documents' "L_ERR",
 * "L_WARN", "L_NOTICE", "L_INFO", "L_DBG".  Returns 0 or -1. */
int log_level_parse(struct slice text, enum log_level *level);
const char *log_level_name(enum log_level level);

/* Appends s with every control byte as \xNN; with keep_lines, CR LF and LF
 * stay line breaks (LF) and HTAB stays. */
void log_clean(struct buf *out, struct slice s, bool keep_lines);

#endif
