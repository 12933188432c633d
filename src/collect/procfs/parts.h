/*
 * parts.h: the parts of the procfs engine, one per kind of /proc file. A part reads text into the
 * draft; where the text comes from is not its business, so the tests hand it what they like.
 *
 * parse returns how many lines or numbers made no sense (skipped). After the first texts, which
 * make the series, it allocates nothing. `forget` drops the series held. Core thread.
 */
#pragma once

#include "collect/census.h"
#include "collect/engine.h"
#include "collect/interfaces.h"
#include "collect/procfs/scan.h"
#include "collect/sampler.h"
#include "collect/sysfs.h"

/* ---- /proc/net/snmp, /proc/net/netstat: pairs of lines, names and numbers ------------------ */

struct netstat;
struct netstat *netstat_new(struct sampler *sampler);
void netstat_free(struct netstat *n);
void netstat_forget(struct netstat *n);
size_t netstat_parse(struct netstat *n, struct scan text, const struct engine_sink *sink);

/* ---- /proc/net/snmp6: a name and a number a line; sockstat: "TCP: inuse 1 orphan 0" -------- */

struct pairs;
enum pairs_format { PAIRS_SNMP6, PAIRS_SOCKSTAT };
struct pairs *pairs_new(struct sampler *sampler, enum pairs_format format);
void pairs_free(struct pairs *p);
void pairs_forget(struct pairs *p);
size_t pairs_parse(struct pairs *p, struct scan text, const struct engine_sink *sink);

/* ---- /proc/net/softnet_stat: a line of hexadecimal numbers per CPU ------------------------- */

struct softnet;
struct softnet *softnet_new(struct sampler *sampler);
void softnet_free(struct softnet *s);
void softnet_forget(struct softnet *s);
size_t softnet_parse(struct softnet *s, struct scan text, const struct engine_sink *sink);

/* ---- /proc/net/stat/nf_conntrack and the two numbers beside it ----------------------------- */

struct conntrack;
enum conntrack_file { CONNTRACK_FILE_STAT, CONNTRACK_FILE_COUNT, CONNTRACK_FILE_MAX };
struct conntrack *conntrack_new(struct sampler *sampler, enum conntrack_file file);
void conntrack_free(struct conntrack *c);
void conntrack_forget(struct conntrack *c);
size_t conntrack_parse(struct conntrack *c, struct scan text, const struct engine_sink *sink);
/* Samples the limit as it was read last. False: it has to be read, or is no limit. */
bool conntrack_repeat(struct conntrack *c, const struct engine_sink *sink);

/* ---- /proc/net/dev ------------------------------------------------------------------------- */

struct devices;

/* An interface's index by its name: positive, or -errno when it is gone. */
typedef int (*device_index)(void *user, const char *name);

struct devices *devices_new(struct sampler *sampler, const struct engine_settings *settings,
                            device_index index, void *user);
void devices_free(struct devices *d);
void devices_forget(struct devices *d);

/* Takes in one reading of the file. True: names moved between interfaces meanwhile and it is not
 * certain whose numbers these are: read again. The second reading in a tick is always taken, the
 * doubtful interfaces left out. */
bool devices_read(struct devices *d, struct scan text, bool second, size_t *ret_bad);

/* Samples what was read last, completed by the newest survey (may be NULL). */
void devices_sample(struct devices *d, const struct engine_sink *sink,
                    const struct sysfs_links *survey);

/* ---- the host: name, kernel, boot time, clock ---------------------------------------------- */

struct host;
struct host *host_new(struct sampler *sampler, const char *proc_root);
void host_free(struct host *h);
void host_forget(struct host *h);
void host_sample(struct host *h, const struct engine_sink *sink);

/* ---- sockets one by one, on the survey thread ---------------------------------------------- */

struct sockets;
struct sockets *sockets_new(const char *proc_root); /* root is borrowed */
void sockets_free(struct sockets *s);
/* Tells the census of all sockets of this namespace; how many lines made no sense. */
size_t sockets_survey(struct sockets *s, struct census *census);
/* One line of such a file; false: makes no sense. */
bool sockets_parse_line(struct scan line, uint16_t protocol, uint8_t family,
                        struct socket_seen *ret);

/* ---- addresses, on the survey thread ------------------------------------------------------- */

struct addresses;
struct addresses *addresses_new(const char *proc_root); /* root is borrowed */
void addresses_free(struct addresses *a);
void addresses_read(struct addresses *a);
void addresses_annotate(void *addresses, struct sysfs_link *link); /* for sysfs_read */
