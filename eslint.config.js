import neostandard from 'neostandard'

/** Lines end at 110 columns. */
const SOURCES = ['src/**/*.ts', 'demo/**', 'tools/**', 'bench/**']
const TESTS = ['test/**/*.ts']

const configs = neostandard({
  ts: true,
  ignores: ['dist/', 'demo/dist/', 'build/', '.cache/', '.tap/', 'coverage/']
})
/** neostandard's own: a plugin may not be defined twice. */
const stylistic = configs.find(({ plugins }) => plugins?.['@stylistic'] !== undefined).plugins['@stylistic']

function narrow (files, options = {}) {
  return {
    files,
    plugins: { '@stylistic': stylistic },
    rules: { '@stylistic/max-len': ['error', { code: 110, ...options }] }
  }
}

export default [
  ...configs,
  {
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error'
    }
  },
  narrow(SOURCES),
  // What a test compares with has its own length.
  narrow(TESTS, { ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true })
]
