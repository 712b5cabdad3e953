#!/bin/bash
# The guest's first process. Mounts what is the guest's own, then does what it is told on the second serial line:
#   run N          runs jobs/N/start in a session and a control group of its own   → started N PID, done N STATUS
#   nurse N          lets nursery.py, a job that runs, do job N: the same is said of it
#   signal PID SIG   kill N: kills all that job N started
# Bash, since the first process must reap orphans at once: DAMON watches a process until it is reaped.
vm=${0%/*}
. "$vm/settings" # share, keep (folders that must stay visible), swap
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

mount -t proc proc /proc
mount -t sysfs sys /sys
[ "$(stat -f -c %T /sys)" = sysfs ] || { echo "no /sys of the guest's own"; echo o > /proc/sysrq-trigger; sleep 10; }
mount -t tracefs trace /sys/kernel/tracing
mount -t cgroup2 cgroup /sys/fs/cgroup

# What is mounted now hides what lies below it on the host; folders of `keep` are put back.
mount --bind / /mnt
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
for folder in /dev/shm /run /tmp /var/tmp; do mount -t tmpfs -o mode=1777 tmp "$folder"; done
while IFS= read -r folder; do
  [ -e "$folder" ] || { mkdir -p "$folder" && mount --bind "/mnt$folder" "$folder"; }
done <<< "$keep"
umount /mnt
mkdir -p "$share" /run/home
mount -t virtiofs share "$share"
[ "$swap" = 0 ] || { mkswap -q /dev/nvme0n1 && swapon /dev/nvme0n1; }

# QEMU's TCG sets a page's Accessed bit only when it refills its TLB, and DAMON does not flush it: pages in steady use
# look idle. A process that wakes every 2 ms on each processor makes the guest flush it there.
for cpu in $(seq 0 $(($(nproc) - 1))); do
  taskset -c "$cpu" perl -e 'select(undef, undef, undef, 0.002) while 1' < /dev/null &
done

job() { # job N
  local group=/sys/fs/cgroup/job-$1 dir=$vm/jobs/$1
  mkdir "$group"
  ( echo "$BASHPID" > "$group/cgroup.procs"
    echo "started $1 $BASHPID" >&3
    exec setsid sh "$dir/start" < /dev/null > "$dir/out" 2> "$dir/err" 3>&- )
  echo "done $1 $?" >&3
  rmdir "$group" 2> /dev/null
}
end() { # end N
  local group=/sys/fs/cgroup/job-$1
  [ -d "$group" ] || return
  echo 1 > "$group/cgroup.kill"
  ( for i in 1 2 3 4 5; do sleep 0.2; rmdir "$group" 2> /dev/null && break; done ) &
}

export HOME=/run/home DAMOPIPE_VM=1 TMPDIR=/tmp PYTHONDONTWRITEBYTECODE=1
touch /run/damopipe-vm
stty -F /dev/ttyS1 raw -echo
exec 3<> /dev/ttyS1
echo "ready $(uname -r)" >&3
while read -r verb number word <&3; do
  case $verb in
    run) job "$number" & ;;
    nurse) echo "$number" > /run/damopipe-nursery ;;
    signal) kill -s "$word" -- "$number" ;;
    kill) end "$number" ;;
  esac
done
echo o > /proc/sysrq-trigger
while :; do sleep 1; done
