/* Which engine gives what, with engines that do as they are told. */
#include "stand.h"

#include <linux/capability.h>
#include <sys/resource.h>

#include "collect/select.h"

#define A CAPABILITY_BIT(CAPABILITY_INTERFACES)
#define B CAPABILITY_BIT(CAPABILITY_PROTOCOLS)
#define C CAPABILITY_BIT(CAPABILITY_SOFTNET)

/* What the fake engines are to do, by their place. */
struct script {
    uint32_t capabilities;
    struct engine_probe falls_short; /* its shortfalls are told beside them */
    int open_error;
    uint32_t lose;    /* in the next collect */
    uint32_t refuses; /* when it is given more while it runs */
    int probes, opens, collects, surveys, assigns, attached;
};

static struct script script[2];
static struct engine *made[2];
static void (*during_survey)(void); /* of the first engine; NULL: nothing happens */

struct fake {
    struct engine engine;
    size_t place;
};

static const struct engine_class fake_good, fake_plain, fake_insisting;

static struct engine *fake_make(const struct engine_settings *settings,
                                const struct engine_class *class, size_t place)
{
    assert_string_equal(settings->proc_root, "/proc");
    struct fake *f = mem_alloc(sizeof(*f));
    f->engine.class = class;
    f->place = place;
    made[place] = &f->engine;
    return &f->engine;
}

static struct engine *good_make(const struct engine_settings *settings)
{
    return fake_make(settings, &fake_good, 0);
}

static struct engine *plain_make(const struct engine_settings *settings)
{
    return fake_make(settings, &fake_plain, 1);
}

static struct engine *insisting_make(const struct engine_settings *settings)
{
    return fake_make(settings, &fake_insisting, 1);
}

static struct script *script_of(struct engine *e)
{
    return &script[CONTAINER_OF(e, struct fake, engine)->place];
}

static void fake_probe(struct engine *e, struct engine_probe *ret)
{
    struct script *s = script_of(e);
    s->probes++;
    *ret = s->falls_short;
    ret->capabilities = s->capabilities;
    if (!s->capabilities)
        probe_missing(ret, A | B, "Ask nicely.", "It does not like it %s.", "here");
}

static int fake_open(struct engine *e, uint32_t capabilities)
{
    script_of(e)->opens++;
    e->assigned = capabilities;
    return script_of(e)->open_error;
}

static int fake_attach(struct engine *e, struct uv_loop_s *loop)
{
    (void)loop;
    script_of(e)->attached++;
    return 0;
}

static void fake_detach(struct engine *e, void (*done)(void *user), void *user)
{
    script_of(e)->attached--;
    done(user);
}

static const struct metric metric_a = {"a", "", "A.", METRIC_COUNTER, 1};
static const struct metric metric_b = {"b", "", "B.", METRIC_COUNTER, 1};

static int fake_collect(struct engine *e, const struct engine_sink *sink, uint32_t *ret_lost)
{
    struct script *s = script_of(e);
    s->collects++;
    uint64_t now = (uint64_t)sink->mono_ns / NS_PER_S * 10;
    *ret_lost = s->lose & e->assigned;
    s->lose = 0;
    uint32_t given = e->assigned & ~*ret_lost;
    if (given & A)
        draft_counter(sink->draft, registry_get(sink->registry, &metric_a, NULL, 0, e->class->name),
                      now, 0);
    if (given & B)
        draft_counter(sink->draft, registry_get(sink->registry, &metric_b, NULL, 0, e->class->name),
                      now, 0);
    return *ret_lost ? -EPIPE : 0;
}

static void fake_assign(struct engine *e, uint32_t capabilities)
{
    script_of(e)->assigns++;
    e->assigned = capabilities & ~script_of(e)->refuses;
}

static void survey_destroy(struct message *msg)
{
    free(msg);
}

static struct message *fake_survey(struct engine *e, struct census *census)
{
    (void)census;
    script_of(e)->surveys++;
    if (during_survey && e == made[0])
        during_survey();
    struct message *msg = mem_alloc(sizeof(*msg));
    message_init(msg, survey_destroy);
    return msg;
}

static struct engine *surveyed_engine;

static void fake_take_survey(struct engine *e, struct message *result)
{
    surveyed_engine = e;
    message_unref(result);
}

static void fake_free(struct engine *e)
{
    free(CONTAINER_OF(e, struct fake, engine));
}

