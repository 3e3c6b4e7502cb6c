import t from 'tap'
import { fillIn, PASSWORD } from './login-form.js'

const PAGE = new URL('http://127.0.0.1:9/realms/a/login?x=1')

t.test('a login and a consent page are filled in as a person does who agrees', async (t) => {
  const login = fillIn(`<form id="a" action="/login?a=1&amp;b=2" method="post">
    <input type="text" name="username" value="old"><input name="password" type="password">
    <input type="checkbox" name="remember"><input type="hidden" name="code" value="&quot;x&quot;">
    <input type="submit" value="Sign In"></form>`, PAGE, 'alice')
  t.equal(login?.url.href, 'http://127.0.0.1:9/login?a=1&b=2')
  t.strictSame(Object.fromEntries(login?.fields ?? []), { username: 'alice', password: PASSWORD, code: '"x"' })

  const consent = fillIn(`<form method="POST"><input type="submit" name="accept" value="Yes">
    <input type="submit" name="cancel" value="No"></form>`, PAGE, 'alice')
  t.equal(consent?.url.href, PAGE.href)
  t.strictSame(Object.fromEntries(consent?.fields ?? []), { accept: 'Yes' })
})

t.test('a page without a form to send is left alone', async (t) => {
  for (const page of ['', '<p>Sorry</p>', '<form action="/search"><input name="q"></form>']) {
    t.equal(fillIn(page, PAGE, 'alice'), undefined)
  }
})
