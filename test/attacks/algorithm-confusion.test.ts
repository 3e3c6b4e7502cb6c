// The token chooses how it is verified: no algorithm, HMAC with the public key as secret, a key or key
// address in its own header, another curve or digest, an extension that must be understood. Fell for it: most
// JWT libraries once (CVE-2015-9235, CVE-2016-5431, CVE-2016-10555, CVE-2018-0114, CVE-2022-21449,
// CVE-2022-23540); authentik's HS256 fallback (pitfalls 10). It fails here because `alg` and `kid` choose
// among the published keys of the configured issuer and nothing else is believed (A2, RFC 8725 §3.1).
import t from 'tap'
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { exportSPKI } from 'jose'
import { createTestClock } from '../helpers/clock.js'
import { createSigningKey, forgeToken } from '../helpers/keys.js'
import { sendOne } from '../helpers/raw-http.js'
import { type Scene, startScene } from '../helpers/scene.js'
import { PERMITTED_CALL, refuses, stillWorks } from './assertions.js'

const encode = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** Keys are fetched again for an unknown kid at most once in this time (A5). */
const KEY_PAUSE_MS = 30_000

function claimsFor ({ gateway, issuer }: Scene): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000)
  return { iss: issuer.issuer, aud: gateway.resource, sub: 'alice', client_id: 'client-1', scope: 'todo:read todo:write', iat: now, exp: now + 600 }
}

function hmac (header: object, payload: object, secret: string | Buffer, digest = 'sha256'): string {
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${createHmac(digest, secret).update(input).digest('base64url')}`
}

function signWith (header: object, payload: object, key: KeyObject, digest: string | null = 'sha256', options: { dsaEncoding?: 'ieee-p1363' } = { dsaEncoding: 'ieee-p1363' }): string {
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${sign(digest, Buffer.from(input), { key, ...options }).toString('base64url')}`
}

t.test('A2: a token without a signature, or signed with what is public, is refused', async (t) => {
  const scene = await startScene(t)
  const { issuer } = scene
  const claims = claimsFor(scene)
  const pem = await exportSPKI(issuer.key.publicKey)
  const jwk = JSON.stringify(issuer.key.jwk)
  const { kid } = issuer.key
  const [header, payload, signature] = scene.token.split('.') as [string, string, string]
  const none = ['none', 'None', 'NONE', 'nOnE', 'none ', '', 'NoNe\u0000']
  const tokens: Record<string, string> = {
    ...Object.fromEntries(none.flatMap((alg) => [
      [`alg ${JSON.stringify(alg)}, empty signature`, `${encode({ alg, kid })}.${encode(claims)}.`],
      [`alg ${JSON.stringify(alg)}, some signature`, forgeToken({ alg, kid }, claims, Buffer.from(signature, 'base64url'))]
    ])),
    'the signature cut off': `${header}.${payload}.`,
    'two parts': `${header}.${payload}`,
    'HS256 with the PEM': hmac({ alg: 'HS256', kid }, claims, pem),
    'HS256 with the PEM without its last line end': hmac({ alg: 'HS256', kid }, claims, pem.trimEnd()),
    'HS256 with the JWK': hmac({ alg: 'HS256', kid }, claims, jwk),
    'HS256 with a coordinate of the key': hmac({ alg: 'HS256', kid }, claims, Buffer.from(String(issuer.key.jwk.x), 'base64url')),
    'HS256 with an empty secret': hmac({ alg: 'HS256', kid }, claims, ''),
    'HS512 with the PEM': hmac({ alg: 'HS512', kid }, claims, pem, 'sha512'),
    'ES256 that is an HMAC': hmac({ alg: 'ES256', kid }, claims, pem),
    'an all-zero signature (CVE-2022-21449)': forgeToken({ alg: 'ES256', kid }, claims, Buffer.alloc(64)),
    'a signature of no bytes': forgeToken({ alg: 'ES256', kid }, claims),
    'no alg': forgeToken({ kid }, claims, Buffer.alloc(64)),
    'alg is a list': forgeToken({ alg: ['ES256'], kid }, claims, Buffer.alloc(64)),
    'alg in another case': `${encode({ alg: 'es256', kid })}.${payload}.${signature}`,
    'another payload under the signature': `${header}.${encode({ ...claims, sub: 'mallory' })}.${signature}`,
    'another header over the signature': `${encode({ alg: 'ES256', kid, typ: 'at+jwt' })}.${payload}.${signature}`
  }
  for (const [name, token] of Object.entries(tokens)) {
    await refuses(t, scene, name, { token, body: PERMITTED_CALL }, { status: 401 })
  }
  await stillWorks(t, scene)
})

