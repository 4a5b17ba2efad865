/*
 * query: db.query of require "lunasip": a statement of the script's own, with
 * its arguments bound.
 */
#ifndef SCRIPT_QUERY_H
#define SCRIPT_QUERY_H

#include <lauxlib.h>

/* The functions of the table `db`. */
extern const luaL_Reg query_functions[];

#endif
