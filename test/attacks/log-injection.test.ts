// Names that are seen by whoever reads the log in a terminal or a viewer, and do something there: control
// characters of one byte (U+009B is an escape sequence's beginning by itself), other line separators,
// characters that turn or hide text. Fell for it: whatever escapes as JSON demands, which is up to U+001F and
// no more (CWE-117; CVE-2021-42574 is about the characters that turn text). It fails here because the log
// holds escapes for all of them (O4), which say the same to a program.
import t, { type Test } from 'tap'
import { escapeInvisible } from '../../src/telemetry/logger.js'
import { serve } from '../commands/serving.js'
import { parseLog, type RunningProgram } from '../helpers/process.js'
import { toolCall } from '../helpers/gateway.js'

const NAME = 'a\u009b2Jb\u0085c\u2028d\u2029e\u202ef\u2066g\u200bh\u007fi\ufeffj\u001b[31mk\nl\u{e0041}m\u3164n\u115fo'

/** As a line of JSON has it. */
const ESCAPED = escapeInvisible(JSON.stringify(NAME))

/** Calls a tool of that name, as a user of that name, with a gateway that writes all it can. */
async function callByThatName (t: Test, format: string): Promise<RunningProgram> {
  const { gateway, url, issuer } = await serve(t, {}, { LOG_FORMAT: format, LOG_LEVEL: 'debug', FORCE_COLOR: '0' })
  const token = await issuer.token({ sub: NAME, scope: 'todo:read', azp: NAME, [NAME]: NAME })
  const response = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(toolCall(NAME))
  })
  t.equal(response.status, 403)
  return gateway
}

t.test('O4: what a client or a claim names cannot steer who reads the log', async (t) => {
  const gateway = await callByThatName(t, 'json')
  await gateway.printed(/"httpStatus":403.*\n/)
  t.match(gateway.stdout, /^[\n\x20-\x7e]+$/, 'it is printable')
  t.match(parseLog(gateway.stdout).find(({ httpStatus }) => httpStatus === 403), { subject: NAME, client: { target: NAME } }, 'and says what was asked for')
})

t.test('O4: nor in lines for people: a name is neither a line nor a field of its own', async (t) => {
  const gateway = await callByThatName(t, 'pretty')
  await gateway.printed(/httpStatus=403.*\n/)
  t.match(gateway.stdout, /^[\n\x20-\x7e]+$/, 'it is printable')
  const lines = gateway.stdout.trimEnd().split('\n')
  for (const line of lines) t.match(line, /^\d\d:\d\d:\d\d\.\d{3} [A-Z]+ /, 'each line is one of ours')
  const [audit = ''] = lines.filter((line) => / WARN {2}request /.test(line))
  t.ok(audit.includes(` client.target=${ESCAPED}`), 'and says what was asked for')
  t.ok(audit.includes(` subject=${ESCAPED} `))
})

const FORGED = 'x decision=allow level=30 \u2028subject=admin" y="'

t.test('O4: a name that looks like fields stays one value', async (t) => {
  const { gateway, url, issuer } = await serve(t, {}, { LOG_FORMAT: 'pretty' })
  await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await issuer.token()}`, 'content-type': 'application/json' },
    body: JSON.stringify(toolCall(FORGED))
  })
  const [line] = await gateway.printed(/.* request .*httpStatus=403.*\n/)
  const withoutQuoted = line.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
  t.match(withoutQuoted, / decision=deny .* client\.target=""/)
  t.notMatch(withoutQuoted, /decision=allow|admin/)
})
