/*
 * watch: tells that files were saved, for `--watch`.
 *
 * It looks at their folders, not at the files: editors put a new file in the
 * place of the old one.
 */
#ifndef APP_WATCH_H
#define APP_WATCH_H

#include "base/log.h"
#include "script/source.h"

#include <uv.h>

struct watch;

/*
 * script: its path, borrowed.  saved is called a moment after the last of the
 * changes that belong together.
 */
void watch_open(struct watch **out, uv_loop_t *loop, struct log *log, const char *script,
		void *data, void (*saved)(void *data));
/* Watches the folders of these files too: the script, and what ends in .lua. */
void watch_set(struct watch *w, const struct source *files);
/* w is freed by the loop. */
void watch_close(struct watch *w);

#endif
