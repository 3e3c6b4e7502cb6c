import t from 'tap'
import { startUpstream } from '../helpers/upstream.js'
import { probeEras } from './revisions.js'

const LEGACY = ['2025-11-25', '2025-06-18']

t.test('a server speaks modern revisions when it discloses one, not when it answers server/discover', async (t) => {
  const wanted: ReadonlyArray<readonly [supportedVersions: readonly string[], eras: readonly string[]]> = [
    [['2026-07-28', ...LEGACY], ['legacy', 'modern']],
    [LEGACY, ['legacy']]
  ]
  for (const [supportedVersions, eras] of wanted) {
    const upstream = await startUpstream(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { supportedVersions } }))
    })
    t.same(await probeEras(`${upstream.origin}/mcp`, 'http'), eras)
  }
})

t.test('a server that refuses both is not tried', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => {
    response.writeHead(400, { 'content-type': 'application/json' })
    response.end('{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"no"}}')
  })
  await t.rejects(probeEras(`${upstream.origin}/mcp`, 'http'), { message: /^it speaks no revision: / })
})
