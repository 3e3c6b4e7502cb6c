// Names that are seen by whoever reads the log in a terminal or a viewer, and do something there: control
// characters of one byte (U+009B is an escape sequence's beginning by itself), other line separators,
// characters that turn or hide text. Fell for it: whatever escapes as JSON demands, which is up to U+001F and
// no more (CWE-117; CVE-2021-42574 is about the characters that turn text). It fails here because the log
// holds escapes for all of them (O4), which say the same to a program.
import t from 'tap'
import { serve } from '../commands/serving.js'
import { parseLog } from '../helpers/process.js'
import { toolCall } from '../helpers/gateway.js'

const NAME = 'a\u009b2Jb\u0085c\u2028d\u2029e\u202ef\u2066g\u200bh\u007fi\ufeffj\u001b[31mk\nl'

t.test('O4: what a client or a claim names cannot steer who reads the log', async (t) => {
  const { gateway, url, issuer } = await serve(t)
  const token = await issuer.token({ sub: NAME })
  const response = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(toolCall(NAME))
  })
  t.equal(response.status, 403)
  await gateway.printed(/"httpStatus":403.*\n/)
  t.match(gateway.stdout, /^[\n\x20-\x7e]+$/, 'it is printable')
  t.match(parseLog(gateway.stdout).find(({ httpStatus }) => httpStatus === 403), { subject: NAME, client: { target: NAME } }, 'and says what was asked for')
})
