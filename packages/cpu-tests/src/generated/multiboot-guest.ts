// Made by tools/images/assemble.mjs from packages/cpu-tests/guest/multiboot.asm; do not edit.

/** The image: its length in bytes and its parts, zeros between them. */
export const MULTIBOOT_GUEST: { readonly length: number; readonly parts: readonly (readonly [at: number, base64: string])[] } = {
  length: 412,
  parts: [
    [
      0x0,
      'ArCtGwMAAQD7T1HkAAAQAAAAEACcARAAnCEQACAAEAC8jCEQAInd6DUBAABtYWdpYwDoQgEAAA8gwCUBAACA6B0BAAAgY3IwAOgrAQAAnFglAAIAAOgHAQAA' +
      'IGlmAOgWAQAA6PkAAAAKZmxhZ3MAi0UAg+BN6P8AAADo4gAAAApsb3dlcgCLRQTo6wAAAOjOAAAACnVwcGVyAItFCOjXAAAA6LoAAAAKY29tbWFuZCBsaW5l' +
      'OiAAi3UQ6LAAAADonQAAAAptb2R1bGVzAItFFOikAAAAg30UAHQni30Yi0cEKwfokQAAAIsHJf8PAADohQAAAOhoAAAAIACLN+htAAAA6FoAAAAKYnNzAKGc' +
      'ARAA6GMAAACLfTCJ+wNdLOg+AAAACm1hcACLRwToSQAAAItHDOhBAAAAi0cU6DkAAAADP4PHBDnfctXoEwAAAAplbmQKALgQAAAAZrr0AO/06/2HNCRQ6AUA' +
      'AABYhzQkw6yEwHQE5unr98NgicKwIObpuQgAAADBwgSI0CQPPApyAgQnBDDm6eLtYcOQkA==',
    ],
  ],
};
