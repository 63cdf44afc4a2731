import { defineConfig } from 'vitest/config';

// a machine that does other things, too, needs many times the usual 5 s for a screen with thousands of rows
export default defineConfig({ test: { testTimeout: 60_000 } });
