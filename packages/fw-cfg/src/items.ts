import { FILE_ENTRY_BYTES, FILE_FIRST, FILE_NAME_BYTES, FwCfgKey } from './spec.js';

/** An item's bytes, or what computes them each time a guest selects it. */
export type ItemSource = Uint8Array | (() => Uint8Array);

/** What an item allows; by default guests only read it. */
export interface ItemOptions {
  /** The guest may overwrite the bytes in place by DMA; called after each such write. The source must be bytes, which are copied. */
  readonly written?: (bytes: Uint8Array) => void;
}

/** A request the machine makes of the device that cannot be met; the message names the item. */
export class FwCfgError extends Error {
  readonly code = 'FW_CFG';
}

/** One item. */
export interface Item {
  readonly label: string;
  readonly bytes: () => Uint8Array;
  readonly written: ((bytes: Uint8Array) => void) | undefined;
}

/** Items by key, and files in the order of their names. */
export class Items {
  readonly #byKey = new Map<number, Item>();
  readonly #files: Item[] = [];
  readonly #fileSlots: number;

  constructor(fileSlots: number) {
    this.#fileSlots = fileSlots;
    this.set(FwCfgKey.FILE_DIR, () => this.#directory(), {});
  }

  /** Sets or replaces the item `key`; keys of files are given by the device. */
  set(key: number, source: ItemSource, options: ItemOptions): void {
    const index = key & ~0x8000;
    if (!Number.isInteger(key) || index < 0 || index >= FILE_FIRST || key > 0xffff) throw new FwCfgError(`fw_cfg: no item key ${key}`);
    this.#byKey.set(key, item(`key 0x${key.toString(16)}`, source, options));
  }

  /** Adds a file, or replaces the one with that name. */
  setFile(name: string, source: ItemSource, options: ItemOptions): void {
    const made = item(name, source, options);
    const known = this.#files.findIndex((file) => file.label === name);
    if (known >= 0) this.#files[known] = made;
    else this.#insert(made);
  }

  /** The item a guest selects with `key`. */
  get(key: number): Item | undefined {
    return key >= FILE_FIRST && key < FILE_FIRST + this.#files.length ? this.#files[key - FILE_FIRST] : this.#byKey.get(key);
  }

  /** Key of a file, or undefined. */
  fileKey(name: string): number | undefined {
    const index = this.#files.findIndex((file) => file.label === name);
    return index < 0 ? undefined : FILE_FIRST + index;
  }

  /** Items that guests may write. */
  writable(): Item[] {
    return [...this.#byKey.values(), ...this.#files].filter((entry) => entry.written !== undefined);
  }

  #insert(file: Item): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the name is stored NUL-terminated
    if (!/^[\x01-\x7f]+$/.test(file.label) || file.label.length >= FILE_NAME_BYTES)
      throw new FwCfgError(`fw_cfg: '${file.label}' is not a name of 1 to ${FILE_NAME_BYTES - 1} ASCII characters`);
    if (this.#files.length >= this.#fileSlots)
      throw new FwCfgError(`fw_cfg: no slot for '${file.label}', all ${this.#fileSlots} are taken`);
    const after = this.#files.findIndex((other) => other.label > file.label);
    this.#files.splice(after < 0 ? this.#files.length : after, 0, file);
  }

  #directory(): Uint8Array {
    const bytes = new Uint8Array(4 + this.#files.length * FILE_ENTRY_BYTES);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, this.#files.length);
    for (const [index, file] of this.#files.entries()) {
      const at = 4 + index * FILE_ENTRY_BYTES;
      view.setUint32(at, file.bytes().length);
      view.setUint16(at + 4, FILE_FIRST + index);
      for (let char = 0; char < file.label.length; char++) bytes[at + 8 + char] = file.label.charCodeAt(char);
    }
    return bytes;
  }
}

function item(label: string, source: ItemSource, { written }: ItemOptions): Item {
  if (typeof source === 'function' && written) throw new FwCfgError(`fw_cfg: '${label}' is computed, so no guest can write it`);
  const own = written && typeof source !== 'function' ? source.slice() : source;
  return { label, bytes: typeof own === 'function' ? own : () => own, written };
}
