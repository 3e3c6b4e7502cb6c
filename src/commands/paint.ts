import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan'

/** Returns the text in a style, where its reader sees styles. */
export type Paint = (style: Style, text: string) => string

/** For readers that are programs. */
export const PLAIN: Paint = (_style, text) => text

/**
 * Returns how to paint what a stream gets: on a terminal, unless NO_COLOR or NODE_DISABLE_COLORS is set, and
 * anywhere when FORCE_COLOR is. Node knows these variables.
 */
export function paintFor (stream: NodeJS.WriteStream): Paint {
  return (style, text) => styleText(style, text, { stream })
}
