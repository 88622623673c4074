/** What is wrong with a boot image, stable across releases. */
export type ImageErrorCode =
  /** no bytes at all */
  | 'empty'
  /** a file of another kind, or a magic number that is not there */
  | 'not-bzimage'
  /** the image ends before something its header announces */
  | 'truncated'
  /** a header field that contradicts the image or the machine */
  | 'bad-field'
  /** kernel or initrd do not fit into the guest's memory */
  | 'no-room'
  /** a command line that the kernel would cut or that cannot be passed */
  | 'bad-cmdline';

/** A boot image that cannot be used. The message is one line: what is wrong and where in the image. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly code: ImageErrorCode;

  constructor(code: ImageErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
