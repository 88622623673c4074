export { DEMO_GUEST_KEYS, DEMO_GUEST_LINES, demoGuestRom } from './demo-guest-rom.js';
