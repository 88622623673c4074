export { frame, type GdbInput, MAX_PACKET, PacketReader } from './packets.js';
export { type Description, type GdbRegister, registersOf } from './registers.js';
export { GdbServer, type GdbServerOptions, NotDebuggableError } from './server.js';
export { GdbSession, type GdbSink } from './session.js';
export { targetXml } from './target-description.js';
