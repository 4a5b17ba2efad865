/*
 * version: what this build calls itself.
 */
#ifndef APP_VERSION_H
#define APP_VERSION_H

#define LUNASIP_VERSION "0.1.0"

#endif
