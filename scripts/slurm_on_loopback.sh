#!/usr/bin/env bash
# A Slurm cluster of one node on the loopback interface, to try profiles/slurm without a cluster. For tests; as root.
#
#   apt-get install -y --no-install-recommends slurmctld slurmd slurm-client munge
#   scripts/slurm_on_loopback.sh start      writes /etc/slurm/slurm.conf if there is none, and starts the daemons
#   scripts/slurm_on_loopback.sh stop       ends them, and removes what was written
#
# There is no accounting, so Snakemake is told to ask squeue (docs/tutorial/cluster.md).
set -euo pipefail

CONFIG=/etc/slurm
STATE=/run/genescribe-slurm
MARK="# written by GeneScribe's scripts/slurm_on_loopback.sh"

configure() {
    local host cores memory
    host=$(hostname -s)
    cores=$(nproc)
    memory=$(awk '/MemTotal/ { print int($2 / 1024) - 500 }' /proc/meminfo)
    cat >"$CONFIG/slurm.conf" <<EOF
$MARK
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
AuthInfo=socket=$STATE/munge.socket
SlurmUser=root
StateSaveLocation=$STATE/controller
SlurmdSpoolDir=$STATE/node
SlurmctldPidFile=$STATE/slurmctld.pid
SlurmdPidFile=$STATE/slurmd.pid
SlurmctldLogFile=$STATE/slurmctld.log
SlurmdLogFile=$STATE/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
MinJobAge=600
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cores RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
EOF
}

start() {
    if [ -e "$CONFIG/slurm.conf" ] && ! grep -qF "$MARK" "$CONFIG/slurm.conf"; then
        echo "$CONFIG/slurm.conf exists: this machine has a Slurm of its own" >&2
        exit 2
    fi
    mkdir -p "$CONFIG" "$STATE"/{controller,node}
    chmod 755 "$STATE"
    [ -s "$STATE/munge.key" ] || (umask 077 && head -c 1024 /dev/urandom >"$STATE/munge.key")
    configure
    munged --force --key-file "$STATE/munge.key" --socket "$STATE/munge.socket" \
        --pid-file "$STATE/munged.pid" --log-file "$STATE/munged.log" --seed-file "$STATE/munge.seed"
    slurmctld
    slurmd
    for _ in $(seq 60); do
        if sinfo --noheader --states idle 2>/dev/null | grep -q .; then
            sinfo
            return
        fi
        sleep 1
    done
    echo "no node became idle in a minute; see the logs in $STATE" >&2
    exit 1
}

stop() {
    local daemon
    for daemon in slurmd slurmctld munged; do
        [ -s "$STATE/$daemon.pid" ] && kill "$(cat "$STATE/$daemon.pid")" || true
    done
    if grep -qsF "$MARK" "$CONFIG/slurm.conf"; then rm "$CONFIG/slurm.conf"; fi
    rm -rf "$STATE"
}

case "${1:-}" in
    start | stop) "$1" ;;
    *)
        sed -n '2,8s/^# \{0,1\}//p' "$0"
        exit 2
        ;;
esac
