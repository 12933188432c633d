/*
 * test_namespaces.c: from the number of a namespace to a container, with a made-up kernel and a
 * made-up /proc: who is the oldest, what is forgotten when something is given away again, and how
 * much is asked.
 */
#include "proc_tree.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "collect/netlink/namespaces.h"
#include "collect/netlink/reuse.h"

#define ID_A "aaaaaaaaaaaa0123456789abcdef0123456789abcdef0123456789abcdef0123"
#define ID_B "bbbbbbbbbbbb0123456789abcdef0123456789abcdef0123456789abcdef0123"
#define DOCKER_A "/system.slice/docker-" ID_A ".scope"
#define DOCKER_B "/system.slice/docker-" ID_B ".scope"
#define PIDS 4096

struct fixture {
    struct proc_tree tree;
    struct links *links;
    struct namespaces *n;
    int32_t nsid[PIDS]; /* by pid; INT32_MIN: no such process */
    size_t asked;       /* in the last round */
    int err;            /* of whatever is asked from now on */
};

static int ask(void *user, uint32_t pid, int32_t *ret_nsid)
{
    struct fixture *f = user;
    f->asked++;
    if (f->err)
        return f->err;
    assert_true(pid > 0 && pid < PIDS);
    if (f->nsid[pid] == INT32_MIN)
        return -ESRCH;
    *ret_nsid = f->nsid[pid];
    return 0;
}

static void process(struct fixture *f, unsigned pid, uint64_t start, int32_t nsid,
                    const char *cgroup)
{
    tree_process(&f->tree, pid, start, "x", 0, cgroup);
    f->nsid[pid] = nsid;
}

static void process_ends(struct fixture *f, unsigned pid)
{
    char path[16];
    snprintf(path, sizeof(path), "%u", pid);
    tree_remove(&f->tree, path);
    f->nsid[pid] = INT32_MIN;
}

static void own_pids(const struct proc_tree *tree, const char *format, int pid)
{
    char *text = mem_printf(format, pid);
    tree_write(tree, "self/status", text);
    free(text);
}

static struct fixture *fixture_new(void)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    f->tree = tree_new();
    f->links = links_new();
    for (size_t i = 0; i < PIDS; i++)
        f->nsid[i] = INT32_MIN;
    own_pids(&f->tree, "Name:\tx\nNSpid:\t%d\n", getpid());
    f->n = namespaces_new(f->tree.root, ask, f);
    return f;
}

static void fixture_free(struct fixture *f)
{
    namespaces_free(f->n);
    links_free(f->links);
    tree_free(&f->tree);
    free(f);
}

/* A link as the kernel tells of it; nsid -1: the other end is in this namespace. */
static void link_comes(struct fixture *f, int index, const char *kind, int32_t nsid)
{
    _Alignas(struct nlmsghdr) char bytes[512] = {0};
    struct nlmsghdr *msg = mnl_nlmsg_put_header(bytes);
    struct ifinfomsg *head = mnl_nlmsg_put_extra_header(msg, sizeof(*head));
    char name[16];
    msg->nlmsg_type = RTM_NEWLINK;
    head->ifi_index = index;
    snprintf(name, sizeof(name), "link%d", index);
    mnl_attr_put_strz(msg, IFLA_IFNAME, name);
    struct nlattr *info = mnl_attr_nest_start(msg, IFLA_LINKINFO);
    mnl_attr_put_strz(msg, IFLA_INFO_KIND, kind);
    mnl_attr_nest_end(msg, info);
    mnl_attr_put_u32(msg, IFLA_LINK, 2);
    if (nsid >= 0)
        mnl_attr_put_u32(msg, IFLA_LINK_NETNSID, (uint32_t)nsid);
    assert_int_equal(links_add(f->links, msg), 0);
}

/* These veths are all there are. */
static void veths(struct fixture *f, size_t count, const int32_t *nsids)
{
    links_clear(f->links);
    for (size_t i = 0; i < count; i++)
        link_comes(f, (int)i + 10, "veth", nsids[i]);
    links_end(f->links, true);
}

