import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "@talkwire/client": new URL("../client/src/index.ts", import.meta.url).pathname } },
  test: { include: ["test/**/*.test.tsx"], environment: "happy-dom", testTimeout: 60_000 },
});
