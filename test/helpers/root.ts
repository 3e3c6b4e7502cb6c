import { fileURLToPath } from 'node:url'

/** Path of the repository's folder. This file runs as `build/test/helpers/root.js`. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
