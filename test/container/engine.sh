# Sourced by run.sh: gives buildah and podman a storage, a network configuration and a runtime of their own below
# $work, so that nothing of the machine's other containers is seen or touched, and clears all of it away.
# shellcheck shell=bash disable=SC2154 # work and here are run.sh's

# Where the engines keep everything of this run, with the settings that also work without systemd, with version 1 or
# hybrid control groups (which crun refuses and runc takes), and without the right to raise resource limits.
prepare_engine () {
  local driver=vfs runtime=crun files=4096
  mkdir -p "$work"/{lower,upper,scratch,merged,networks}
  if mount -t overlay overlay -o "lowerdir=$work/lower,upperdir=$work/upper,workdir=$work/scratch" "$work/merged" 2>/dev/null; then
    umount "$work/merged"
    driver=overlay
  fi
  [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || runtime=runc
  [ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge $files ] || files=$(ulimit -Hn)

  printf '[storage]\ndriver = "%s"\ngraphroot = "%s"\nrunroot = "%s"\n' "$driver" "$work/storage" "$work/run" > "$work/storage.conf"
  cat > "$work/containers.conf" <<SETTINGS
[containers]
default_ulimits = ["nofile=$files:$files", "nproc=$files:$files"]
[engine]
runtime = "$runtime"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$work/libpod"
[network]
network_config_dir = "$work/networks"
SETTINGS
  export CONTAINERS_STORAGE_CONF=$work/storage.conf CONTAINERS_CONF=$work/containers.conf
}

# A network namespace with nothing but loopback, kept by a sleeping process. Sets namespace, its process id.
prepare_host () {
  unshare --net sleep infinity &
  namespace=$!
  until [ "$(readlink "/proc/$namespace/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
  on_host ip link set lo up
}

# The machine's own npm settings, for the time of the build only: the registry and its certificate authority may be
# this machine's business, and a token in them must not end up in a layer. Sets the array build_volumes.
prepare_npm_access () {
  local authority
  authority=$(npm config get cafile 2>/dev/null)
  [ -e "$HOME/.npmrc" ] && cat "$HOME/.npmrc" > "$work/npmrc"
  { echo; echo "registry=$(npm config get registry 2>/dev/null)"; } >> "$work/npmrc"
  build_volumes=(--volume "$work/npmrc:/root/.npmrc:ro")
  [ -e "$authority" ] || authority=${NODE_EXTRA_CA_CERTS:-}
  if [ -e "$authority" ]; then
    echo 'cafile=/run/npm-authority.pem' >> "$work/npmrc"
    build_volumes+=(--volume "$authority:/run/npm-authority.pem:ro")
  fi
}

# The base image: there already, pulled, or made here.
provide_base_image () {
  podman image exists "$1" && return
  timeout 120 podman pull --quiet "$1" >/dev/null 2>&1 && return
  echo "# $1 cannot be pulled; a stand-in is made from Debian and npm"
  "$here/base-image.sh" "$1"
}

clear_away () {
  podman rm --all --force --time 2 >/dev/null 2>&1 || true
  podman network prune --force >/dev/null 2>&1 || true
  podman umount --all --force >/dev/null 2>&1 || true
  kill "$namespace" 2>/dev/null || true
  umount "$work/storage/overlay" 2>/dev/null || true
  rm -rf "$work"
}
