import t from 'tap'
import { readAddressRanges } from '../../src/options/address-range.js'

t.test('addresses, ranges and the two names are read', async (t) => {
  t.strictSame(readAddressRanges('192.0.2.1'), [{ address: '192.0.2.1', prefix: 32, family: 'ipv4' }])
  t.strictSame(readAddressRanges('10.0.0.0/8'), [{ address: '10.0.0.0', prefix: 8, family: 'ipv4' }])
  t.strictSame(readAddressRanges('2001:DB8::/32'), [{ address: '2001:DB8::', prefix: 32, family: 'ipv6' }])
  t.strictSame(readAddressRanges('::1'), [{ address: '::1', prefix: 128, family: 'ipv6' }])
  t.strictSame(readAddressRanges('loopback')?.map(({ address, prefix }) => `${address}/${prefix}`), ['127.0.0.0/8', '::1/128'])
  t.equal(readAddressRanges('private')?.length, 4)
})

t.test('everything else is not', async (t) => {
  for (const text of [
    '', 'Loopback', 'public', 'localhost', 'proxy.example', '10.0.0.0/33', '10.0.0.0/0', '::/0', '::/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1', '10.0.0/8', '010.0.0.1', '10.0.0.1 ', '*', '10.*', '10.0.0.1-10.0.0.9', '10.0.0.0/255.0.0.0', '[::1]', '10.0.0.1:80', '::ffff:10.0.0.1', '::FFFF:a00:1/104', '0:0:0:0:0:ffff:a00:1', 'fe80::1%eth0'
  ]) t.equal(readAddressRanges(text), undefined, text)
})
