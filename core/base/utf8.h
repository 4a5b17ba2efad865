/*
 * utf8: is a text UTF-8 (RFC 3629)?  Databases refuse what is not.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/slice.h"

/* Bytes of the character that s begins with; 0: it begins with none. */
size_t utf8_char(struct slice s);
bool utf8_is(struct slice s);

#endif
