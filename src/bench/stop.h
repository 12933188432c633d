/*
 * stop.h: the signals that end a bench. Blocked, they are waited for or looked at, so that nothing
 * is left behind. Main thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

void stop_block_signals(void); /* before processes or threads begin */
bool stop_is_wanted(void);     /* SIGINT, SIGTERM or SIGHUP came; it stays so */
/* Waits for one of them or for a child's end, at most so long. True: a signal wants us to end. */
bool stop_wait(int64_t ns);
