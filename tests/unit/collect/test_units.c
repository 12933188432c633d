/* What control groups stand for, by path and by number. */
#include "proc_tree.h"

#include "collect/census/units.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void check_path(const char *path, const char *expected)
{
    char unit[UNIT_BYTES];
    unit_of_path(path, strlen(path), unit);
    assert_string_equal(unit, expected);
}

static void test_paths(void **state)
{
    (void)state;
    check_path("", "");
    check_path("/", "");
    check_path("/init.scope", "init.scope");
    check_path("/system.slice/nginx.service", "nginx.service");
    check_path("/system.slice/nginx.service (deleted)", "nginx.service");
    check_path("/system.slice/foo.service/child", "foo.service");
    check_path("/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service");
    check_path("/user.slice/user-1000.slice/session-3.scope", "session-3.scope");
    check_path("/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.scope",
               "app-x.scope");
    check_path("/user.slice/user-1000.slice", "user-1000.slice");
    check_path("/system.slice/_cgroup.service", "cgroup.service");
    check_path("/../../system.slice/a.service", "a.service");
    check_path("/.service", "");
    /* containers */
    check_path("/docker/" ID, "docker:0123456789ab");
    check_path("/system.slice/docker-" ID ".scope", "docker:0123456789ab");
    check_path("/system.slice/docker-" ID ".scope/init.scope/system.slice/x.service",
               "docker:0123456789ab");
    check_path("/machine.slice/libpod-" ID ".scope/container", "podman:0123456789ab");
    check_path("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope",
               "podman:0123456789ab");
    check_path("/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice/"
               "cri-containerd-" ID ".scope",
               "containerd:0123456789ab");
    check_path("/kubepods.slice/kubepods-pod1.slice/crio-" ID ".scope", "cri-o:0123456789ab");
    check_path("/kubepods/besteffort/pod1-2/" ID, "container:0123456789ab");
    check_path("/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" ID,
               "containerd:0123456789ab");
    check_path("/lxc/web", "lxc:web");
    check_path("/lxc.payload.web/system.slice/x.service", "lxc:web");
    check_path("/docker/" ID "/docker/f" ID, "docker:0123456789ab"); /* 65 digits are no id */
    /* hostile */
    check_path("/a\"b\\c\n.service", "a\"b\\c?.service");
    check_path("/\xff\xfe.scope", "??.scope");
    check_path("/-" ID, "");
    check_path("/x" ID, "");
    char path[600] = "/";
    memset(path + 1, 'x', 500);
    memcpy(path + 501, ".service", 9);
    char unit[UNIT_BYTES];
    unit_of_path(path, strlen(path), unit);
    assert_int_equal(strlen(unit), UNIT_BYTES - 1);
}

static void test_cgroup_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *unit;
    } cases[] = {
        {"0::/system.slice/a.service\n", "a.service"},
        {"12:cpu,cpuacct:/x\n1:name=systemd:/system.slice/b.service\n0::/\n", "b.service"},
        {"5:memory:/docker/" ID "\n1:name=systemd:/\n", "docker:0123456789ab"},
        {"0::/system.slice/a:b.service\n", "a:b.service"},
        {"", ""},
        {"nonsense\n::\n0::", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char unit[UNIT_BYTES];
        unit_of_cgroups(cases[i].text, strlen(cases[i].text), unit);
        assert_string_equal(unit, cases[i].unit);
    }
}

static uint64_t inode_of(const struct proc_tree *t, const char *path)
{
    struct stat st;
    char *full = mem_printf("%s/%s", t->root, path);
    assert_int_equal(stat(full, &st), 0);
    free(full);
    return st.st_ino;
}

static void test_by_number(void **state)
{
    (void)state;
    struct proc_tree t = tree_new();
    tree_write(&t, "cgroup/system.slice/ssh.service/cgroup.procs", "");
    char *mounts = mem_printf("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
                              "30 22 0:26 / %s/old rw shared:5 - cgroup cgroup rw,cpu\n"
                              "31 22 0:27 / %s/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n",
                              t.root, t.root);
    tree_write(&t, "self/mountinfo", mounts);
    free(mounts);
    struct units *u = units_new(t.root);
    assert_string_equal(units_find(u, 0, 1000), "");
    assert_string_equal(units_find(u, inode_of(&t, "cgroup/system.slice/ssh.service"), 1000),
                        "ssh.service");
    assert_string_equal(units_find(u, inode_of(&t, "cgroup/system.slice"), 1000), "system.slice");

    /* A new one is found by the next walk, which is not made at once. */
    tree_write(&t, "cgroup/system.slice/new.service/cgroup.procs", "");
    uint64_t new = inode_of(&t, "cgroup/system.slice/new.service");
    assert_string_equal(units_find(u, new, 1000 + UNITS_WALK_MS - 1), "");
    assert_string_equal(units_find(u, new, 1000 + UNITS_WALK_MS), "new.service");

    /* It is known when it has gone; what is learned goes without walking, and is corrected. */
    tree_remove(&t, "cgroup/system.slice/new.service");
    assert_string_equal(units_find(u, new, 1000 + 9 * UNITS_WALK_MS), "new.service");
    units_learn(u, 99, "x.service");
    assert_string_equal(units_find(u, 99, 0), "x.service");
    units_learn(u, 99, "y.service");
    assert_string_equal(units_find(u, 99, 0), "y.service");

    /* Bounded: the oldest are forgotten. */
    for (uint64_t id = 1000; id < 6000; id++)
        units_learn(u, id << 32, "many.service");
    assert_string_equal(units_find(u, UINT64_C(5999) << 32, 0), "many.service");
    assert_string_equal(units_find(u, 99, 0), "");
    units_free(u);
    tree_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_cgroup_files),
        cmocka_unit_test(test_by_number),
    };
    return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
