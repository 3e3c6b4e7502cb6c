import t from 'tap'
import { isLoopback } from '../../src/options/loopback.js'

t.test('every name and address that can only mean this machine is loopback, however it is written', async (t) => {
  for (const host of [
    'localhost', 'LOCALHOST', 'app.localhost', 'a.b.localhost', 'my_app.localhost',
    '127.0.0.1', '127.255.0.3', '::1', '[::1]'
  ]) t.ok(isLoopback(host), host)
})

t.test('what only resembles such a name or address is not', async (t) => {
  for (const host of [
    '', '.', 'localhost.', 'app.localhost.', 'localhost.example', 'alocalhost', 'localhost..', '.localhost', 'a..localhost', 'evil@app.localhost',
    'localhost:80', 'a/b.localhost', '127.0.0.1.example', '127.0.0', '128.0.0.1', '0.0.0.0', '::', '[::2]', '::ffff:127.0.0.1'
  ]) t.notOk(isLoopback(host), host)
})