static const struct engine_class fake_good = {
    .name = "good",
    .preference = 20,
    .offers = A | B,
    .make = good_make,
    .probe = fake_probe,
    .open = fake_open,
    .attach = fake_attach,
    .collect = fake_collect,
    .assign = fake_assign,
    .survey = fake_survey,
    .surveyed = A,
    .take_survey = fake_take_survey,
    .detach = fake_detach,
    .free = fake_free,
};
static const struct engine_class fake_plain = {
    .name = "plain",
    .preference = 10,
    .offers = A | B,
    .make = plain_make,
    .probe = fake_probe,
    .open = fake_open,
    .collect = fake_collect,
    .assign = fake_assign,
    .survey = fake_survey,
    .surveyed = A,
    .take_survey = fake_take_survey,
    .free = fake_free,
};

static const struct engine_class fake_insisting = {
    .name = "insisting",
    .preference = 10,
    .preferred_for = B,
    .offers = A | B,
    .make = insisting_make,
    .probe = fake_probe,
    .open = fake_open,
    .collect = fake_collect,
    .assign = fake_assign,
    .free = fake_free,
};

static const struct engine_settings settings = {.proc_root = "/proc", .sys_root = "/sys"};

static struct collector *make(uint32_t good, uint32_t plain)
{
    /* Handed over in the wrong order: preference decides. */
    static const struct engine_class *const classes[] = {&fake_plain, &fake_good};
    memset(script, 0, sizeof(script));
    script[0].capabilities = good;
    script[1].capabilities = plain;
    return collector_new_with(&settings, classes, 2);
}

static void tick(struct stand *s, struct collector *c)
{
    collector_collect(c, stand_begin(s));
    stand_end(s);
}

static const struct event *find_event(const struct stand *s, const char *capability)
{
    for (size_t i = 0; i < s->tick->events_count; i++) {
        const struct event *e = s->tick->events[i];
        if (e->kind == EVENT_ERROR && strcmp(event_get_text(e, "capability"), capability) == 0)
            return e;
    }
    return NULL;
}

static const char *method(const struct stand *s, const char *key)
{
    return atomic_load(&s->tick->set->slots[stand_slot(s, key)]->method);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(collector_engine_name(0), "ebpf");
    assert_string_equal(collector_engine_name(1), "netlink");
    assert_string_equal(collector_engine_name(2), "procfs");
    assert_string_equal(collector_engine_name(3), "packet");
    assert_null(collector_engine_name(4));
    struct collector *c = NULL;
    const char *bad = NULL;
    static const char *const wrong[] = {"procfs", "bogus"};
    assert_int_equal(collector_new(&c, &settings, wrong, 2, &bad), -EINVAL);
    assert_null(c);
    assert_string_equal(bad, "bogus");
    assert_int_equal(collector_new(&c, &settings, wrong, 1, &bad), 0);
    assert_int_equal(collector_status(c)->count, 4);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(collector_status(c)->engines[i].state, ENGINE_OFF);
    assert_int_not_equal(collector_status(c)->engines[2].state, ENGINE_OFF);
    collector_free(c);
    assert_int_equal(collector_new(&c, &settings, NULL, 0, &bad), 0);
    assert_int_equal(collector_status(c)->count, 4);
    for (size_t i = 0; i < 3; i++)
        assert_int_not_equal(collector_status(c)->engines[i].state, ENGINE_OFF);
    collector_free(c);
}

/* An engine that is named and can give nothing is no engine to start with. */
static void test_named_in_vain(void **state)
{
    (void)state;
    static const char *const names[] = {"netlink", "procfs"};
    struct collector *c = NULL;
    const char *bad = NULL;
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){0, before.rlim_max};
    for (size_t count = 0; count <= 2; count++) {
        assert_int_equal(collector_new(&c, &settings, names, count, &bad), 0);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0); /* no socket for it */
        int err = collector_open(c);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(err, count ? -ENODEV : 0);
        if (count)
            assert_string_equal(collector_refused(c), "netlink");
        else
            assert_null(collector_refused(c));
        collector_free(c);
    }

    c = make(A, 0); /* without names the one that can is enough */
    assert_int_equal(collector_open(c), 0);
    assert_null(collector_refused(c));
    collector_free(c);
}

