/*
 * clock.h: the three times. `wall` is UTC in milliseconds since 1970 and may jump; `mono` counts
 * nanoseconds and never steps, use it for durations; `boot id` names the running boot.
 * Any thread.
 */
#pragma once

#include <stdint.h>

int64_t clock_wall_ms(void);
int64_t clock_mono_ns(void);

#define CLOCK_BOOT_ID_LEN 36 /* a UUID's text */

/* Writes the boot's UUID and a NUL; an empty text when /proc does not tell. */
void clock_boot_id(char id[CLOCK_BOOT_ID_LEN + 1]);
