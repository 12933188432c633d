/*
 * nurse.h: the part of a helper (the keeper, the courier) that starts it again. When the helper is
 * confined it splits: the process that main forked becomes the nurse, which only waits, and its
 * child answers main's requests on the same socket. A child that is killed is replaced, and so is
 * one that could not confine itself, for want of memory say, and ended with NURSE_TRY_AGAIN; one
 * that ends by itself in another way has been left by main, or was told nonsense, and the nurse
 * ends with it.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

/* In memory that main and the helper share; main only reads, and reads pid first: what belongs to
 * it is there before it. */
struct keeper_pulse {
    _Atomic uint32_t pid;      /* of who answers; 0: nobody, a new one is started soon */
    _Atomic uint32_t restarts; /* so far */
    _Atomic int32_t signal;    /* that ended the last one; 0: none has been killed */
    _Atomic uint32_t rests;    /* 1: nobody answers, and the next start is a second off or more */
};

#define NURSE_TRY_AGAIN 75 /* exit status of a child that has not answered anything yet */

/* How long the next start waits, after so many that did not hold for NURSE_CALM_MS: 0 after the
 * first, then 1 s and twice as much each time, NURSE_WAIT_MOST_MS at most. */
#define NURSE_CALM_MS 60000
#define NURSE_WAIT_MOST_MS 60000
int nurse_wait_ms(unsigned failures);

/* Confined already. Returns in each child, which is to confine itself further and to answer; ends
 * the process otherwise. Tells `main_pid` of each end and start by SIGCHLD. pulse: NULL allowed.
 * The names are what ps shows of the nurse and of the child. */
void nurse_watch(struct keeper_pulse *pulse, pid_t main_pid, const char *name, const char *child);
