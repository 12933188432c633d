/*
 * process.h: what lies between the two halves of this folder: the keeper's own side, and how main
 * takes hold of it. For keeper.c and tests.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "keeper/nurse.h"

/* Becomes the keeper: answers on `fd` until its other end is closed; sealed, in a child of its own
 * that is replaced when it is killed (nurse.h). pulse: shared with main; NULL allowed. Never
 * returns. */
_Noreturn void keeper_process(int fd, pid_t parent, uint64_t capabilities,
                              struct keeper_pulse *pulse);

struct keeper;

/* Main's end of a child that talks the protocol; takes fd, child and pulse (NULL allowed). */
struct keeper *keeper_adopt(int fd, pid_t pid, int timeout_ms, struct keeper_pulse *pulse);
