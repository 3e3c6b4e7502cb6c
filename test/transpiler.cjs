/**
 * Turns TypeScript into JavaScript for the tests, as ts-node's own transpiler does, and keeps the result: every test file
 * runs in a process of its own and imports most of the gateway, so that most of the time would go into transpiling the
 * same files again. Types are checked by `npm run typecheck`.
 */
const { createHash } = require('node:crypto')
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const ts = require('typescript')

const directory = join(__dirname, '../.tap/transpiled')

exports.create = ({ service, nodeModuleEmitKind }) => {
  const compilerOptions = {
    ...service.config.options,
    // The whole package is ESM; NodeNext would look for the package.json of each file to say so.
    ...nodeModuleEmitKind === 'nodeesm' ? { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler } : {},
    sourceMap: true,
    inlineSourceMap: false
  }
  const settings = JSON.stringify([ts.version, compilerOptions])
  mkdirSync(directory, { recursive: true })

  return {
    transpile (input, { fileName }) {
      const file = join(directory, createHash('sha256').update(settings).update(fileName).update('\0').update(input).digest('hex'))
      try {
        return JSON.parse(readFileSync(file, 'utf8'))
      } catch {
        const { outputText, sourceMapText } = ts.transpileModule(input, { fileName, compilerOptions })
        // Other processes do the same at the same time: none may read half of it.
        writeFileSync(`${file}.${process.pid}`, JSON.stringify({ outputText, sourceMapText }))
        renameSync(`${file}.${process.pid}`, file)
        return { outputText, sourceMapText }
      }
    }
  }
}
