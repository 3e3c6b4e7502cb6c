#!/usr/bin/env bash
# Proves the Dockerfile and docker-compose.yml with buildah, podman and podman-compose. As root, by hand:
#
#   apt-get install -y --no-install-recommends buildah podman podman-compose runc netavark aardvark-dns iptables iproute2 mmdebstrap
#   test/container/run.sh
#
# NODE_IMAGE names another base image. Everything but the build happens in a network namespace of its own, so that no port
# of the machine is taken or needed; "the host" below is that namespace. Nothing is left behind but the base image's
# archive in the user's cache directory. The output is TAP, the exit code 1 if a check failed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
base=${NODE_IMAGE:-docker.io/library/node:24-slim}
gateway=localhost/postern:latest
demo=localhost/postern-demo:latest
project=postern-container-test
# As strict as Docker's --read-only: podman would otherwise put writable file systems on /tmp and /run.
locked=(--read-only --read-only-tmpfs=false --cap-drop ALL --security-opt no-new-privileges)
count=0
failed=0

# check NAME COMMAND...: one line of TAP; what the command printed follows when it failed.
check () {
  local name=$1
  shift
  count=$((count + 1))
  if "$@" > "$work/output" 2>&1; then
    echo "ok $count - $name"
  else
    echo "not ok $count - $name"
    sed 's/^/#   /' "$work/output"
    failed=$((failed + 1))
  fi
}

refused () { ! "$@"; }
equal () { [ "$1" = "$2" ] || { echo "expected $2, got $1"; return 1; }; }
on_host () { nsenter "--net=/proc/$namespace/ns/net" "$@"; }
# What podman says about missing timers of systemd is no news to anybody.
podman () { on_host podman "$@" 2> >(grep -v 'systemd connection' >&2); }
inspect () { podman inspect --format "$2" "$1"; }
compose () { (cd "$work/project" && on_host podman-compose -p "$project" "$@"); }
in_image () { podman run --rm "${locked[@]}" --entrypoint "$2" "$1" "${@:3}"; }
connects () { on_host timeout 2 bash -c "exec 3<>/dev/tcp/127.0.0.1/$1" 2>/dev/null; }

# Tries for up to 20 seconds; what the last try printed is shown.
eventually () {
  local try
  for try in $(seq 40); do
    "$@" > "$work/try" 2>&1 && return
    sleep 0.5
  done
  cat "$work/try"
  echo "gave up after $try tries"
  return 1
}

for tool in buildah podman podman-compose node npm curl nsenter ip; do
  command -v "$tool" >/dev/null || { echo "Bail out! $tool is missing"; exit 1; }
done

work=$(mktemp -d)
# shellcheck source=test/container/engine.sh
. "$here/engine.sh"
trap clear_away EXIT
prepare_engine
prepare_host
prepare_npm_access
provide_base_image "$base"

# --- the images ---

build_image () { buildah build --layers --format docker --isolation chroot --build-arg "NODE_IMAGE=$base" "${build_volumes[@]}" "$@" "$root"; }

# Every package that package-lock.json calls a development dependency and that is in the image.
development_dependencies () {
  node -e 'const { packages } = require(process.argv[1]); for (const path in packages) if (packages[path].dev) console.log(path)' "$root/package-lock.json" \
    | podman run --rm -i --entrypoint sh "$1" -c 'while read -r path; do [ ! -e "/app/$path" ] || echo "$path"; done'
}
# Not on a read-only file system, where nothing counts as writable.
writable () { podman run --rm --entrypoint find "$1" /app /etc/postern ! -type l -writable; }
health_check () { inspect "$gateway" '{{index .HealthCheck.Test 3}}'; }
megabytes () { echo $(($(inspect "$1" '{{.Size}}') / 1000000)); }

check 'the gateway image builds' build_image --tag "$gateway"
check 'the demo image builds' build_image --target demo --tag "$demo"
[ "$failed" = 0 ] || { echo 'Bail out! there is no image to look at'; exit 1; }
echo "# size: base $(megabytes "$base") MB, gateway $(megabytes "$gateway") MB, demo $(megabytes "$demo") MB"

