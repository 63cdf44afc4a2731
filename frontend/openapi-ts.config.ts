import { defineConfig } from '@hey-api/openapi-ts';

export default defineConfig({
  input: '../docs/openapi.json',
  output: { path: 'src/app/api', entryFile: false },
  plugins: [{ name: '@hey-api/typescript', enums: false }],
});
