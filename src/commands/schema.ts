import { renderJsonSchema } from '../options/published-schema.js'
import { EXIT, type Output } from './io.js'

/** Prints the JSON Schema of the configuration file, for editors and other tools. */
export async function schema (_flags: object, output: Output): Promise<number> {
  output.print(renderJsonSchema().trimEnd())
  return EXIT.ok
}
