// Jest preset of every package: native ES modules, TypeScript through swc, workspace packages from their sources
const swc = {
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: false, useDefineForClassFields: true },
    keepClassNames: true,
  },
  sourceMaps: 'inline',
  swcrc: false,
};
module.exports = {
  testEnvironment: require.resolve('./jest.env.cjs'),
  // A test that fails may leave a machine running; the run ends all the same.
  forceExit: true,
  // No test judges speed: a limit is for what hangs, also on a busy machine.
  testTimeout: 120_000,
  testMatch: ['<rootDir>/src/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.[cm]?tsx?$': ['@swc/jest', { ...swc, module: { type: 'es6' } }] },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1.ts', '$1.js'] },
  testEnvironmentOptions: { customExportConditions: ['@hotsocket/source', 'node', 'node-addons'] },
};
