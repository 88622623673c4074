// Made by tools/images/assemble.mjs from packages/linux-loader/rom/multiboot.asm; do not edit.

/** The image: its length in bytes and its parts, zeros between them. */
export const MULTIBOOT_SETUP: { readonly length: number; readonly parts: readonly (readonly [at: number, base64: string])[] } = {
  length: 1024,
  parts: [
    [
      0x41,
      'CAkAAAAAAAAAAAAAAAAAgAAJAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAASG90c29ja2V0AAAAAAAAAAAAAAAAAAAA//8A' +
      'AACazwD//wAAAJLPABcAkAAJ',
    ],
    [
      0x200,
      '6RkAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAPr86CoAzRJmJf//AABmoxQA6H8A5JIMAuaSDwEWqAAPIMAMAQ8iwGbq0QIJAAgAZjHbvwQIZrgg6AAAZrkU' +
      'AAAAZrpQQU1TzRVyOmY9UEFNU3UyZsdF/BQAAABmgT0AABAAdRNmg30EAHUMZotFCGbB6ApmoxgAg8cYgf+kDXMFZoXbdbCB7wQIZg+3/2aJPjwAw2ahGAJm' +
      'KwYIAGaLDgQAix4MAGfjDGYBB2YBRwSDwxDi9MO4EAAAAI7YjsCO4I7ojtC4ArCtK7sQAAkA/yUAAAk=',
    ],
  ],
};
