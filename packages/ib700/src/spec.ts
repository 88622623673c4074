/** Two ports to stop the watchdog, two to start it. iBASE IB700 user manual, 'Watchdog Timer Configuration'. */
export const IB700_PORT = 0x441;
export const PORTS = 4;
/** Offsets from IB700_PORT: a write of anything stops it, a write of a time-out (re)starts it. */
export const DISABLE = 0;
export const ENABLE = 2;

/** Seconds by the low four bits that are written to ENABLE. */
export const TIMEOUT_SECONDS: readonly number[] = [30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0];