check 'the gateway runs as uid 1000, by number' equal "$(inspect "$gateway" '{{.Config.User}}') $(in_image "$gateway" id -u)" '1000:1000 1000'
check 'the demo servers run as uid 1000' equal "$(in_image "$demo" id -u)" 1000
check 'the user cannot change what it runs' equal "$(writable "$gateway")" ''
check 'the gateway image holds no development dependency' equal "$(development_dependencies "$gateway")" ''
check '(the demo image does, so that check can fail)' refused equal "$(development_dependencies "$demo")" ''
check 'the gateway image holds the program, its dependencies and its papers, nothing else' equal "$(in_image "$gateway" ls /app | xargs)" 'LICENSE dist node_modules package.json'
check 'no npm settings of the build are in the image' equal "$(podman run --rm --user 0 --entrypoint find "$gateway" / -xdev -name '.npmrc' -size +0)" ''
check 'the image has a health check' grep -q /health <<< "$(health_check)"

# --- the gateway alone ---

mkdir -p "$work/project" "$work/broken"
cp -r "$root/docker-compose.yml" "$root/compose" "$work/project/"
chmod -R a+rX "$work/project"
chmod 755 "$work" "$work/broken"
echo '{ "resource": 1 }' > "$work/broken/config.json"
settings=(--volume "$work/project/compose/postern:/etc/postern:ro")

ends_with_code () { local expected=$1 code=0; shift; "$@" || code=$?; equal "$code" "$expected"; }
postern () { podman run --rm "${locked[@]}" "$@"; }

check 'a subcommand can be given: check accepts the configuration of the compose file' postern "${settings[@]}" "$gateway" check
check 'a configuration error is exit code 78' ends_with_code 78 postern --volume "$work/broken:/etc/postern:ro" "$gateway" check
check 'without a file, environment variables are enough' postern --env UPSTREAM_URL=http://localhost:8080/mcp \
  --env SCALEKIT_ENVIRONMENT_URL=https://example.scalekit.dev --env SCALEKIT_RESOURCE_ID=res_1 --env MCP_URL=http://localhost:3002/ "$gateway" check

healthy () { equal "$(on_host curl -fsS http://127.0.0.1:3002/health)" '{"status":"healthy"}'; }
is_node () { podman exec alone readlink /proc/1/exe | grep -q '/node$'; }
writes_nothing () { podman exec alone sh -c 'for place in /tmp /run /app /etc/postern; do ! touch $place/x || exit 1; done'; }
ends_on_sigterm () {
  local started=$SECONDS
  podman kill --signal TERM alone
  equal "$(on_host timeout 15 podman wait alone)" 0 || return 1
  [ $((SECONDS - started)) -lt 4 ] || { echo "it took $((SECONDS - started)) s"; podman logs --timestamps alone; return 1; }
}

# The one name that the configuration looks up is given, because an unanswered lookup holds up the end of a process.
podman run --detach --name alone --add-host authorization-server:127.0.0.1 "${locked[@]}" "${settings[@]}" --publish 127.0.0.1:3002:3002 "$gateway" >/dev/null 2>&1
check 'it serves with a read-only root, no capabilities and a read-only configuration' eventually healthy
check 'Node is process 1' is_node
check 'nothing can be written' writes_nothing
check 'the health check passes' podman healthcheck run alone
check 'the health check fails when nobody answers' refused podman exec --env PORT=1 alone node -e "$(health_check)"
check 'process 1 ends on SIGTERM at once, with exit code 0' ends_on_sigterm
podman rm --force alone >/dev/null 2>&1

# --- all three, as docker-compose.yml says ---

nothing_is_left () { equal "$(podman ps --all --quiet)" '' && ! connects 3002 && ! connects 9000; }
container () { podman ps --all --quiet --filter "label=com.docker.compose.service=$1"; }
published () { podman port "$(container "$1")"; }
sees_todo () { podman exec "$(container "$1")" node -e 'fetch("http://todo:8080/").then(() => process.exit(0), () => process.exit(1))'; }
everything_healthy () { local name; for name in todo authorization-server gateway; do podman healthcheck run "$(container $name)" || return 1; done; }
through_gateway () { on_host node "$here/through-gateway.mjs" "$@"; }

