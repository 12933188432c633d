/*
 * output.h: the end of what a command prints.
 */
#pragma once

#include <stdbool.h>

/* Flushes standard output. `good`: whether all of it could be made and handed over so far. The exit
 * code of the command: 0, or 1 after saying why on standard error. */
int output_end(bool good);
