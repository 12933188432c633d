/*
 * origin.h: whose counters the kernel shows to this process: those of this boot, in this network
 * namespace. Another boot or another namespace counts something else under the same names.
 */
#pragma once

#define ORIGIN_MAX 64

/* Writes a text that is the same for as long as the counters go on; an empty one when the boot is
 * not known. Before the sandbox. */
void origin_of_counters(char out[ORIGIN_MAX]);
