import { DEMO_GUEST_ROM } from './generated/demo-guest-rom.js';

/**
 * The demo guest as a firmware image: 64 KiB that end at 4 GiB, with the reset vector in their last 16 bytes.
 * Each call gives a copy of its own. Source: guest/demo-guest.asm.
 */
export function demoGuestRom(): Uint8Array {
  const rom = new Uint8Array(DEMO_GUEST_ROM.length);
  for (const [at, base64] of DEMO_GUEST_ROM.parts) {
    rom.set(
      Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)),
      at,
    );
  }
  return rom;
}

/** Lines that the guest prints on COM1, for whoever waits for them. */
export const DEMO_GUEST_LINES: {
  readonly ready: RegExp;
  readonly sci: RegExp;
  readonly cpuOnline: (apicId: number) => RegExp;
} = {
  /** ACPI is enabled and the main loop runs; keys are taken from here on */
  ready: /^ready: /m,
  /** an event arrived; the number is the status byte, hexadecimal */
  sci: /^SCI: GPE0_STS=([0-9a-f]{2})/m,
  cpuOnline: (apicId) => new RegExp(`^CPU (\\d+) online, apic id ${apicId}\\b`, 'm'),
};

/** Keys the guest acts on, each a character sent to COM1. */
export const DEMO_GUEST_KEYS: Readonly<Record<'status' | 'progress' | 'interruptAll' | 'reset' | 'powerOff', string>> = {
  status: 's',
  /** progress lines off, and on again */
  progress: 'p',
  interruptAll: 'i',
  reset: 'r',
  powerOff: 'q',
};
