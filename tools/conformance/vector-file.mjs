/** Reads files of recorded instruction vectors, format `x86-native-vectors/1`: a header line, then one JSON vector per line; gzip or plain. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const NEWLINE = 10;
const GZIP_MAGIC = 0x8b1f;
const FORMAT = 'x86-native-vectors/1';
const MODES = [16, 32, 64];
export const REGISTERS = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');
export const SEGMENTS = 'cs ss ds es fs gs'.split(' ');

/** A file that cannot be read as vectors; the message is one line that says where and why. */
export class VectorFileError extends Error {}

/** BigInt of hexadecimal text. */
export const hex64 = (text) => BigInt(`0x${text}`);

/** Linear address of a vector's code. */
export const codeAddress = (header, { ip, s }) => Number.parseInt(ip, 16) + (s === 16 ? header.cs16Base : 0);

const isHex = (value) => typeof value === 'string' && /^[0-9a-f]{1,16}$/i.test(value);
const isBytes = (value) => typeof value === 'string' && /^([0-9a-f]{2})*$/i.test(value);
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
const isText = (value) => typeof value === 'string';
const isMap = (value, isValue, names) =>
  typeof value === 'object' && value !== null && Object.entries(value).every(([name, each]) => names.includes(name) && isValue(each));
const isPairs = (value, isFirst, isSecond) =>
  Array.isArray(value) && value.every((pair) => Array.isArray(pair) && pair.length === 2 && isFirst(pair[0]) && isSecond(pair[1]));

/** What each key holds; those of the first list must be there. */
const OUTCOME = {
  required: { ip: isHex, fl: isHex },
  optional: {
    v: isCount,
    e: isCount,
    a: isHex,
    r: (value) => isMap(value, isHex, REGISTERS),
    fx: (value) => isPairs(value, isCount, isBytes),
    mem: (value) => isPairs(value, isHex, isBytes),
    sel: (value) => isMap(value, isCount, SEGMENTS),
  },
};
const MASKS = {
  required: {},
  optional: {
    fl: isHex,
    fsw: isCount,
    hi: isCount,
    e: isCount,
    fx: (value) => isPairs(value, isCount, isCount),
    mem: (value) => isPairs(value, isHex, isCount),
  },
};
const VECTOR = {
  required: {
    i: isCount,
    c: isText,
    m: isText,
    s: (value) => MODES.includes(value),
    b: isCount,
    ip: isHex,
    x: isBytes,
    fl: isHex,
    o: (value) => wrongKey(value, OUTCOME) === undefined,
  },
  optional: {
    f: isText,
    r: (value) => isMap(value, isHex, REGISTERS),
    fx: (value) => isPairs(value, isCount, isBytes),
    mem: (value) => isPairs(value, isHex, isBytes),
    k: (value) => wrongKey(value, MASKS) === undefined,
  },
};

/** The first key that is absent or holds something else than it should. */
function wrongKey(object, { required, optional }) {
  if (typeof object !== 'object' || object === null) return '(no object)';
  for (const [key, isRight] of Object.entries(required)) if (!isRight(object[key])) return key;
  for (const [key, isRight] of Object.entries(optional)) if (object[key] !== undefined && !isRight(object[key])) return key;
  return undefined;
}

const parseWindow = ({ addr, len, prot, img }) => ({
  linear: Number.parseInt(addr, 16),
  length: len,
  prot,
  image: Buffer.from(img, 'base64'),
});

const parseBase = ({ gpr, fl, fx }) => ({ gpr: gpr.map(hex64), flags: Number.parseInt(fl, 16), fx: Buffer.from(fx, 'base64') });

function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const HEADER = {
  required: {
    windows: Array.isArray,
    hot: (value) => isPairs(value, isHex, isCount),
    bases: Array.isArray,
    selectors: (value) => MODES.every((mode) => isMap(value?.[mode], isCount, SEGMENTS)),
    gsBase: isHex,
    cs16Base: isHex,
  },
  optional: {},
};

