/** One try to get out, as a shell script that a job runs: exit 0 means that it worked. */
export interface Attempt {
  readonly name: string
  readonly script: string
  /**
   * Where the same script must succeed, so that its failure inside means something: on the bare host, or in the same
   * sandbox without its system call filter. `null`: nothing harmless to compare with.
   */
  readonly control: 'host' | 'host-as-root' | 'without-seccomp' | null
}

const arm = process.arch === 'arm64'
/** System call numbers: x86-64, aarch64. */
const nr = (x64: number, arm64: number) => String(arm ? arm64 : x64)

/**
 * What the scripts share. `raw` makes a system call and succeeds if the call does; `reaches` also if the call fails for
 * another reason than being forbidden, for calls that would hurt the control's host if they went through.
 */
export const PRELUDE = `
raw() { perl -e '@a = map { /^-?[0-9]+$/ ? $_ + 0 : $_ } @ARGV; $r = syscall(shift @a, @a); print "$r $!\\n"; exit($r >= 0 ? 0 : 1)' -- "$@"; }
reaches() { perl -e '@a = map { /^-?[0-9]+$/ ? $_ + 0 : $_ } @ARGV; $r = syscall(shift @a, @a); print "$r $!\\n"; exit($r >= 0 || $!+0 != 1 ? 0 : 1)' -- "$@"; }
connects() { node -e '
  const [host, port] = process.argv.slice(1)
  const socket = require("node:net").connect({ host, port: Number(port) })
  socket.setTimeout(3000, () => process.exit(1))
  socket.on("error", (error) => { console.log(error.code); process.exit(1) })
  socket.on("connect", () => process.exit(0))' "$@"; }
`

