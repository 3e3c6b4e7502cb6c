import {
  generateKeyPairSync, type KeyObject, type KeyPairKeyObjectResult, randomBytes, sign
} from 'node:crypto'

/** A certificate and its key in PEM, as node:https takes them. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

const ECDSA_WITH_SHA256 = sequence(der(0x06, Buffer.from('2a8648ce3d040302', 'hex')))
const COMMON_NAME = der(0x06, Buffer.from('550403', 'hex'))
const SUBJECT_ALT_NAME = der(0x06, Buffer.from('551d11', 'hex'))
const BASIC_CONSTRAINTS = der(0x06, Buffer.from('551d13', 'hex'))
const DAY = 86_400_000

/** A certificate authority that no program knows unless it is told. */
export interface PrivateAuthority {
  /** In PEM, as NODE_EXTRA_CA_CERTS takes it. */
  readonly cert: string
  /** Makes a certificate for a host, and for 127.0.0.1. */
  issue (host: string): Certificate
}

/** Makes a certificate for `localhost` and 127.0.0.1 that nobody but itself vouches for (RFC 5280 §4.1). */
export function createSelfSignedCertificate (): Certificate {
  const pair = createKeyPair()
  return makeCertificate('localhost', pair, { name: 'localhost', key: pair.privateKey }, namesOf('localhost'))
}

/** Makes an authority with a key of its own. */
export function createPrivateAuthority (): PrivateAuthority {
  const pair = createKeyPair()
  const self = { name: 'Private authority', key: pair.privateKey }
  const isAuthority = extension(BASIC_CONSTRAINTS, sequence(der(0x01, Buffer.from([0xff]))))
  return {
    cert: makeCertificate(self.name, pair, self, isAuthority).cert,
    issue: (host) => makeCertificate(host, createKeyPair(), self, namesOf(host))
  }
}

type KeyPair = KeyPairKeyObjectResult

interface Signer {
  readonly name: string
  readonly key: KeyObject
}

function createKeyPair (): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function makeCertificate (
  subject: string, { publicKey, privateKey }: KeyPair, signer: Signer, ...extensions: readonly Buffer[]
): Certificate {
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    distinguishedName(signer.name),
    sequence(time(Date.now() - DAY), time(Date.now() + DAY)),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions))
  )
  const signature = sign('sha256', toBeSigned, signer.key)
  const certificate = sequence(
    toBeSigned, ECDSA_WITH_SHA256, der(0x03, Buffer.concat([Buffer.from([0]), signature]))
  )
  const lines = certificate.toString('base64').replace(/.{64}/g, '$&\n')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  }
}

function distinguishedName (commonName: string): Buffer {
  return sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(commonName)))))
}

function namesOf (host: string): Buffer {
  const names = sequence(der(0x82, Buffer.from(host)), der(0x87, Buffer.from([127, 0, 0, 1])))
  return extension(SUBJECT_ALT_NAME, names)
}

function extension (id: Buffer, value: Buffer): Buffer {
  return sequence(id, der(0x04, value))
}

function sequence (...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts))
}

/** One value of ASN.1 in DER (X.690 §8.1). */
function der (tag: number, content: Buffer): Buffer {
  const length = content.length
  return Buffer.concat([Buffer.from([tag, ...lengthOf(length)]), content])
}

function lengthOf (length: number): number[] {
  if (length < 0x80) return [length]
  if (length < 0x100) return [0x81, length]
  return [0x82, length >> 8, length & 0xff]
}

/** UTCTime. */
function time (ms: number): Buffer {
  return der(0x17, Buffer.from(new Date(ms).toISOString().replace(/\.\d+|[-:T]/g, '').slice(2)))
}
