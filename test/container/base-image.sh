#!/usr/bin/env bash
# Makes a stand-in for the official Node image where no image registry can be reached: a minimal Debian, the Node 24
# binary and npm, both from npm, and the user `node` (1000). Usage: base-image.sh TAG. Uses the caller's podman settings.
#
# The root file system is kept in the user's cache directory, because making it takes half a minute.
set -euo pipefail

tag=$1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/postern-container-test
archive=$cache/node-24.tar

build_archive () {
  local work
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the value of now is meant
  trap "rm -rf '$work'" EXIT

  mkdir -p "$work/root/usr/local/lib/node_modules/npm"
  mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$work/debian.tar"
  tar -xf "$work/debian.tar" -C "$work/root" --exclude='./dev/*'

  (cd "$work" && npm pack --silent "node-linux-$(node -p process.arch)@24" npm@11 >/dev/null)
  tar -xzf "$work"/node-linux-*.tgz -C "$work/root/usr/local" --strip-components=1 package/bin
  tar -xzf "$work"/npm-*.tgz -C "$work/root/usr/local/lib/node_modules/npm" --strip-components=1
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/root/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$work/root/usr/local/bin/npx"

  chroot "$work/root" groupadd --gid 1000 node
  chroot "$work/root" useradd --uid 1000 --gid node --shell /bin/bash --create-home node
  chmod 755 "$work/root"
  tar -C "$work/root" -cf "$archive.part" .
  mv "$archive.part" "$archive"
}

mkdir -p "$cache"
[ -e "$archive" ] || build_archive
podman import --quiet \
  --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
  --change 'CMD ["node"]' "$archive" "$tag" >/dev/null
