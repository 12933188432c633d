/*
 * certificate.h: a certificate for the length of a measurement: a key on P-256 as most servers have
 * one, signed by itself, for 127.0.0.1 and an hour. Neither is ever on a disk. Any thread.
 */
#pragma once

#include <stddef.h>

struct tls;

/* 0 or a negative errno, and then a sentence in `why`. */
int certificate_make(struct tls **ret, char *why, size_t why_size);
