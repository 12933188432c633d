/* endpoint.h: addresses, protocols and directions in words. Any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "collect/census.h"

#define ENDPOINT_BYTES 56 /* "[1111:...:8888]:65535" and a NUL; longer with an IPv4 tail */

/* "192.0.2.1:80", "[2001:db8::1]:80" (RFC 5952); returns the length. */
size_t endpoint_write(char out[ENDPOINT_BYTES], uint8_t family, const uint8_t address[16],
                      uint16_t port);
const char *protocol_name(uint16_t protocol);         /* "tcp" ...; "ip" for others */
const char *socket_direction_name(uint8_t direction); /* "in", "out"; NULL: unknown */
