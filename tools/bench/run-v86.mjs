// Runs one guest in v86, its first serial port on standard input and output.
//   node run-v86.mjs '{"ramMib": …, "legacyBios": …, "vgaBios": …, "kernel": …, "initrd": …, "append": …}'
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { V86 } from 'v86';

const guest = JSON.parse(process.argv[2]);
const image = (path) => ({ buffer: new Uint8Array(readFileSync(path)).buffer });

const emulator = new V86({
  wasm_path: fileURLToPath(new URL('../../node_modules/v86/build/v86.wasm', import.meta.url)),
  memory_size: guest.ramMib << 20,
  bios: image(guest.legacyBios),
  vga_bios: image(guest.vgaBios),
  bzimage: image(guest.kernel),
  ...(guest.initrd === undefined ? {} : { initrd: image(guest.initrd) }),
  cmdline: guest.append ?? '',
  acpi: true,
  fastboot: true,
  disable_speaker: true,
  autostart: true,
});

let bytes = [];
function flush() {
  process.stdout.write(Buffer.from(bytes));
  bytes = [];
}
emulator.add_listener('serial0-output-byte', (byte) => {
  if (bytes.push(byte) === 1) setImmediate(flush);
});
process.stdin.on('data', (text) => emulator.serial_send_bytes(0, text));