static int round_of(struct fixture *f, bool whole)
{
    f->asked = 0;
    return namespaces_round(f->n, f->links, whole);
}

static void rounds(struct fixture *f, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(round_of(f, true), 0);
}

static void assert_container(const struct fixture *f, int32_t nsid, const char *expected)
{
    const char *container = namespaces_container(f->n, nsid);
    if (!expected)
        assert_null(container);
    else if (!container || strcmp(container, expected) != 0)
        fail_msg("%d: %s instead of %s", nsid, container ? container : "nothing", expected);
}

static void test_names(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    process(f, 1, 1, -1, "/init.scope");
    process(f, 100, 500, 0, DOCKER_A);
    process(f, 50, 600, 0, DOCKER_B);  /* came into it later, with a smaller pid */
    process(f, 300, 700, 7, DOCKER_B); /* in there first is somebody who is in no container */
    process(f, 301, 650, 7, "/system.slice/ssh.service");
    process(f, 400, 800, 9, "/lxc.payload.web/init.scope");
    process(f, 500, 900, 8, DOCKER_A); /* no link leads there */
    process(f, 600, 900, 4, DOCKER_A); /* nor a pair's end */
    links_clear(f->links);
    link_comes(f, 2, "veth", 0);
    link_comes(f, 3, "veth", 9);
    link_comes(f, 4, "veth", 0);
    link_comes(f, 5, "netkit", 7);
    link_comes(f, 6, "macvlan", 4);
    link_comes(f, 7, "veth", -1);
    links_end(f->links, true);
    assert_int_equal(links_far_nsid(links_at(f->links, 0)), 0);
    assert_int_equal(links_far_nsid(links_at(f->links, 3)), 7);
    assert_int_equal(links_far_nsid(links_at(f->links, 4)), -1);
    assert_int_equal(links_far_nsid(links_at(f->links, 5)), -1);
    rounds(f, 1);
    assert_container(f, 0, "docker:aaaaaaaaaaaa");
    assert_container(f, 9, "lxc:web");
    assert_container(f, 7, NULL);
    assert_container(f, 8, NULL);
    assert_container(f, 4, NULL);
    assert_container(f, -1, NULL);
    /* What is known costs one question a round for each namespace. */
    rounds(f, 1);
    assert_int_equal(f->asked, 3);
    /* Who is known stays, also when an older process comes in and there is a walk for another one.
     */
    process(f, 700, 10, 0, DOCKER_B);
    veths(f, 2, (int32_t[]){0, 1});
    rounds(f, 5);
    assert_container(f, 0, "docker:aaaaaaaaaaaa");
    fixture_free(f);
}

static void test_no_links(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    process(f, 100, 500, 0, DOCKER_A);
    veths(f, 1, (int32_t[]){-1});
    rounds(f, 3);
    assert_int_equal(f->asked, 0);
    fixture_free(f);
}

/* Numbers, processes and namespaces that others get. */
static void test_given_away_again(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    process(f, 100, 500, 0, DOCKER_A);
    process(f, 101, 501, 0, DOCKER_A);
    veths(f, 1, (int32_t[]){0});
    rounds(f, 1);
    assert_container(f, 0, "docker:aaaaaaaaaaaa");

    /* The process ends, another one of the container is found in the same round. */
    process_ends(f, 100);
    rounds(f, 1);
    assert_container(f, 0, "docker:aaaaaaaaaaaa");

    /* The number now means another namespace; the process lives on elsewhere. */
    f->nsid[101] = -1;
    rounds(f, 1);
    assert_container(f, 0, NULL);
    process(f, 200, 900, 0, DOCKER_B);
    rounds(f, 3);
    assert_container(f, 0, "docker:bbbbbbbbbbbb");

    /* Its pid is another process's by now, in the same namespace and with another cgroup, and that
     * at a time when cgroups are no longer looked at in each round. */
    rounds(f, 10);
    process_ends(f, 200);
    process(f, 200, 950, 0, "/user.slice");
    rounds(f, 1);
    assert_container(f, 0, NULL);
    rounds(f, 4);
    assert_container(f, 0, NULL);

    /* The container is gone, and the number comes back with the next one. */
    process_ends(f, 200);
    process(f, 201, 990, 0, DOCKER_B);
    rounds(f, 4);
    assert_container(f, 0, "docker:bbbbbbbbbbbb");
    veths(f, 0, NULL);
    rounds(f, 1);
    assert_container(f, 0, NULL);
    process_ends(f, 201);
    process(f, 202, 999, 0, DOCKER_A);
    veths(f, 1, (int32_t[]){0});
    rounds(f, 1);
    assert_container(f, 0, "docker:aaaaaaaaaaaa");
    fixture_free(f);
}

