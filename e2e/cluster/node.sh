#!/bin/sh
# Becomes a node: a process that holds namespaces for everything that runs on it. When it dies the
# kernel kills all of that, and the mounts and interfaces go with it: nothing can be left behind.
# Usage: node.sh NAME STATE RUNTIME TOOLS PAUSE
set -eu
name=$1 state=$2 runtime=$3 tools=$4 pause=$5

if [ "${6-}" != inside ]; then
	# Inherited by whatever this process becomes: only one node per cluster, however `up` was killed.
	exec 9>"$runtime/node.lock"
	flock -n 9 || exit 0
	echo "$$ $(cut -d ' ' -f 22 /proc/$$/stat)" >"$runtime/node.pid.new"
	mv "$runtime/node.pid.new" "$runtime/node.pid"
	exec unshare --mount --propagation private --net --uts --pid --fork --kill-child=SIGKILL \
		--mount-proc "$0" "$@" inside
fi

hostname "$name"
run=$state/run
mkdir -p "$run" "$state/lib/kubelet" "$state/log/pods"
mount -t tmpfs -o mode=755 node-run "$run"
(cd "$run" && mkdir -p meshwright/checkout meshwright/state meshwright/tools lock kernel)
mount --bind "$state/../.." "$run/meshwright/checkout"
mount --bind "$state" "$run/meshwright/state"
mount --bind "$tools" "$run/meshwright/tools"
mount --no-mtab --move "$run" /run
mount --bind /run/meshwright/state/lib /var/lib
mount --bind /run/meshwright/state/log /var/log

# The kubelet sets these for the whole machine; here it may set files of its own instead.
for value in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops \
	kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
	copy=/run/kernel/$(basename "$value")
	cat "/proc/sys/$value" >"$copy"
	mount --bind "$copy" "/proc/sys/$value"
done

# Volumes that the kubelet mounts must show in containers.
mount --make-rshared /
touch /run/meshwright/ready
exec "/run/meshwright/tools/$pause"
