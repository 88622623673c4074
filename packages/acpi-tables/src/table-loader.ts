// Commands by which firmware places tables that a virtual machine made: the fw_cfg file etc/table-loader.
// An entry is 128 bytes, little-endian: a command code and its operands, as the firmware of QEMU's virtual machines reads it.
import { ascii, concat, u32 } from './bytes.js';

/** Where firmware allocates a file. */
export type Zone = 'high' | 'f-segment';

/** One step of placing the tables. Files are named as in fw_cfg; offsets are bytes in the file. */
export type LoaderCommand =
  /** load a file into reserved memory */
  | { readonly kind: 'allocate'; readonly file: string; readonly alignment: number; readonly zone: Zone }
  /** add the address of `pointee` to the field of `size` bytes in `file`, which holds an offset into `pointee` */
  | { readonly kind: 'add-pointer'; readonly file: string; readonly pointee: string; readonly offset: number; readonly size: 1 | 2 | 4 | 8 }
  /** set the byte at `offset` so that `length` bytes from `start` sum to 0 */
  | { readonly kind: 'add-checksum'; readonly file: string; readonly offset: number; readonly start: number; readonly length: number };

const ENTRY_BYTES = 128;
const NAME_BYTES = 56;
const CODE = { allocate: 1, 'add-pointer': 2, 'add-checksum': 3 } as const;
const ZONE = { high: 1, 'f-segment': 2 } as const;

const fileName = (name: string): Uint8Array => {
  if (name.length >= NAME_BYTES) throw new RangeError(`file name '${name}' is longer than ${NAME_BYTES - 1} characters`);
  return ascii(name, NAME_BYTES);
};

function body(command: LoaderCommand): Uint8Array {
  switch (command.kind) {
    case 'allocate':
      return concat(fileName(command.file), u32(command.alignment), ZONE[command.zone]);
    case 'add-pointer':
      return concat(fileName(command.file), fileName(command.pointee), u32(command.offset), command.size);
    case 'add-checksum':
      return concat(fileName(command.file), u32(command.offset), u32(command.start), u32(command.length));
  }
}

/** The commands as the content of `etc/table-loader`. */
export function encodeLoader(commands: readonly LoaderCommand[]): Uint8Array {
  const entries = commands.map((command) => {
    const bytes = new Uint8Array(ENTRY_BYTES);
    bytes.set(concat(u32(CODE[command.kind]), body(command)));
    return bytes;
  });
  return concat(...entries);
}
