// There are no datasheets: SeaBIOS documentation ("Debugging", port 402h), Bochs documentation (port E9h hack),
// IBM PC/AT Technical Reference (port 80h), QEMU documentation (isa-debugcon, isa-debug-exit).

/** Where SeaBIOS logs. */
export const SEABIOS_CONSOLE_PORT = 0x402;
/** Where Bochs guests log. */
export const E9_CONSOLE_PORT = 0xe9;
/** What a debug console reads as, by which a guest finds it. */
export const CONSOLE_PRESENT = 0xe9;

/** Where firmware shows its progress, and where guests write for the delay of a bus cycle. */
export const POST_CODE_PORT = 0x80;
/** Progress codes that are kept. */
export const POST_CODES = 64;

/** Where isa-debug-exit lies, and how many ports it has, unless the machine says otherwise. */
export const DEBUG_EXIT_PORT = 0x501;
export const DEBUG_EXIT_PORTS = 2;

/** Where pc-testdev lies (kvm-unit-tests, "testdev"): its ports, interrupt lines and memory. */
export const TESTDEV_PORT = 0xe0;
export const TESTDEV_IRQ_PORT = 0x2000;
export const TESTDEV_IRQS = 24;
export const TESTDEV_MEMORY = 0xff00_0000;
export const TESTDEV_MEMORY_BYTES = 0x1_0000;