static const struct collector_offer *offer(struct collector *c, enum capability capability,
                                           const char *engine)
{
    const struct collector_status *status = collector_status(c);
    for (size_t i = 0; i < status->offers_count; i++) {
        const struct collector_offer *o = &status->offers[i];
        if (o->capability == capability && strcmp(o->engine, engine) == 0)
            return o;
    }
    return NULL;
}

static enum offer_state by_and_large(struct collector *c, enum capability capability)
{
    const struct collector_offer *best;
    return collector_status_of(collector_status(c), capability, &best);
}

/* Each capability with each engine: in use, available, missing, limited, off, or not worth a word.
 */
static void test_offers(void **state)
{
    (void)state;
    struct collector *c = make(A, A | B);
    probe_missing(&script[0].falls_short, B, "enable b", "B is not %s.", "here");
    assert_int_equal(collector_open(c), 0);
    assert_int_equal(offer(c, CAPABILITY_INTERFACES, "good")->state, OFFER_IN_USE);
    assert_int_equal(offer(c, CAPABILITY_INTERFACES, "plain")->state, OFFER_AVAILABLE);
    assert_string_equal(offer(c, CAPABILITY_INTERFACES, "plain")->reason, "good gives it.");
    const struct collector_offer *o = offer(c, CAPABILITY_PROTOCOLS, "good");
    assert_int_equal(o->state, OFFER_MISSING); /* the better one: one wants to know */
    assert_string_equal(o->reason, "B is not here.");
    assert_string_equal(o->remedy, "enable b");
    assert_int_equal(by_and_large(c, CAPABILITY_PROTOCOLS), OFFER_IN_USE);
    assert_int_equal(by_and_large(c, CAPABILITY_DROPS), OFFER_UNSUPPORTED);
    assert_string_equal(collector_status(c)->engines[0].reason, "B is not here.");
    assert_string_equal(collector_status(c)->engines[0].remedy, "enable b");
    collector_free(c);

    c = make(A | B, 0);
    assert_int_equal(collector_open(c), 0);
    assert_null(offer(c, CAPABILITY_INTERFACES, "plain")); /* nobody needs the worse one */
    collector_free(c);

    c = make(A | B, 0);
    probe_missing(&script[0].falls_short, A, "", "Only a remark.");
    probe_missing(&script[0].falls_short, A | B, "", "Another remark.");
    probe_missing(&script[0].falls_short, B, "more of b", "Half of it.");
    assert_int_equal(collector_open(c), 0);
    assert_int_equal(offer(c, CAPABILITY_INTERFACES, "good")->state, OFFER_IN_USE);
    assert_string_equal(offer(c, CAPABILITY_INTERFACES, "good")->reason, "Only a remark.");
    assert_int_equal(offer(c, CAPABILITY_PROTOCOLS, "good")->state, OFFER_LIMITED);
    assert_string_equal(offer(c, CAPABILITY_PROTOCOLS, "good")->reason, "Half of it.");
    assert_int_equal(by_and_large(c, CAPABILITY_PROTOCOLS), OFFER_LIMITED);
    collector_free(c);

    c = make(A, A);
    probe_off(&script[0].falls_short, B, "switch on b", "Nobody asked.");
    assert_int_equal(collector_open(c), 0);
    assert_int_equal(offer(c, CAPABILITY_PROTOCOLS, "good")->state, OFFER_OFF);
    assert_int_equal(by_and_large(c, CAPABILITY_PROTOCOLS), OFFER_MISSING); /* plain's silence */
    collector_free(c);
}

/* One command for the privileges that any line misses, with what the program has already. */
static void test_privileges(void **state)
{
    (void)state;
    static const struct engine_class *const classes[] = {&fake_good, &fake_plain};
    struct engine_settings some = settings;
    some.program = "/usr/bin/netsonde";
    some.bounding = UINT64_MAX;
    some.permitted = UINT64_C(1) << CAP_BPF;
    memset(script, 0, sizeof(script));
    script[0].capabilities = script[1].capabilities = C;
    probe_unprivileged(&script[0].falls_short, A, UINT64_C(1) << CAP_NET_ADMIN, "No.");
    probe_unprivileged(&script[1].falls_short, B, UINT64_C(1) << CAP_NET_RAW, "No, either.");
    struct collector *c = collector_new_with(&some, classes, 2);
    assert_int_equal(collector_open(c), 0);
    const char *command = "sudo setcap cap_net_admin,cap_net_raw,cap_bpf=ep /usr/bin/netsonde";
    assert_string_equal(offer(c, CAPABILITY_INTERFACES, "good")->remedy, command);
    assert_string_equal(offer(c, CAPABILITY_PROTOCOLS, "plain")->remedy, command);
    assert_string_equal(collector_status(c)->engines[1].remedy, command);
    assert_int_equal(offer(c, CAPABILITY_INTERFACES, "good")->state, OFFER_MISSING);
    collector_free(c);

    /* No file can give what the process could not have: a container. */
    some.bounding = UINT64_C(1) << CAP_NET_RAW;
    c = collector_new_with(&some, classes, 2);
    assert_int_equal(collector_open(c), 0);
    assert_string_equal(offer(c, CAPABILITY_INTERFACES, "good")->remedy,
                        "docker run --cap-add=NET_ADMIN ...");
    collector_free(c);
}

