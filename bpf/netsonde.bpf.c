/*
 * netsonde.bpf.c: everything that runs in the kernel, as one object: the parts share their maps.
 * The loader (src/keeper/bpf.c) loads and attaches only the programs of the parts that are used;
 * the section's name says where a program is attached.
 */
#include "connections.h"
#include "dns.h"
#include "drops.h"
#include "ends.h"
#include "portable.h"
#include "resent.h"
#include "traffic.h"

char LICENSE[] SEC("license") = "GPL";