/* A process that moves to another cgroup, as engines do with those that they begin with. */
static void test_moved(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    process(f, 100, 500, 3, "/system.slice/docker.service");
    veths(f, 1, (int32_t[]){3});
    rounds(f, 2);
    assert_container(f, 3, NULL);
    process(f, 100, 500, 3, DOCKER_A);
    rounds(f, 1);
    assert_container(f, 3, "docker:aaaaaaaaaaaa");
    rounds(f, 20);
    process(f, 100, 500, 3, DOCKER_B); /* late in its life: seen with every eighth look */
    rounds(f, 8);
    assert_container(f, 3, "docker:bbbbbbbbbbbb");
    fixture_free(f);
}

static void test_bounded(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    for (unsigned pid = 1; pid <= 2500; pid++)
        process(f, pid, 10000 - pid, pid < 5 ? 0 : -1, pid == 4 ? DOCKER_A : DOCKER_B);
    veths(f, 1, (int32_t[]){0});
    /* No name before all were asked: the oldest may be the last one. */
    for (size_t i = 0; i < 2; i++) {
        rounds(f, 1);
        assert_int_equal(f->asked, NAMESPACES_WALK);
        assert_container(f, 0, NULL);
    }
    rounds(f, 1);
    assert_container(f, 0, "docker:aaaaaaaaaaaa");
    assert_int_equal(f->asked, 2500 - 2 * NAMESPACES_WALK + 1); /* and once more, who it is */

    /* A number that comes in the middle of a walk waits for the next one, and that comes at once.
     */
    process(f, 3000, 5, 1, DOCKER_A);
    veths(f, 2, (int32_t[]){0, 1});
    rounds(f, 1);
    process(f, 3001, 5, 2, DOCKER_B);
    veths(f, 3, (int32_t[]){0, 1, 2});
    rounds(f, 2);
    assert_container(f, 1, "docker:aaaaaaaaaaaa");
    assert_container(f, 2, NULL);
    rounds(f, 3);
    assert_container(f, 2, "docker:bbbbbbbbbbbb");

    /* Nobody is left that a walk is for: it ends, and whoever comes next gets a whole one. */
    veths(f, 1, (int32_t[]){7});
    rounds(f, 1);
    assert_int_equal(f->asked, NAMESPACES_WALK);
    veths(f, 0, NULL);
    rounds(f, 1);
    assert_int_equal(f->asked, 0);
    veths(f, 1, (int32_t[]){1});
    rounds(f, 3);
    assert_container(f, 1, "docker:aaaaaaaaaaaa");
    fixture_free(f);
}

/* Nobody to be found: less and less often looked for, until there is a new number. */
static void test_in_vain(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    for (unsigned pid = 1; pid <= 10; pid++)
        process(f, pid, pid, -1, "/");
    veths(f, 1, (int32_t[]){5});
    size_t walks = 0, last = 0;
    for (size_t i = 0; i < 400; i++) {
        rounds(f, 1);
        if (!f->asked)
            continue;
        assert_int_equal(f->asked, 10);
        walks++;
        assert_true(i - last <= NAMESPACES_REST_MAX + 1);
        last = i;
    }
    assert_in_range(walks, 10, 20);
    veths(f, 2, (int32_t[]){5, 6});
    rounds(f, 1);
    assert_int_equal(f->asked, 10);
    /* And whoever comes is found at last. */
    process(f, 11, 11, 5, DOCKER_A);
    rounds(f, NAMESPACES_REST_MAX + 2);
    assert_container(f, 5, "docker:aaaaaaaaaaaa");
    fixture_free(f);
}