/* What an engine offers is there, or it says why not: nothing is left open. */
static void test_nothing_unsaid(void **state)
{
    (void)state;
    static const char *const roots[] = {"/proc", "/nonexistent"};
    for (size_t r = 0; r < ARRAY_LEN(roots); r++) {
        struct engine_settings some = {.proc_root = roots[r], .sys_root = "/sys"};
        struct collector *c = NULL;
        const char *bad = NULL;
        assert_int_equal(collector_new(&c, &some, NULL, 0, &bad), 0);
        collector_open(c);
        const struct collector_status *status = collector_status(c);
        assert_true(status->offers_count > 0);
        for (size_t i = 0; i < status->offers_count; i++) {
            const struct collector_offer *o = &status->offers[i];
            if (o->state == OFFER_MISSING || o->state == OFFER_OFF)
                assert_true(*o->reason);
        }
        collector_free(c);
    }
}

/* Whether an engine is among those that collect. */
static bool runs(const struct engine_settings *given, const char *const *names, size_t count,
                 const char *engine)
{
    struct collector *c = NULL;
    const char *bad = NULL;
    bool found = false, off = false;
    assert_int_equal(collector_new(&c, given, names, count, &bad), 0);
    const struct collector_status *status = collector_status(c);
    for (size_t i = 0; i < status->count; i++) {
        if (strcmp(status->engines[i].name, engine) == 0) {
            found = true;
            off = status->engines[i].state == ENGINE_OFF;
        }
    }
    assert_true(found); /* off or not, one is told of it */
    collector_free(c);
    return !off;
}

/* An engine that costs much is there when it is named, or when its settings ask for it. */
static void test_on_request(void **state)
{
    (void)state;
    static const char *const names[] = {"packet", "procfs"};
    static const char *const devices[] = {"lo"};
    struct engine_settings asked = settings;
    assert_true(runs(&settings, names, 2, "packet"));
    assert_true(runs(&settings, names, 1, "packet"));
    assert_false(runs(&settings, names + 1, 1, "packet"));
    assert_false(runs(&settings, NULL, 0, "packet"));
    assert_true(runs(&settings, NULL, 0, "procfs"));
    asked.packet.devices = devices;
    asked.packet.devices_count = 1;
    assert_true(runs(&asked, NULL, 0, "packet"));
    assert_true(runs(&asked, NULL, 0, "netlink"));
    asked.packet = (struct engine_packet_settings){.file = "trace.pcap"};
    assert_true(runs(&asked, names + 1, 1, "packet"));
    assert_false(runs(&asked, names + 1, 1, "netlink"));
}

/* Of several devices one cannot be opened: the others are looked at, and it is said which is not.
 */
static void test_devices_in_part(void **state)
{
    (void)state;
    static const char *const names[] = {"packet"}, *const devices[] = {"lo", "no_such_device0"};
    struct engine_settings some = settings;
    struct collector *c = NULL;
    const char *bad = NULL;
    unsigned told = 0;
    some.packet = (struct engine_packet_settings){
        .devices = devices, .devices_count = 1, .filter = "", .snaplen = 256};
    assert_int_equal(collector_new(&c, &some, names, 1, &bad), 0);
    int err = collector_open(c);
    collector_free(c);
    if (err)
        skip(); /* no libpcap, or no CAP_NET_RAW */
    some.packet.devices_count = 2;
    assert_int_equal(collector_new(&c, &some, names, 1, &bad), 0);
    assert_int_equal(collector_open(c), 0);
    const struct collector_status *status = collector_status(c);
    for (size_t i = 0; i < status->offers_count; i++) {
        const struct collector_offer *o = &status->offers[i];
        if (strcmp(o->engine, "packet") != 0)
            continue;
        assert_int_equal(o->state, OFFER_LIMITED);
        assert_non_null(strstr(o->reason, "no_such_device0"));
        told++;
    }
    assert_int_equal(told, 2); /* flows, DNS */
    collector_free(c);
}

