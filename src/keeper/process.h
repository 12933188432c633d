/*
 * process.h: what lies between the two halves of this folder: the keeper's own side, and how main
 * takes hold of it. For keeper.c and tests.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Becomes the keeper: answers on `fd` until its other end is closed. Never returns. */
_Noreturn void keeper_process(int fd, pid_t parent, uint64_t capabilities);

struct keeper;

/* Main's end of a child that talks the protocol; takes fd and child. */
struct keeper *keeper_adopt(int fd, pid_t pid, int timeout_ms);