# Replaces the file by rename, as editors and deployment tools do.
forbid_reading () {
  local file=$work/project/compose/postern/config.json
  node -e 'const f = process.argv[1]; const c = JSON.parse(fs.readFileSync(f)); c.policy.tools.list_todos = false; fs.writeFileSync(f + ".new", JSON.stringify(c)); fs.renameSync(f + ".new", f)' "$file"
  eventually through_gateway reading-forbidden
}

# With a stream open the gateway takes its drain time, ten seconds, which stop_grace_period has to allow.
drains_and_ends () {
  local client gateway_id
  gateway_id=$(container gateway)
  through_gateway listen > "$work/listening" 2>&1 &
  client=$!
  eventually grep -q acknowledged "$work/listening"
  podman stop --time 20 "$gateway_id"
  cat "$work/listening"
  wait $client || { echo 'the stream broke off'; return 1; }
  equal "$(inspect "$gateway_id" '{{.State.ExitCode}}')" 0
}

if command -v docker-compose >/dev/null; then
  check 'docker-compose accepts the file' docker-compose --file "$root/docker-compose.yml" config --quiet
fi
check 'compose starts all three' compose up --detach
check 'all three health checks pass' eventually everything_healthy
check 'only the gateway and the authorization server publish a port, on loopback' equal "$(published gateway) $(published authorization-server) $(published todo)" \
  '3002/tcp -> 127.0.0.1:3002 9000/tcp -> 127.0.0.1:9000 '
check 'the todo server is not reachable from the host' refused connects 8080
check 'the gateway reaches the todo server' sees_todo gateway
check 'the authorization server does not' refused sees_todo authorization-server
for case in challenge metadata mirror call refusal; do
  check "$(through_gateway --title $case)" through_gateway "$case"
done
check 'a configuration replaced on the host takes over without a restart' forbid_reading
check 'on SIGTERM an open stream is ended and the exit code is 0' drains_and_ends
check 'compose down ends them' compose down
check 'and leaves no container and no port behind' nothing_is_left

# --- the bridge and the gateway, as docs/stdio.md says ---

# The page's only block in a language.
stdio_block () { sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" "$root/docs/stdio.md" | sed '1d;$d'; }
stdio=$work/stdio
mkdir -p "$stdio/files-server" "$stdio/files" "$stdio/postern"
stdio_block dockerfile | sed "s|^FROM .*|FROM $base|" > "$stdio/files-server/Dockerfile"
# Both images are built already.
stdio_block yaml | sed "s|build: ./files-server|image: localhost/files-server:latest|; s|image: postern|image: $gateway|" > "$stdio/docker-compose.yml"
stdio_block json | sed 's|http://127.0.0.1:8080|http://files:8080|' > "$stdio/postern/config.json"
echo "MCP_PROXY_API_KEY=key-of-this-test" > "$stdio/.env"
chmod -R a+rwX "$stdio"

build_bridge () { buildah build --layers --format docker --isolation chroot "${build_volumes[@]}" --tag localhost/files-server:latest "$stdio/files-server"; }
compose_stdio () { (cd "$stdio" && on_host podman-compose -p postern-stdio-test "$@"); }
# What the bridge answers to the gateway's container, with these headers.
bridge_answers () {
  podman exec "$(container postern)" node -e '
    const [expected, headers] = process.argv.slice(1)
    const message = { jsonrpc: "2.0", id: 1, method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } } }
    const usual = { "content-type": "application/json", accept: "application/json, text/event-stream" }
    fetch("http://files:8080/mcp", { method: "POST", headers: { ...usual, ...JSON.parse(headers) }, body: JSON.stringify(message) })
      .then(({ status }) => { console.log(status); process.exit(status === Number(expected) ? 0 : 1) }, (error) => { console.log(error); process.exit(1) })' "$@"
}

check 'the image of a stdio server and its bridge builds' build_bridge
check 'compose starts both' compose_stdio up --detach
check 'the gateway is healthy' eventually healthy
check 'the bridge answers the gateway, which has the key' eventually bridge_answers 200 '{"x-api-key":"key-of-this-test"}'
check 'and nobody without it' bridge_answers 401 '{}'
check 'the bridge is not reachable from the host' refused connects 8080
check 'compose down ends both' compose_stdio down

echo "1..$count"
[ "$failed" = 0 ] || { echo "# failed $failed of $count checks"; exit 1; }
echo "# passed all $count checks"
