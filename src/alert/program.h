/*
 * program.h: a program of an exec channel: forked and executed with the arguments of the
 * configuration, never by a shell. The notice is on its standard input as JSON (the webhook's) and
 * in NETSONDE_* variables, the rest of its environment is PATH, HOME and LANG. It has a process
 * group of its own, which is killed when its time is over and when it has ended. Of what it says
 * the first line is kept for the case that it fails. Inside the courier's process.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "alert/attempt.h"

struct program {
    pid_t pid;  /* 0: none runs */
    int pidfd;  /* readable when it has ended; -1: this kernel has none */
    int output; /* what it says; -1: it has closed that */
    int64_t deadline_ns;
    int64_t timeout_ms;
    bool killed;
    size_t said;
    char text[120];
};

/* 0, or -1 when it could not be started: ret says why. */
int program_start(struct program *p, const struct attempt *a, struct attempt_result *ret);

/* Reads what there is, kills what is late. True: it has ended, and ret says how. Never waits. */
bool program_look(struct program *p, struct attempt_result *ret);
