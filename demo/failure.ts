/** Something that its user can put right; the message says how, in one line. */
export class DemoFailure extends Error {
  override name = 'DemoFailure'
}