t.test('A2: a key that the token brings, or says where to find, is not used', async (t) => {
  const clock = createTestClock()
  const scene = await startScene(t, { clock })
  const claims = { ...claimsFor(scene), exp: Math.floor(clock.now() / 1000) + 3600 }
  const { issuer } = scene
  const attacker = await createSigningKey('ES256', issuer.key.kid)
  scene.issuer.routes.set('/evil', (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [attacker.jwk] })))
  const evil = `${issuer.origin}/evil`
  const headers: Record<string, object> = {
    'the same kid': {},
    jwk: { jwk: attacker.jwk },
    'jwk alone': { kid: undefined, jwk: attacker.jwk },
    jku: { jku: evil },
    x5u: { x5u: evil },
    x5c: { x5c: ['MIIB'] },
    'a kid that is a URL': { kid: evil },
    'a kid that is a path': { kid: '../../../../dev/null' },
    'a kid that is SQL': { kid: "x' UNION SELECT 'secret" },
    'a kid that is inherited': { kid: '__proto__' },
    'a kid that is no string': { kid: ['first'] },
    'a kid that is null': { kid: null },
    'an empty kid': { kid: '' },
    'no kid': { kid: undefined }
  }
  for (const [name, header] of Object.entries(headers)) {
    const token = await attacker.sign(claims, header as Record<string, unknown>)
    clock.advance(KEY_PAUSE_MS) // or nothing could be said about another unknown kid (A6)
    await refuses(t, scene, name, { token, body: PERMITTED_CALL }, { status: 401 })
  }
  t.equal(issuer.count('/evil'), 0, 'nothing was fetched')
  await stillWorks(t, scene)
})

t.test('a good key is not used in another way than it is published for', async (t) => {
  const clock = createTestClock()
  const scene = await startScene(t, { clock })
  const claims = { ...claimsFor(scene), exp: Math.floor(clock.now() / 1000) + 3600 }
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' })
  const k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
  const secret = Buffer.alloc(32, 7)
  scene.issuer.keys = [
    scene.issuer.key.jwk,
    { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'rsa', alg: 'RS256', use: 'sig' },
    { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'encrypts', use: 'enc' },
    { ...small.publicKey.export({ format: 'jwk' }), kid: 'small' },
    { ...p521.publicKey.export({ format: 'jwk' }), kid: 'p521' },
    { ...k1.publicKey.export({ format: 'jwk' }), kid: 'k1' },
    { kty: 'oct', k: secret.toString('base64url'), kid: 'oct', alg: 'HS256' },
    { kty: 'oct', k: secret.toString('base64url'), kid: 'oct-es', alg: 'ES256' }
  ]
  const tokens: Record<string, string> = {
    'RS512 with a key for RS256': signWith({ alg: 'RS512', kid: 'rsa' }, claims, rsa.privateKey, 'sha512'),
    'a key for encryption': signWith({ alg: 'RS256', kid: 'encrypts' }, claims, rsa.privateKey),
    'a key that is too small': signWith({ alg: 'RS256', kid: 'small' }, claims, small.privateKey),
    'ES256 on another curve': signWith({ alg: 'ES256', kid: 'p521' }, claims, p521.privateKey),
    ES256K: signWith({ alg: 'ES256K', kid: 'k1' }, claims, k1.privateKey),
    'ES256 with a key for ES256K': signWith({ alg: 'ES256', kid: 'k1' }, claims, k1.privateKey),
    'a DER signature': signWith({ alg: 'ES512', kid: 'p521' }, claims, p521.privateKey, 'sha512', {}),
    'RS256 with the kid of an EC key': signWith({ alg: 'RS256', kid: scene.issuer.key.kid }, claims, rsa.privateKey),
    'a published secret': hmac({ alg: 'HS256', kid: 'oct' }, claims, secret),
    'a published secret that says it is for ES256': hmac({ alg: 'ES256', kid: 'oct-es' }, claims, secret)
  }
  for (const [name, token] of Object.entries(tokens)) {
    clock.advance(KEY_PAUSE_MS)
    await refuses(t, scene, name, { token, body: PERMITTED_CALL }, { status: 401 })
  }
  await stillWorks(t, scene)
})

t.test('A2: extensions and forms that are not understood are refused', async (t) => {
  const scene = await startScene(t)
  const claims = claimsFor(scene)
  const { key } = scene.issuer
  const [header, payload, signature] = scene.token.split('.') as [string, string, string]
  const tokens: Record<string, string> = {
    'crit, b64': await key.sign(claims, { crit: ['b64'], b64: true }).catch(() => forgeToken({ alg: 'ES256', kid: key.kid, crit: ['b64'], b64: false }, claims, Buffer.alloc(64))),
    'crit, empty': forgeToken({ alg: 'ES256', kid: key.kid, crit: [] }, claims, Buffer.alloc(64)),
    'five parts': `${encode({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.AA.AA.AA.AA`,
    'four parts': `${scene.token}.AA`,
    padding: `${header}.${payload}.${signature}==`,
    'standard base64': `${header}.${payload}.${signature.slice(0, -1)}+`,
    'a header that is a list': `${encode(['ES256'])}.${payload}.${signature}`,
    'a payload that is a list': forgeToken({ alg: 'ES256', kid: key.kid }, [claims], Buffer.alloc(64)),
    'a payload that is no JSON': `${header}.${encode('x')}.${signature}`,
    dots: '..',
    'more dots': '....'
  }
  for (const [name, token] of Object.entries(tokens)) {
    const { statuses } = await sendOne(scene.gateway, { token, body: PERMITTED_CALL })
    t.match(statuses, [/^40[01]$/], name)
  }
  t.equal(scene.upstream.received.length, 0)
  await stillWorks(t, scene)
})
