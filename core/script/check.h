/*
 * check: the names in a script, looked at when it is loaded: methods and
 * fields that requests, replies, branches or the module do not have, fields
 * that cannot be set, names that stand for nothing, formats of xlog.
 *
 * Only what is certain to raise when it is reached is a mistake; what comes
 * from where the check cannot see, or runs inside pcall, is let be.  The
 * modules of the script's own folder are looked at with it.
 */
#ifndef SCRIPT_CHECK_H
#define SCRIPT_CHECK_H

#include "script/source.h"

#include <lua.h>

/*
 * text has been loaded into L: its globals are there.  Nothing is called in L,
 * nothing allocated.  files: where it was loaded from.  0, or -1 and the mistakes, "PATH:LINE:
 * what", a line each, in why.
 */
int check_script(lua_State *L, const char *path, struct slice text, struct source *files,
		 struct buf *why);

#endif
