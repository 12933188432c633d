/*
 * netsonde.bpf.c: everything that runs in the kernel, as one object: the parts share their maps.
 * The loader (src/keeper/bpf.c) loads and attaches only the programs of the parts that are used;
 * the section's name says where a program is attached.
 */
#include "abi.h"
#include "kernel.h"
#include "maps.h"
#include "process.h"
#include "traffic.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline void traffic(struct sock *sk, int bytes, bool sent)
{
    if (bytes <= 0 || !sk)
        return;
    __u16 family = sk->__sk_common.skc_family;
    if (family != AF_INET && family != AF_INET6)
        return;
    struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
    if (task->flags & PF_KTHREAD)
        return;
    struct bpf_process_key key = {
        .start_boot_ns = task->group_leader->start_boottime,
        .pid = task->tgid,
    };
    process_add(&key, sent ? 0 : bytes, sent ? bytes : 0, socket_is_local(sk, family));
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(traffic_send, struct sock *sk, int bytes, int flags)
{
    traffic(sk, bytes, true);
    return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(traffic_receive, struct sock *sk, int bytes, int flags)
{
    if (!(flags & (MSG_PEEK | MSG_ERRQUEUE)))
        traffic(sk, bytes, false);
    return 0;
}

/* Comes after the last system call of a thread. When the group's last one goes, nothing is added
 * to the process any more: connections that are still to be closed belong to the kernel. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
    if (BPF_CORE_READ(task, signal, live.counter) > 0)
        return 0;
    struct bpf_process_key key = {
        .start_boot_ns = BPF_CORE_READ(task, group_leader, start_boottime),
        .pid = BPF_CORE_READ(task, tgid),
    };
    struct bpf_process *p = bpf_map_lookup_elem(&processes, &key);
    if (p)
        p->ended_ns = bpf_ktime_get_ns();
    return 0;
}

/* A program that is started in a process, and whoever changes his name: comes before it is set. */
SEC("tp_btf/task_rename")
int BPF_PROG(process_rename, struct task_struct *task, const char *command)
{
    struct task_struct *leader = BPF_CORE_READ(task, group_leader);
    if (leader != task)
        return 0;
    struct bpf_process_key key = {
        .start_boot_ns = BPF_CORE_READ(leader, start_boottime),
        .pid = BPF_CORE_READ(leader, tgid),
    };
    struct bpf_process *p = bpf_map_lookup_elem(&processes, &key);
    if (p)
        bpf_probe_read_kernel_str(p->command, sizeof(p->command), command);
    return 0;
}
