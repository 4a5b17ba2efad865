/*
 * regex: req:search(pattern) over the message as it was received.
 *
 * Perl-compatible, case-insensitive, ^ and $ at line ends.  Compiled patterns
 * are cached in the state; time and memory of a match are bounded, whatever
 * the pattern and the message.
 */
#ifndef SCRIPT_REGEX_H
#define SCRIPT_REGEX_H

#include <lua.h>

/* true; false, "no match"; nil, "too complex".  A malformed pattern raises. */
int regex_search(lua_State *L);

#endif