/** Attempts that do not disturb each other: all of them run in one job. The environment names the host's canaries. */
export const attempts: readonly Attempt[] = [
  // Files.
  { name: 'read a file of the host', script: 'cat "$CANARY_FILE"', control: 'host' },
  { name: 'overwrite a file of the host', script: 'echo overwritten > "$CANARY_SCRATCH"', control: 'host' },
  { name: 'create a file beside the host canary', script: ': > "$CANARY_FOLDER/new-$$"', control: 'host' },
  {
    name: 'read a host file through /proc/self/root',
    script: 'cat "/proc/self/root/../..$CANARY_FILE"',
    control: 'host',
  },
  {
    name: 'read a host file through /proc/1/root',
    script: 'cat "/proc/1/root$CANARY_FILE"',
    control: null,
  },
  {
    name: 'read a host file through the parent process',
    script: 'cat "/proc/$PPID/root$CANARY_FILE"',
    control: 'host',
  },
  {
    name: 'read a host file through a symbolic link',
    script: 'ln -s "$CANARY_FILE" link-$$ && cat link-$$',
    control: 'host',
  },
  {
    name: 'leave the work folder by ..',
    script: 'cat "../../../../../../../..$CANARY_FILE"',
    control: 'host',
  },
  {
    name: 'climb out through an inherited descriptor (WORKDIR on /proc/self/fd)',
    script:
      'for n in $(ls /proc/self/fd); do [ -d "/proc/self/fd/$n" ] && cat "/proc/self/fd/$n/../../../../../../..$CANARY_FILE" && exit 0; done; exit 1',
    control: null,
  },
  { name: 'read the job folders of the runner', script: 'ls "$RUNNER_FOLDER"', control: 'host' },
  { name: "read another job's log", script: 'cat "$NEIGHBOUR_FOLDER/log"', control: 'host' },
  {
    name: "read another job's disk image",
    script: 'head -c 1 "$NEIGHBOUR_FOLDER/plan.json"',
    control: 'host',
  },
  { name: 'read the password file of the host', script: 'cat /etc/shadow', control: 'host-as-root' },
  { name: "list root's home", script: 'ls /root', control: 'host-as-root' },
  {
    name: 'write below /usr',
    script: 'f=/usr/lib/millrace-escape-$$; : > "$f" && rm "$f"',
    control: 'host-as-root',
  },
  {
    name: 'write to the root folder',
    script: 'mkdir "/millrace-escape-$$" && rmdir "/millrace-escape-$$"',
    control: 'host-as-root',
  },
  {
    name: 'write to /etc',
    script: 'f=/etc/millrace-escape-$$; : > "$f" && rm "$f"',
    control: 'host-as-root',
  },
  {
    name: 'reach a runtime socket of the host',
    script:
      'ls /run/docker.sock /var/run/docker.sock /run/containerd /run/systemd /run/dbus /run/user 2>/dev/null | grep -q .',
    control: null,
  },
  { name: 'open a host file by handle', script: `reaches ${nr(304, 265)} -100 0 0`, control: 'host-as-root' },

  // Devices.
  {
    name: 'make a block device',
    script: 'd="$TMPDIR/device-$$"; mknod "$d" b 7 99 && rm "$d"',
    control: 'host-as-root',
  },
  {
    name: 'make a character device by mknodat',
    script: `d="/tmp/millrace-device-$$"; raw ${nr(259, 33)} -100 "$d" 8630 0 && rm "$d"`,
    control: 'host-as-root',
  },
  { name: 'open the kernel log', script: 'head -c 0 /dev/kmsg', control: 'host' },
  {
    name: 'find a disk, memory or GPU device',
    script: 'ls /dev | grep -Eq "^(loop|vd|sd|nvme|mem|kmsg|kvm|fuse|net|nvidia)"',
    control: 'host',
  },
  { name: 'use the shared memory of the host', script: 'cat "/dev/shm/$CANARY_SHM"', control: 'host' },
  {
    name: 'type into a terminal (TIOCSTI)',
    script: `perl -MPOSIX -e 'open M, "+<", "/dev/ptmx" or exit 1; $z = pack("i", 0); ioctl(M, 0x40045431, $z); $n = $z; ioctl(M, 0x80045430, $n);
      $p = fork; if (!$p) { POSIX::setsid(); open S, "+<", "/dev/pts/" . unpack("i", $n) or exit 1; $c = "x"; exit(ioctl(S, 0x5412, $c) ? 0 : 1) } waitpid($p, 0); exit($? >> 8)'`,
    control: 'without-seccomp',
  },
  {
    name: 'paste into a console (TIOCLINUX)',
    script: `perl -e 'open T, "+<", "/dev/ptmx" or exit 1; $c = "\\x03"; ioctl(T, 0x541c, $c) and exit 0; exit($!+0 == 1 ? 1 : 0)'`,
    control: 'without-seccomp',
  },

  // Other processes.
  { name: 'signal a process of the host', script: 'kill -0 "$VICTIM_PID"', control: 'host' },
  {
    name: 'see a process of the host',
    script: 'tr "\\0" " " < "/proc/$VICTIM_PID/cmdline" | grep -q "$VICTIM_MARK"',
    control: 'host',
  },
  {
    name: 'open a handle on a process of the host (pidfd)',
    script: 'raw 434 "$VICTIM_PID" 0',
    control: 'host',
  },
  {
    name: 'trace a process (ptrace)',
    script: `perl -e '$p = fork; if (!$p) { sleep 5; exit } $r = syscall(${nr(101, 117)}, 16, $p, 0, 0); kill 9, $p; exit($r == 0 ? 0 : 1)'`,
    control: 'without-seccomp',
  },
  {
    name: "read another process's memory (process_vm_readv)",
    script: `perl -e '$p = fork; if (!$p) { sleep 5; exit } $b = "\\0" x 16; $r = syscall(${nr(310, 270)}, $p, $b, 0, $b, 0, 0); kill 9, $p; exit($r >= 0 ? 0 : 1)'`,
    control: 'without-seccomp',
  },
  { name: 'raise its own priority', script: 'renice -n -10 $$', control: 'host-as-root' },
  { name: 'take a realtime schedule', script: 'chrt -f 50 true', control: 'host-as-root' },
  { name: 'see the command lines of the host', script: 'ls /proc | grep -qx "$VICTIM_PID"', control: 'host' },

  // Privileges.
  { name: 'become root by setuid', script: 'setpriv --reuid 0 --clear-groups true', control: 'host-as-root' },
  {
    name: 'hold any capability',
    script: '! grep -Eq "^CapEff:\\s+0+$" /proc/self/status',
    control: 'host-as-root',
  },
  {
    name: 'gain capabilities by exec (bounding set)',
    script: '! grep -Eq "^CapBnd:\\s+0+$" /proc/self/status',
    control: 'host',
  },
  {
    name: 'gain privileges by a setuid program (no_new_privs)',
    script: 'grep -Eq "^NoNewPrivs:\\s+0" /proc/self/status',
    control: 'host',
  },
  {
    name: 'run a setuid copy of a shell',
    script: 'cp /bin/sh ./suid-$$ && chown 0 ./suid-$$ && chmod 4755 ./suid-$$ && rm ./suid-$$',
    control: 'host-as-root',
  },
  { name: 'chroot', script: 'chroot / true', control: 'host-as-root' },

  // Namespaces and mounts.
  { name: 'make a user namespace (unshare)', script: 'unshare --user true', control: 'host' },
  { name: 'make a mount namespace (unshare)', script: 'unshare --mount true', control: 'host-as-root' },
  {
    name: 'make a user namespace (clone)',
    script: `perl -e '$r = syscall(${nr(56, 220)}, 0x10000011, 0, 0, 0, 0); exit 0 if $r == 0; exit($r > 0 ? 0 : 1)'`,
    control: 'host',
  },
  {
    name: 'make a user namespace (clone3)',
    script: `perl -e '$a = pack("Q11", 0x10000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0); $r = syscall(435, $a, 88); exit 0 if $r == 0; exit($r > 0 ? 0 : 1)'`,
    control: 'host',
  },
  {
    name: 'enter the namespaces of a process of the host',
    script: 'nsenter --target "$VICTIM_PID" --mount --net true',
    control: 'host-as-root',
  },
  { name: 'mount a file system', script: 'mount -t tmpfs tmpfs /tmp', control: null },
  {
    name: 'make the system writable again (remount)',
    script: 'mount -o remount,rw,bind /usr',
    control: null,
  },
  { name: 'uncover what is below a mount (umount)', script: 'umount /proc || umount -l /tmp', control: null },
  { name: 'mount by the new interface (fsopen)', script: 'raw 430 tmpfs 0', control: 'host-as-root' },
  {
    name: 'mount a control group hierarchy',
    script: 'mkdir -p cg-$$ && mount -t cgroup -o memory none cg-$$',
    control: null,
  },
  { name: 'find the control groups', script: 'ls /sys/fs/cgroup', control: 'host' },
  { name: 'rename the host', script: 'hostname "$(hostname)"', control: 'host-as-root' },
  { name: 'write a kernel setting', script: ': >> /proc/sys/kernel/core_pattern', control: 'host-as-root' },
  { name: 'reach the magic key', script: ': >> /proc/sysrq-trigger', control: null },

  // The kernel's other doors.
  {
    name: 'add a key to a keyring',
    script: `raw ${nr(248, 217)} user "millrace-$$" secret 6 -3`,
    control: 'without-seccomp',
  },
  {
    name: "find the host's session keyring",
    script: `raw ${nr(250, 219)} 0 -3 0`,
    control: 'without-seccomp',
  },
  {
    name: 'request a key',
    script: `reaches ${nr(249, 218)} user millrace-none 0 -3`,
    control: 'without-seccomp',
  },
  {
    name: 'load a program into the kernel (bpf)',
    script: `perl -e '$a = pack("L4", 2, 4, 4, 1) . "\\0" x 112; exit(syscall(${nr(321, 280)}, 0, $a, 128) >= 0 ? 0 : 1)'`,
    control: 'host-as-root',
  },
  {
    name: 'watch the kernel (perf_event_open)',
    script: `perl -e '$a = pack("L2Q", 1, 128, 0) . "\\0" x 112; exit(syscall(${nr(298, 241)}, $a, 0, -1, -1, 0) >= 0 ? 0 : 1)'`,
    control: 'host-as-root',
  },
  {
    name: 'set up io_uring',
    script: `perl -e '$p = "\\0" x 120; exit(syscall(425, 4, $p) >= 0 ? 0 : 1)'`,
    control: 'without-seccomp',
  },
  { name: 'handle page faults (userfaultfd)', script: `raw ${nr(323, 282)} 1`, control: 'without-seccomp' },
  { name: 'load a kernel module', script: `reaches ${nr(313, 273)} -1 "" 0`, control: 'host-as-root' },
  {
    name: 'load another kernel (kexec)',
    script: `reaches ${nr(246, 104)} 0 0 0 99`,
    control: 'host-as-root',
  },
  { name: 'reboot', script: `reaches ${nr(169, 142)} 1 2 3 0`, control: 'host-as-root' },
  { name: 'set the clock', script: `reaches ${nr(227, 112)} 99 0`, control: 'without-seccomp' },
  {
    name: 'make memory executable by personality',
    script: `raw ${nr(135, 92)} 4194304`,
    control: 'without-seccomp',
  },
  ...(arm
    ? []
    : [
        {
          name: 'slip past the filter by the x32 call table',
          script: `perl -e 'syscall(0x40000000 + 39); exit 0'`,
          control: 'without-seccomp',
        } as const,
      ]),

  // The network.
  { name: 'reach the gateway on 127.0.0.1', script: 'connects 127.0.0.1 "$GATEWAY_PORT"', control: 'host' },
  { name: 'reach the gateway on ::1', script: 'connects ::1 "$GATEWAY_PORT"', control: 'host' },
  {
    name: "reach the gateway on the host's own address",
    script: 'connects "$HOST_ADDRESS" "$GATEWAY_PORT"',
    control: 'host',
  },
  {
    name: 'reach the metadata service on 169.254.169.254',
    script: 'connects 169.254.169.254 80',
    control: null,
  },
  {
    name: 'reach a private network',
    script: 'connects 10.0.0.1 80 || connects 192.168.0.1 80 || connects 172.16.0.1 80',
    control: null,
  },
  { name: 'reach the internet', script: 'connects 1.1.1.1 443', control: null },
  {
    name: 'send a datagram out',
    script: `node -e 'const s = require("node:dgram").createSocket("udp4"); s.send("x", 53, "1.1.1.1", (e) => process.exit(e ? 1 : 0))'`,
    control: null,
  },
  { name: 'ask for a network interface', script: 'ip link add millrace0 type dummy', control: null },
  {
    name: 'open a raw packet socket',
    script: `perl -e 'exit(socket(S, 17, 3, 0) ? 0 : 1)'`,
    control: 'host-as-root',
  },
  {
    name: 'talk to the hypervisor (vsock)',
    script: `perl -e 'exit(socket(S, 40, 1, 0) || $!+0 != 97 ? 0 : 1)'`,
    control: null,
  },
  {
    name: 'use the kernel crypto interface (AF_ALG)',
    script: `perl -e 'exit(socket(S, 38, 5, 0) ? 0 : 1)'`,
    control: null,
  },
  {
    name: 'reach an abstract socket of the host',
    script: `perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); exit(connect(S, pack("S a108", 1, "\\0$ENV{ABSTRACT_SOCKET}")) ? 0 : 1)'`,
    control: 'host',
  },
  {
    name: 'reach a socket file of the host',
    script: `perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); exit(connect(S, pack_sockaddr_un($ENV{CANARY_SOCKET})) ? 0 : 1)'`,
    control: 'host',
  },
  {
    name: 'attach a System V memory segment of the host',
    script: 'ipcs -m | grep -q " $CANARY_SEGMENT "',
    control: 'host',
  },

  // What the node knows.
  {
    name: "read the node's environment",
    script: 'cat /proc/self/environ /proc/1/environ | tr "\\0" "\\n" | grep -q "^NODE_SECRET="',
    control: null,
  },
  {
    name: "read another job's environment",
    script: 'cat /proc/*/environ | tr "\\0" "\\n" | grep -q "^NEIGHBOUR_ONLY="',
    control: null,
  },
]
