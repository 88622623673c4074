/** Reads files of recorded instruction vectors, format `x86-native-vectors/1`: gzip, a header line, then one JSON vector per line. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const NEWLINE = 10;

const parseWindow = ({ addr, len, prot, img }) => ({
  linear: Number.parseInt(addr, 16),
  length: len,
  prot,
  image: Buffer.from(img, 'base64'),
});

const parseBase = ({ gpr, fl, fx }) => ({ gpr: gpr.map(hex64), flags: Number.parseInt(fl, 16), fx: Buffer.from(fx, 'base64') });

/** BigInt of hexadecimal text. */
export const hex64 = (text) => BigInt(`0x${text}`);

/** The environment that all vectors of a file share. */
function parseHeader(text) {
  const header = JSON.parse(text);
  if (header.format !== 'x86-native-vectors/1') throw new Error(`unknown vector format '${header.format}'`);
  return {
    cpu: header.cpu,
    windows: header.windows.map(parseWindow),
    hot: header.hot.map(([address, length]) => ({ linear: Number.parseInt(address, 16), length })),
    bases: header.bases.map(parseBase),
    selectors: header.selectors,
    gsBase: Number.parseInt(header.gsBase, 16),
    cs16Base: Number.parseInt(header.cs16Base, 16),
  };
}

/** One file of vectors; `vectors()` parses them one by one. */
export class VectorFile {
  #bytes;
  #start;

  constructor(path) {
    this.#bytes = gunzipSync(readFileSync(path));
    this.#start = this.#bytes.indexOf(NEWLINE) + 1;
    this.header = parseHeader(this.#bytes.latin1Slice(0, this.#start - 1));
  }

  /** All vectors that `wanted(index)` lets through, before they are parsed. */
  *vectors(wanted = () => true) {
    let index = 0;
    for (let start = this.#start; start < this.#bytes.length; index++) {
      const found = this.#bytes.indexOf(NEWLINE, start);
      const end = found < 0 ? this.#bytes.length : found;
      if (end > start && wanted(index)) yield JSON.parse(this.#bytes.latin1Slice(start, end));
      start = end + 1;
    }
  }
}