static void test_the_best_gets_it(void **state)
{
    (void)state;
    struct collector *c = make(A, A | B);
    assert_int_equal(collector_open(c), 0);
    const struct collector_status *status = collector_status(c);
    assert_string_equal(status->providers[CAPABILITY_INTERFACES], "good");
    assert_string_equal(status->providers[CAPABILITY_PROTOCOLS], "plain");
    assert_null(status->providers[CAPABILITY_SOFTNET]);
    assert_string_equal(status->engines[0].name, "good");
    assert_int_equal(status->engines[1].capabilities, A | B);
    assert_int_equal(status->engines[1].assigned, B);
    assert_string_equal(engine_state_name(status->engines[1].state), "in use");
    collector_free(c);
}

/* What an engine is preferred for it has, although the other one has the rest; and that one has it
 * where the engine cannot give it. */
static void test_preferred_for(void **state)
{
    (void)state;
    const struct engine_class *const classes[] = {&fake_insisting, &fake_good};
    for (int works = 0; works < 2; works++) {
        memset(script, 0, sizeof(script));
        script[0].capabilities = A | B;
        script[1].capabilities = works ? A | B : A;
        struct collector *c = collector_new_with(&settings, classes, 2);
        assert_int_equal(collector_open(c), 0);
        const struct collector_status *status = collector_status(c);
        assert_string_equal(status->providers[CAPABILITY_INTERFACES], "good");
        assert_string_equal(status->providers[CAPABILITY_PROTOCOLS], works ? "insisting" : "good");
        collector_free(c);
    }
}

static void test_spare_and_unavailable(void **state)
{
    (void)state;
    struct collector *c = make(A | B, A);
    assert_int_equal(collector_open(c), 0);
    assert_int_equal(collector_status(c)->engines[1].state, ENGINE_SPARE);
    assert_int_equal(script[1].opens, 0);
    collector_free(c);

    c = make(0, A);
    assert_int_equal(collector_open(c), 0);
    assert_int_equal(collector_status(c)->engines[0].state, ENGINE_UNAVAILABLE);
    assert_string_equal(collector_status(c)->engines[0].reason, "It does not like it here.");
    assert_string_equal(collector_status(c)->engines[0].remedy, "Ask nicely.");
    collector_free(c);

    c = make(0, 0);
    assert_int_equal(collector_open(c), -ENODEV);
    collector_free(c);
}

static void test_open_fails(void **state)
{
    (void)state;
    struct collector *c = make(A | B, A);
    script[0].open_error = -EACCES;
    assert_int_equal(collector_open(c), 0);
    assert_string_equal(collector_status(c)->providers[CAPABILITY_INTERFACES], "plain");
    assert_null(collector_status(c)->providers[CAPABILITY_PROTOCOLS]);
    assert_int_equal(collector_status(c)->engines[0].state, ENGINE_LOST);
    assert_non_null(strstr(collector_status(c)->engines[0].reason, "Permission denied"));
    collector_free(c);
}

/* Lost while it runs: the next one reads it in the same tick and the series goes on. */
static void test_loss(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct collector *c = make(A | B, A);
    assert_int_equal(collector_open(c), 0);
    tick(&s, c);
    tick(&s, c);
    assert_counter(&s, "a", SAMPLE_OK, 20, 10);
    assert_string_equal(method(&s, "a"), "good");
    uint64_t generation = collector_status_generation(c);
    struct collector_status *before = collector_status(c);
    message_ref(&before->msg);

    script[0].lose = A;
    tick(&s, c);
    assert_counter(&s, "a", SAMPLE_OK, 30, 10);
    assert_counter(&s, "b", SAMPLE_OK, 30, 10);
    assert_string_equal(method(&s, "a"), "plain");
    const struct event *e = find_event(&s, "interfaces");
    assert_non_null(e);
    assert_string_equal(event_get_text(e, "engine"), "good");
    assert_string_equal(event_get_text(e, "now"), "plain");
    assert_string_equal(event_get_text(e, "reason"), "Broken pipe");
    assert_true(collector_status_generation(c) > generation);
    assert_string_equal(before->providers[CAPABILITY_INTERFACES], "good"); /* frozen */
    message_unref(&before->msg);
    assert_string_equal(collector_status(c)->providers[CAPABILITY_INTERFACES], "plain");
    assert_string_equal(collector_status(c)->providers[CAPABILITY_PROTOCOLS], "good");

    /* Nobody left: said, and nothing sampled. */
    script[1].lose = A;
    tick(&s, c);
    assert_false(stand_has(&s, "a"));
    assert_string_equal(event_get_text(find_event(&s, "interfaces"), "now"), "none");
    assert_null(collector_status(c)->providers[CAPABILITY_INTERFACES]);
    collector_free(c);
    stand_free(&s);
}

