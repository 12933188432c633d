/*
 * names.h: names that others chose, made fit to be shown, and the names of users. Survey thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Copies at most size - 1 bytes, cut at a character. What is no UTF-8 and what is no character to
 * be printed (newlines, escapes) becomes '?'. Always terminated; size > 0. */
void name_tame(char *out, size_t size, const char *text, size_t len);

struct users;

/* path: "/etc/passwd" or its like; borrowed. Only this file is asked, never a name service. */
struct users *users_new(const char *path);
void users_free(struct users *u); /* NULL allowed */

/* Reads the file again when it has changed. Now and then. */
void users_refresh(struct users *u);

/* Borrowed until the next call; the number as text when the file does not have it. */
const char *users_name(struct users *u, uint32_t uid);
