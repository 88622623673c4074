// Made by tools/images/assemble.mjs from packages/linux-loader/rom/linuxboot.asm; do not edit.

/** The image: its length in bytes and its parts, zeros between them. */
export const LINUXBOOT_ROM: { readonly length: number; readonly parts: readonly (readonly [at: number, base64: string])[] } = {
  length: 1024,
  parts: [
    [
      0x0,
      'VaoC6ZMAqwAAAAAAAAAAAAAAAAAAAAAAAAAgAAAAAAAkUG5QAQIAAABDAAAAAEAASgAAAABkAAAAAJoAAAAAAEhvdHNvY2tldABMaW51eCBrZXJuZWwAbGlu' +
      'dXhib290OiBmd19jZmcgaG9sZHMgbm8ga2VybmVsDQoAbGludXhib290OiBmd19jZmcgRE1BIGVycm9yDQoAy4nlg+wk/A4fuAEA6HABJAKIRv+4FwDoZQG+' +
      'VwBmhcAPhKsAuAsA6FUBZolG7LgKAOhLAWaJRvDoqgD66PgAuBYA6DoBZolG+GaJx2a4FwAYAOhIAWaLfvBmuAsAEgDoOwG4BwDoFwFmicdmuAgAEQDoKQG4' +
      'EwDoBQFmiUb0ZonHZrgUABUA6BMBZote+GaLRvAmZmeJgxgCAABmi0b0ZinYZoPoEGY98P8AAHYGZrjw/wAAJPxmwesEjtuOw47jjuuO02YPt+CDwyBTagDL' +
      'Dh+shMB0CbQOuwcAzRDr8ons+80YyzHJMdK4AejNFXJEhcl1CIXSdQSJwYnaZg+3wmbB4BBmBQAAAAGF0nUOZg+3wWbB4ApmBQAAEABmi07wZgNO7GY5wXYL' +
      'ZitG7CUA8GaJRvAOH8NmU2Yx24zLZsHjBGaBwwgCAABmU2oPieM2DwEXg8QGDyDDgMsBDyLD6wBqCAeA4/4PIsPrAGZbwwAAAAAAAAAA//8AAACSzwBSuhAF' +
      '77oRBeyIxOyGxGbByBDsiMTshsRmwcgQWsNmicPo3P9micFn4xZmwesQgH7/AHUNidi6EAXvuhEF82dsw2aJ2GbB4BAMCuhXAGaJRtxmicjoTQBmiUbgZsdG' +
      '5AAAAABmifjoOwBmiUboZjHAuhQFZu+M0GbB4ARmD7fNZmeNRAjc6BwAuhgFZu9mi0bc6BAAqAF1BmaFwHXww757AOms/obEZsHIEIbEww==',
    ],
  ],
};
