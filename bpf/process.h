/*
 * process.h: who is running: the key and the entry of a process in "processes". A process is its
 * thread group; pids are used again, so the start of its leader belongs to the key. Kernel threads
 * are nobody: what they send is for others (NFS, say) and stays with "(unattributed)".
 */
#pragma once

#include "maps.h"

#define PID_LEVELS 32 /* MAX_PID_NS_LEVEL, include/linux/pid_namespace.h */

/* As the monitor's namespace numbers it; in a container that is not what the host says. */
static __always_inline __u32 leader_pid(struct task_struct *leader)
{
    __u32 host = BPF_CORE_READ(leader, tgid);
    if (!constants.pid_namespace)
        return host;
    struct pid *pid = BPF_CORE_READ(leader, thread_pid);
    __u32 seen = host | BPF_PID_ELSEWHERE;
    unsigned level = BPF_CORE_READ(pid, level);
    unsigned char *numbers = (unsigned char *)pid + bpf_core_field_offset(pid->numbers);
    for (unsigned i = 0; i < PID_LEVELS && i <= level; i++) {
        struct upid *number = (struct upid *)(numbers + i * bpf_core_type_size(struct upid));
        __u32 here = BPF_CORE_READ(number, nr);
        if (BPF_CORE_READ(number, ns, ns.inum) == constants.pid_namespace)
            seen = here; /* no way out from here: the verifier would think `here` not read */
    }
    return seen;
}

/* False: the kernel itself. For programs that run in the context of whoever acts. */
static __always_inline bool current_key(struct bpf_process_key *key)
{
    struct task_struct *task = (void *)bpf_get_current_task();
    if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
        return false;
    struct task_struct *leader = BPF_CORE_READ(task, group_leader);
    key->start_boot_ns = BPF_CORE_READ(leader, start_boottime);
    key->pid = leader_pid(leader);
    key->reserved = 0;
    return true;
}

static __always_inline void current_command(char command[BPF_COMMAND_MAX])
{
    struct task_struct *task = (void *)bpf_get_current_task();
    struct task_struct *leader = BPF_CORE_READ(task, group_leader);
    bpf_core_read_str(command, BPF_COMMAND_MAX, &leader->comm);
}

static __always_inline bool current_owner(struct bpf_owner *owner)
{
    if (!current_key(&owner->process))
        return false;
    owner->cgroup_id = bpf_get_current_cgroup_id();
    owner->uid = (__u32)bpf_get_current_uid_gid();
    owner->reserved = 0;
    current_command(owner->command);
    return true;
}

/* The entry of who is running; made when it is the first time. NULL: there is no room. */
static __noinline int process_make(struct bpf_process_key *key)
{
    struct bpf_process fresh = {0};
    if (!key)
        return -1;
    fresh.cgroup_id = bpf_get_current_cgroup_id();
    fresh.uid = (__u32)bpf_get_current_uid_gid();
    current_command(fresh.command);
    return (int)bpf_map_update_elem(&processes, key, &fresh, BPF_NOEXIST);
}

/* NULL: there was no place for it. */
static __always_inline void process_add_to(struct bpf_process *p, __u64 bytes, bool sent,
                                           bool local)
{
    if (!p) {
        count(BPF_COUNTER_PROCESSES_LOST, 1);
        count(BPF_COUNTER_BYTES_LOST, bytes);
        return;
    }
    __u64 *sum = local ? (sent ? &p->tx_local_bytes : &p->rx_local_bytes)
                       : (sent ? &p->tx_bytes : &p->rx_bytes);
    __sync_fetch_and_add(sum, bytes);
}

/* For portable.h: whoever runs now got a socket. */
static __always_inline void process_enter(const struct bpf_process_key *owner)
{
    struct bpf_process_key key = *owner;
    if (constants.portable && !bpf_map_lookup_elem(&processes, &key))
        process_make(&key);
}

static __always_inline void process_add(struct bpf_process_key *key, __u64 bytes, bool sent,
                                        bool local)
{
    struct bpf_process *p = bpf_map_lookup_elem(&processes, key);
    if (!p) {
        process_make(key);
        p = bpf_map_lookup_elem(&processes, key);
    }
    process_add_to(p, bytes, sent, local);
}