/** The environment that all vectors of a file share. */
function parseHeader(text) {
  const header = parseJson(text);
  if (!header) throw new VectorFileError(`line 1 is no JSON: this is no file of format ${FORMAT}`);
  if (header.format !== FORMAT) throw new VectorFileError(`line 1: format '${header.format}', not ${FORMAT}`);
  const wrong = wrongKey(header, HEADER);
  if (wrong) throw new VectorFileError(`line 1: '${wrong}' of the header is absent or wrong`);
  const windows = header.windows.map(parseWindow);
  const bases = header.bases.map(parseBase);
  for (const [n, { linear, length, image }] of windows.entries())
    if (!(linear % 4096 === 0 && length > 0 && length % 4096 === 0 && image.length === length))
      throw new VectorFileError(`line 1: window ${n} does not consist of whole pages with their contents`);
  for (const [n, { gpr, fx }] of bases.entries())
    if (gpr.length !== 16 || fx.length !== 416)
      throw new VectorFileError(`line 1: base ${n} has no 16 registers and 416 bytes of FXSAVE image`);
  return {
    cpu: header.cpu ?? 'unknown',
    windows,
    hot: header.hot.map(([address, length]) => ({ linear: Number.parseInt(address, 16), length })),
    bases,
    selectors: header.selectors,
    gsBase: Number.parseInt(header.gsBase, 16),
    cs16Base: Number.parseInt(header.cs16Base, 16),
  };
}

function readBytes(path) {
  let bytes;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new VectorFileError(`${path}: ${error.code === 'ENOENT' ? 'no such file' : `cannot be read (${error.code})`}`);
  }
  if (bytes.length < 2 || bytes.readUInt16LE(0) !== GZIP_MAGIC) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (error) {
    throw new VectorFileError(`${path}: the gzip data are broken (${error.code ?? error.message})`);
  }
}

/** One file of vectors; `vectors()` parses them one by one. Throws VectorFileError. */
export class VectorFile {
  #path;
  #bytes;
  #start;

  constructor(path) {
    this.#path = path;
    this.#bytes = readBytes(path);
    const end = this.#bytes.indexOf(NEWLINE);
    this.#start = end < 0 ? this.#bytes.length : end + 1;
    this.header = this.#located(() => parseHeader(this.#bytes.latin1Slice(0, this.#start)));
  }

  /** Lines of vectors, for progress. */
  get count() {
    let count = 0;
    for (let at = this.#start; at < this.#bytes.length; count++) at = this.#lineEnd(at) + 1;
    return count;
  }

  /** All vectors that `wanted(index)` lets through, before they are parsed. */
  *vectors(wanted = () => true) {
    let index = 0;
    for (let start = this.#start; start < this.#bytes.length; index++) {
      const end = this.#lineEnd(start);
      if (end > start && wanted(index)) yield this.#parse(this.#bytes.latin1Slice(start, end), index + 2);
      start = end + 1;
    }
  }

  #lineEnd(start) {
    const found = this.#bytes.indexOf(NEWLINE, start);
    return found < 0 ? this.#bytes.length : found;
  }

  #parse(text, line) {
    const vector = parseJson(text);
    if (!vector) throw new VectorFileError(`${this.#path}: line ${line} is no JSON (cut off?)`);
    const wrong = wrongKey(vector, VECTOR) ?? this.#wrongPlace(vector);
    if (wrong) throw new VectorFileError(`${this.#path}: line ${line}: '${wrong}' of the vector is absent or wrong`);
    return vector;
  }

  /** The key whose value is outside of the header's bases or windows. */
  #wrongPlace(vector) {
    if (vector.b >= this.header.bases.length) return 'b';
    const code = codeAddress(this.header, vector);
    if (!this.#isMapped(code, vector.x.length / 2)) return 'ip';
    const isMapped = ([address, bytes]) => this.#isMapped(Number.parseInt(address, 16), bytes.length / 2);
    if (!(vector.mem ?? []).every(isMapped)) return 'mem';
    return (vector.o.mem ?? []).every(isMapped) ? undefined : 'o';
  }

  #isMapped(address, length) {
    return this.header.windows.some((window) => address >= window.linear && address + length <= window.linear + window.length);
  }

  #located(work) {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof VectorFileError)) throw error;
      throw new VectorFileError(`${this.#path}: ${error.message}`);
    }
  }
}
