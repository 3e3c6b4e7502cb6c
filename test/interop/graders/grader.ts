import { startProgram } from '../../helpers/process.js'
import type { Closing } from '../../helpers/closing.js'
import type { Programs } from '../programs.js'
import type { Environment } from '../python.js'
import type { Examined, ExaminedName } from './examined.js'

/** One of a grader's checks. */
export interface Check {
  /** The grader's own name for it. */
  readonly id: string
  /** Otherwise it failed, warned, or was skipped. */
  readonly isPassed: boolean
  /** What the grader says about it. */
  readonly text: string
}

export interface Surroundings {
  readonly examined: Examined
  readonly programs: Programs
  /** A folder of its own. */
  readonly folder: string
}

export interface Grader {
  /** Its name in PyPI, which is that of its environment as well. */
  readonly name: Environment
  readonly examines: readonly ExaminedName[]
  /** Lets it examine all that it can. Throws Missing when it cannot be installed. */
  grade (closing: Closing, surroundings: Surroundings): Promise<readonly Check[]>
}

export interface PythonOptions {
  readonly python: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Exit codes that say something about what was examined, and nothing about the grader; default: only 0. */
  readonly codes?: readonly number[]
}

/** Runs a grader to its end; returns what it printed. Throws when it ends with another exit code. */
export async function runPython (
  closing: Closing, { python, args, env, codes = [0] }: PythonOptions
): Promise<string> {
  const { code, stdout, stderr } = await startProgram(closing, python, args, { env }).ended
  if (code !== null && codes.includes(code)) return stdout + stderr
  throw new Error(`it ends with ${code}: ${stdout}${stderr}`)
}
