export { IoSpace } from './io-space.js';
export {
  DMA_PAGE_BYTES,
  type MapOptions,
  type Mapping,
  type MappingAccess,
  type MemoryListener,
  MemorySpace,
  type PageBacking,
} from './memory-space.js';
export { type AccessSize, MapConflictError, type Mmio, type MmioOptions, mmio, type Region, type Storage, storage } from './region.js';
