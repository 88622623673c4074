export { FwCfg, type FwCfgOptions, type FwCfgServices } from './fw-cfg.js';
export { FwCfgError, type ItemOptions, type ItemSource } from './items.js';
export { le16, le32, le64 } from './little-endian.js';
export { FILE_FIRST, FILE_SLOTS, FW_CFG_DMA_PORT, FW_CFG_PORT, FwCfgKey } from './spec.js';
export { TRACE_POINTS } from './trace-points.js';
