#include "script/hide.h"

#include "script/object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Where the kernel looks for our arguments: fields 48 and 49 of
 * /proc/self/stat, counted behind the name, which may hold anything.
 */
static size_t arguments(char **out)
{
	char line[2048];
	FILE *f = fopen("/proc/self/stat", "r");
	size_t n = f ? fread(line, 1, sizeof(line) - 1, f) : 0;

	if (f)
		fclose(f);
	line[n] = '\0';
	const char *p = strrchr(line, ')');
	for (unsigned field = 2; p && field < 48; field++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	char *rest = NULL;
	uintptr_t begin = p ? strtoul(p, &rest, 10) : 0;
	uintptr_t end = rest ? strtoul(rest, NULL, 10) : 0;
	if (begin == 0 || begin >= end)
		return 0;
	*out = (char *)begin;
	return end - begin;
}

int hide_function(lua_State *L)
{
	struct slice secret = object_text(L, 1);
	char *all = NULL;
	size_t n = arguments(&all);

	for (size_t i = 0; secret.n && i + secret.n <= n; i++)
		if (memcmp(all + i, secret.p, secret.n) == 0)
			memset(all + i, '*', secret.n);
	return 0;
}