/* A dump that was interrupted may lack a link: what is known stays, what is not does not pile up.
 */
static void test_interrupted(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    process(f, 100, 500, 0, DOCKER_A);
    veths(f, 2, (int32_t[]){0, 1});
    rounds(f, 1);
    for (size_t i = 0; i < 10; i++) {
        veths(f, 1, (int32_t[]){0});
        assert_int_equal(round_of(f, false), 0);
        assert_int_equal(f->asked, 1); /* nobody looks for the other one any more */
    }
    veths(f, 1, (int32_t[]){2});
    assert_int_equal(round_of(f, false), 0);
    assert_container(f, 0, "docker:aaaaaaaaaaaa");
    veths(f, 1, (int32_t[]){2});
    rounds(f, 1);
    assert_container(f, 0, NULL);
    fixture_free(f);
}

static void test_no_kernel(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    process(f, 100, 500, 0, DOCKER_A);
    veths(f, 1, (int32_t[]){0});
    rounds(f, 1);
    f->err = -ENOBUFS;
    assert_int_equal(round_of(f, true), -ENOBUFS);
    assert_container(f, 0, NULL); /* it can no longer be told whether it is true */
    assert_int_equal(round_of(f, true), -ENOBUFS);
    f->err = 0;
    rounds(f, 1);
    assert_container(f, 0, "docker:aaaaaaaaaaaa");
    fixture_free(f);
}

/* Pids of another namespace, or of nobody knows which, mean other processes to the kernel. */
static void test_foreign_proc(void **state)
{
    (void)state;
    static const char *const status[] = {"Name:\tx\nNSpid:\t4711\t%d\n", "NSpid:\t%d\t1\n",
                                         "Name:\tx\n", "NSpid:\t%d7\n", "NSpid:\t%d"};
    for (size_t i = 0; i < ARRAY_LEN(status); i++) {
        struct fixture *f = fixture_new();
        own_pids(&f->tree, status[i], getpid());
        namespaces_free(f->n);
        f->n = namespaces_new(f->tree.root, ask, f);
        process(f, 100, 500, 0, DOCKER_A);
        veths(f, 1, (int32_t[]){0});
        rounds(f, 3);
        assert_int_equal(f->asked, 0);
        assert_container(f, 0, NULL);
        fixture_free(f);
    }
    struct namespaces *n = namespaces_new("/nonexistent", ask, NULL);
    struct links *links = links_new();
    assert_int_equal(namespaces_round(n, links, true), 0);
    links_free(links);
    namespaces_free(n);
}

static void test_reuse(void **state)
{
    (void)state;
    struct reuse r = {0};
    assert_true(reuse_holds(&r, 3, 100));
    reuse_note(&r, 3, 200);
    assert_false(reuse_holds(&r, 3, 100)); /* found out before */
    assert_false(reuse_holds(&r, 3, 200)); /* who knows */
    assert_true(reuse_holds(&r, 3, 201));
    assert_true(reuse_holds(&r, 4, 100));
    /* So many that not all are kept: what is older than those dropped is not certain. */
    for (int32_t i = 0; i < REUSE_KEPT; i++)
        reuse_note(&r, 1000 + i, 300 + i);
    assert_false(reuse_holds(&r, 3, 150));
    assert_false(reuse_holds(&r, 3, 200));
    assert_true(reuse_holds(&r, 3, 201));
    assert_false(reuse_holds(&r, 1000, 201));
    reuse_note_any(&r, 500);
    assert_false(reuse_holds(&r, 4, 500));
    assert_true(reuse_holds(&r, 4, 501));
    reuse_note(&r, 5, 600); /* drops an older one */
    assert_false(reuse_holds(&r, 4, 500));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_no_links),
        cmocka_unit_test(test_given_away_again),
        cmocka_unit_test(test_moved),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_in_vain),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_no_kernel),
        cmocka_unit_test(test_foreign_proc),
        cmocka_unit_test(test_reuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
