/** Why an operation on objects was refused; stable, for programs. */
export type QomErrorCode =
  | 'unknown-type'
  | 'abstract-type'
  | 'duplicate'
  | 'no-such-property'
  | 'read-only'
  | 'invalid-value'
  | 'realized'
  | 'not-found'
  | 'ambiguous'
  | 'wrong-bus'
  | 'no-hotplug';

/** An operation on objects was refused; nothing has changed. The message names the object. */
export class QomError extends Error {
  readonly code: QomErrorCode;

  constructor(code: QomErrorCode, message: string) {
    super(message);
    this.name = 'QomError';
    this.code = code;
  }
}
