/*
 * xlog: log lines made from a format with pseudo-variables, as the documents
 * write them: "$rm from $si", "$Cbg$mb$Cxx".
 *
 * A format is parsed at its first use and kept; what is wrong with it raises
 * with the line of the script that used it.  Constant formats are looked at
 * before, when the script is loaded.
 */
#ifndef SCRIPT_XLOG_H
#define SCRIPT_XLOG_H

#include "script/scope.h"

/* req:xlog(level, format), rpl:xlog(…) */
int xlog_method(lua_State *L);
/* lunasip.xlog(level, format): of the message whose handler runs. */
int xlog_function(lua_State *L);

/* Is text a format?  0, or -1 with what is wrong appended to why. */
int xlog_check(struct slice text, struct buf *why);

/* A pseudo-variable: appends its value for s, false when it has none. */
struct xlog_variable {
	const char *name;
	bool (*put)(const struct scope *s, struct buf *out);
};
extern const struct xlog_variable xlog_variables[];
extern const unsigned xlog_variable_count;

/* "$hdr(NAME)", n as written in it: -1 all, joined by ", ". */
bool xlog_header(const struct scope *s, struct slice name, int n, struct buf *out);

#endif