static void run_minute(struct stand *s, struct collector *c)
{
    for (int i = 0; i < 60; i++)
        tick(s, c);
}

/* What was lost is tried again, after ever longer waits. */
static void test_comes_back(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct collector *c = make(A, A);
    assert_int_equal(collector_open(c), 0);
    int waited[4] = {0};
    for (size_t loss = 0; loss < ARRAY_LEN(waited); loss++) {
        script[0].lose = A;
        tick(&s, c);
        assert_string_equal(collector_status(c)->providers[CAPABILITY_INTERFACES], "plain");
        while (strcmp(collector_status(c)->providers[CAPABILITY_INTERFACES], "plain") == 0 &&
               waited[loss] < 100) {
            run_minute(&s, c);
            waited[loss]++;
        }
    }
    assert_true(waited[0] >= 1 && waited[0] <= 2);
    for (size_t i = 1; i < ARRAY_LEN(waited); i++)
        assert_true(waited[i] > waited[i - 1]);
    collector_free(c);
    stand_free(&s);
}

static void test_comes_up_later(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct collector *c = make(A, B);
    collector_attach(c, (struct uv_loop_s *)&s); /* never looked into by these engines */
    assert_int_equal(collector_open(c), 0);
    tick(&s, c);
    script[0].capabilities = A | C;
    run_minute(&s, c);
    run_minute(&s, c);
    assert_string_equal(collector_status(c)->providers[CAPABILITY_SOFTNET], "good");
    assert_int_equal(script[0].opens, 1); /* given more, not opened again */
    assert_true(script[0].assigns > 0);
    collector_free(c);
    stand_free(&s);
}

/* An engine that offers more while it runs and does not take it: the one that has it keeps it. */
static void test_taken_in_part(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct collector *c = make(A, A | B);
    assert_int_equal(collector_open(c), 0);
    tick(&s, c);
    script[0].capabilities = A | B;
    script[0].refuses = B;
    for (int i = 0; i < 5; i++) {
        run_minute(&s, c);
        assert_true(stand_has(&s, "b"));
        assert_non_null(collector_status(c)->providers[CAPABILITY_PROTOCOLS]);
        assert_string_equal(collector_status(c)->providers[CAPABILITY_PROTOCOLS], "plain");
    }
    assert_string_equal(collector_status(c)->providers[CAPABILITY_INTERFACES], "good");
    assert_string_equal(offer(c, CAPABILITY_PROTOCOLS, "good")->reason,
                        "Could not be taken while it ran.");
    collector_free(c);
    stand_free(&s);
}

/* What a probe no longer finds is no good news. */
static void test_goes_away(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct collector *c = make(A, A);
    assert_int_equal(collector_open(c), 0);
    tick(&s, c);
    script[0].capabilities = 0;
    const struct event *e = NULL;
    for (int i = 0; i < 120 && !e; i++) {
        tick(&s, c);
        e = find_event(&s, "interfaces");
    }
    assert_non_null(e);
    assert_string_equal(event_get_text(e, "engine"), "good");
    assert_string_equal(event_get_text(e, "now"), "plain");
    assert_string_equal(event_get_text(e, "reason"), "It does not like it here.");
    assert_true(stand_has(&s, "a"));
    collector_free(c);
    stand_free(&s);
}

static void deliver(void *user, struct engine *e, struct message *result)
{
    struct collector *c = user;
    collector_take_survey(c, e, result);
}

