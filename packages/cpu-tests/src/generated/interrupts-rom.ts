// Made by tools/images/assemble.mjs from packages/cpu-tests/guest/interrupts.asm; do not edit.

/** The image: its length in bytes and its parts, zeros between them. */
export const INTERRUPTS_ROM: { readonly length: number; readonly parts: readonly (readonly [at: number, base64: string])[] } = {
  length: 65536,
  parts: [
    [
      0x0,
      '+jHAjtiO0LwAcMcGCAAMAccGCgAA8C4PARZIAQ8gwAwBDyLAuwgAjsMk/g8iwGa/AADg/iZmZ8eH8AAAAP8BAABmuRsAAAAPMvbEAQ+EhwAmZmfHhxADAAAA' +
      'AAABJmZnx4cAAwAAAEUAACZmZ8eHAAMAAP9GAACAPgAFAHT5ZjH2ZosOBAUmZmfHhwADAAAARAAAZjkOBAV0+WZGZoH+6AMAAHLcxgYABQImZmfHhxADAAAA' +
      'AAAAJmZnx4cAAwAAAEQAAIA+AAUDdfmgDAUEMObpsBDm9PS8AGDGBgAFAWb/BggFgD4ABQJ19CZmZ8eHEAMAAAAAAAAmZmfHhwADAAAARAAAxgYABQPr/mZQ' +
      'ZlFmUma5GwAAAA8y9sQBdQdm/wYEBesFZv8GDAVmWmZZZljPAAAAAAAAAAAAAAAAAAD//wAAAJLPAA8AOAEP',
    ],
    [
      0xf000,
      '6gAAAPA=',
    ],
    [
      0xfff0,
      '6gAAAPAAAAAAAAAAAAAAAA==',
    ],
  ],
};