static void test_survey(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct collector *c = make(A, A | B);
    assert_int_equal(collector_open(c), 0);
    collector_survey(c, deliver, c);
    assert_int_equal(script[0].surveys, 1);
    assert_int_equal(script[1].surveys, 0); /* in use, but not for what needs a survey */
    assert_string_equal(surveyed_engine->class->name, "good");
    script[0].lose = A;
    tick(&s, c);
    collector_survey(c, deliver, c);
    assert_int_equal(script[0].surveys, 1);
    assert_int_equal(script[1].surveys, 1);
    collector_free(c);
    stand_free(&s);
}

static struct {
    struct stand *stand;
    struct collector *collector;
} changing;

static void lose_in_the_middle(void)
{
    script[0].lose = A;
    tick(changing.stand, changing.collector);
    assert_int_equal(made[1]->assigned, A | B);
    assert_true(engine_surveys(made[0], CAPABILITY_INTERFACES)); /* this round is still its */
    assert_false(engine_surveys(made[1], CAPABILITY_INTERFACES));
}

/* Who takes over in the middle of a round begins with the next one: nothing is counted twice. */
static void test_change_in_a_round(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct collector *c = make(A, A | B);
    assert_int_equal(collector_open(c), 0);
    changing.stand = &s;
    changing.collector = c;
    during_survey = lose_in_the_middle;
    collector_survey(c, deliver, c);
    during_survey = NULL;
    assert_int_equal(script[1].surveys, 0);
    collector_survey(c, deliver, c);
    assert_int_equal(script[0].surveys, 1);
    assert_int_equal(script[1].surveys, 1);
    assert_false(engine_surveys(made[0], CAPABILITY_INTERFACES));
    assert_true(engine_surveys(made[1], CAPABILITY_INTERFACES));
    collector_free(c);
    stand_free(&s);
}

static void detached(void *user)
{
    *(int *)user += 1;
}

static void test_attach_and_detach(void **state)
{
    (void)state;
    struct collector *c = make(A, A | B);
    assert_int_equal(collector_open(c), 0);
    int done = 0;
    assert_int_equal(collector_attach(c, (struct uv_loop_s *)&done), 0);
    assert_int_equal(script[0].attached, 1);
    collector_detach(c, detached, &done);
    assert_int_equal(done, 1);
    assert_int_equal(script[0].attached, 0);
    collector_detach(c, detached, &done); /* never attached: still answered */
    assert_int_equal(done, 2);
    collector_free(c);
}

static void test_own_histogram(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct collector *c = make(A, B);
    assert_int_equal(collector_open(c), 0);
    for (int i = 0; i < 5; i++)
        tick(&s, c);
    assert_counter(&s, "netsonde_collect_seconds_count", SAMPLE_OK, 5, 1);
    assert_counter(&s, "netsonde_collect_seconds_bucket{le=\"+Inf\"}", SAMPLE_OK, 5, 1);
    static const char *const bounds[] = {"5e-05", "0.0001", "0.00025", "0.0005", "0.001", "0.0025",
                                         "0.005", "0.01",   "0.025",   "0.05",   "0.1",   "+Inf"};
    uint64_t before = 0;
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        char *key = mem_printf("netsonde_collect_seconds_bucket{le=\"%s\"}", bounds[i]);
        uint64_t count = s.tick->absolute[stand_slot(&s, key)];
        assert_true(count >= before && count <= 5);
        before = count;
        free(key);
    }
    uint32_t sum = stand_slot(&s, "netsonde_collect_seconds_sum");
    assert_true(tick_absolute(s.tick, sum) > 0 && tick_absolute(s.tick, sum) < 60);
    collector_free(c);
    stand_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_named_in_vain),
        cmocka_unit_test(test_offers),
        cmocka_unit_test(test_privileges),
        cmocka_unit_test(test_nothing_unsaid),
        cmocka_unit_test(test_on_request),
        cmocka_unit_test(test_devices_in_part),
        cmocka_unit_test(test_the_best_gets_it),
        cmocka_unit_test(test_preferred_for),
        cmocka_unit_test(test_spare_and_unavailable),
        cmocka_unit_test(test_open_fails),
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_comes_back),
        cmocka_unit_test(test_comes_up_later),
        cmocka_unit_test(test_taken_in_part),
        cmocka_unit_test(test_goes_away),
        cmocka_unit_test(test_survey),
        cmocka_unit_test(test_change_in_a_round),
        cmocka_unit_test(test_attach_and_detach),
        cmocka_unit_test(test_own_histogram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
